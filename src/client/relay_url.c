/* relay_url.c - see relay_url.h. */
#include "relay_url.h"

static bool take(struct slice *rest, const char *word)
{
    size_t len = strlen(word);
    if (rest->len < len || memcmp(rest->data, word, len) != 0)
        return false;
    *rest = slice_of(rest->data + len, rest->len - len);
    return true;
}

/* Up to a byte out of `ends`, or the end. */
static struct slice take_until(struct slice *rest, const char *ends)
{
    size_t len = 0;
    while (len < rest->len && strchr(ends, rest->data[len]) == NULL)
        len++;
    struct slice part = slice_of(rest->data, len);
    *rest = slice_of(rest->data + len, rest->len - len);
    return part;
}

static bool take_host(struct slice *rest, char host[256])
{
    struct slice part;
    if (take(rest, "[")) {
        part = take_until(rest, "]");
        if (!take(rest, "]"))
            return false;
    } else {
        part = take_until(rest, ":?");
    }
    if (part.len == 0 || part.len > 255 || memchr(part.data, '\0', part.len) != NULL)
        return false;
    memcpy(host, part.data, part.len);
    host[part.len] = '\0';
    return true;
}

static bool take_port(struct slice *rest, uint16_t *port)
{
    unsigned number = 0;
    if (!take(rest, ":"))
        return true;
    struct slice part = take_until(rest, "?");
    for (size_t i = 0; i < part.len; i++) {
        if (part.data[i] < '0' || part.data[i] > '9' || number > 65535)
            return false;
        number = number * 10 + (part.data[i] - '0');
    }
    *port = (uint16_t)number;
    return part.len > 0 && number > 0 && number <= 65535;
}

enum err relay_url_parse(struct slice text, struct relay_url *out)
{
    struct relay_url url = {.port = 3478, .transport = PEER_RELAY_UDP};
    bool secure = take(&text, "turns:");
    if (secure) {
        url.port = 5349;
        url.transport = PEER_RELAY_TLS;
    } else if (!take(&text, "turn:")) {
        return ERR_INVALID;
    }
    if (!take_host(&text, url.host) || !take_port(&text, &url.port))
        return ERR_INVALID;
    if (take(&text, "?transport=tcp"))
        url.transport = secure ? PEER_RELAY_TLS : PEER_RELAY_TCP;
    else if (take(&text, "?transport=udp") && secure)
        return ERR_INVALID; /* DTLS towards a relay */
    if (text.len > 0)
        return ERR_INVALID;
    *out = url;
    return OK;
}
