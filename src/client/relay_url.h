/* relay_url.h - "turn:HOST:PORT?transport=udp" (RFC 7065) taken apart. Pure. */
#ifndef CLIENT_RELAY_URL_H
#define CLIENT_RELAY_URL_H

#include "base/err.h"
#include "peer/peer.h"

struct relay_url {
    char host[256]; /* a name or an address, without brackets */
    uint16_t port;
    int transport; /* PEER_RELAY_UDP and so on */
};

/* ERR_INVALID. */
enum err relay_url_parse(struct slice text, struct relay_url *out);

#endif
