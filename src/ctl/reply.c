/* reply.c - see reply.h. */
#include "reply.h"
#include <stddef.h>
#include <string.h>

static char unescaped(char code)
{
    static const char codes[] = "\"\\/bfnrt", values[] = "\"\\/??\n?\t";
    const char *place = strchr(codes, code);
    return place != NULL && code != '\0' ? values[place - codes] : '\0';
}

/* *at is behind the opening quote; moved behind the closing one. NULL if malformed. Control characters become '?'. */
static char *take_string(char **at)
{
    char *start = *at, *write = start, *read = start;
    for (; *read != '"'; read++) {
        char byte = *read;
        if (byte == '\0')
            return NULL;
        if (byte == '\\') {
            byte = *++read == 'u' ? '?' : unescaped(*read);
            if (byte == '\0')
                return NULL;
            if (*read == 'u') {
                if (strspn(read + 1, "0123456789abcdefABCDEF") < 4)
                    return NULL;
                read += 4;
            }
        }
        *write++ = byte;
    }
    *at = read + 1;
    *write = '\0';
    return start;
}

/* A number, true or false; ended by what follows it, which is returned and overwritten. */
static char take_bare(char **at, const char **value)
{
    size_t len = strspn(*at, "+-.0123456789abcdefghijklmnopqrstuvwxyzE");
    char after = (*at)[len];
    *value = *at;
    (*at)[len] = '\0';
    *at += len + (after != '\0');
    return len > 0 ? after : '\0';
}

/* `"name":value` and the `,` or `}` behind it, which is returned; '\0' if malformed. */
static char take_field(char **at, struct reply *reply)
{
    char after;
    const char *name, *value;
    if (reply->count == REPLY_FIELDS || *(*at)++ != '"' || (name = take_string(at)) == NULL || *(*at)++ != ':')
        return '\0';
    if (**at == '"') {
        ++*at;
        value = take_string(at);
        if (value == NULL)
            return '\0';
        after = **at;
        *at += after != '\0';
    } else {
        after = take_bare(at, &value);
    }
    reply->fields[reply->count].name = name;
    reply->fields[reply->count++].value = value;
    return after;
}

enum err reply_read(char *line, struct reply *out)
{
    struct reply reply = {.count = 0};
    char after = ',';
    if (*line++ != '{')
        return ERR_INVALID;
    while (after == ',')
        after = take_field(&line, &reply);
    if (after != '}' || *line != '\0')
        return ERR_INVALID;
    *out = reply;
    return OK;
}

const char *reply_get(const struct reply *reply, const char *name)
{
    for (unsigned i = 0; i < reply->count; i++)
        if (strcmp(reply->fields[i].name, name) == 0)
            return reply->fields[i].value;
    return NULL;
}
