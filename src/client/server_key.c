/* server_key.c - see server_key.h. */
#include "server_key.h"
#include <stdio.h>

static char small(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte; /* in every locale */
}

/* "HOST.:port" as "host:port", in place. */
static void fold(char key[SERVER_KEY_SIZE])
{
    char *port = strrchr(key, ':');
    for (char *at = key; *at != '\0'; at++)
        *at = small(*at);
    if (port != NULL && port - key > 1 && port[-1] == '.')
        memmove(port - 1, port, strlen(port) + 1);
}

void server_key(const char *host, uint16_t port, char key[SERVER_KEY_SIZE])
{
    snprintf(key, SERVER_KEY_SIZE, strchr(host, ':') ? "[%.*s]:%u" : "%.*s:%u", (int)SERVER_KEY_HOST, host, port);
    fold(key);
}

struct slice server_key_value(struct slice line, const char *key)
{
    char word[SERVER_KEY_SIZE];
    const uint8_t *blank = line.len > 0 ? memchr(line.data, ' ', line.len) : NULL;
    size_t len = blank != NULL ? (size_t)(blank - line.data) : sizeof word;
    if (len >= sizeof word)
        return slice_of(NULL, 0);
    memcpy(word, line.data, len);
    word[len] = '\0';
    fold(word);
    return strcmp(word, key) == 0 ? slice_of(line.data + len + 1, line.len - len - 1) : slice_of(NULL, 0);
}
