/*
 * transport.h - what private channels need of a transport: peer/peer.h with relays by URL. tunnel.c supplies the real one; a fake
 * takes its place in tests.
 *
 * The callbacks are those of struct peer_ops. None runs inside a call to these functions, and none comes after drop or finish,
 * which may be called inside a callback.
 */
#ifndef CLIENT_TRANSPORT_H
#define CLIENT_TRANSPORT_H

#include "peer/peer.h"

struct tunnel;

/* As the server gives them: "turn:HOST:PORT?transport=udp" (RFC 7065). What is not understood is left out. */
struct transport_relay {
    struct slice url, user, password;
};

struct transport_config {
    bool offers;
    const struct transport_relay *relays; /* copied */
    size_t relay_count;
    const struct peer_ops *ops;
    void *ctx;
};

struct transport {
    /* ERR_NOT_FOUND: the own addresses are to be hidden, and there is no relay. */
    enum err (*open)(void *ctx, const struct transport_config *config, struct tunnel **out);
    void (*drop)(struct tunnel **tunnel);   /* at once, silently; takes NULL */
    void (*finish)(struct tunnel **tunnel); /* what was sent still goes out, for 2 s at most; takes NULL */
    enum err (*describe)(struct tunnel *tunnel, struct slice sdp);
    enum err (*candidate)(struct tunnel *tunnel, struct slice candidate);
    enum err (*send)(struct tunnel *tunnel, struct slice message);
    bool (*fingerprints)(struct tunnel *tunnel, uint8_t ours[PEER_FINGERPRINT], uint8_t theirs[PEER_FINGERPRINT]);
};

#endif
