/*
 * peer.h - a reliable, ordered, encrypted channel straight between two machines, across NATs: a WebRTC data channel.
 *
 * ICE (RFC 8445, libnice), DTLS 1.2 (RFC 6347, OpenSSL), SCTP over DTLS (RFC 8261, usrsctp) and DCEP (RFC 8832) on the client's
 * event loop, without threads. A browser can be the other end. What one end produces (a description, candidates) its owner
 * carries to the other end by any means, in the order given; this module knows neither server nor names. Everything on the loop's
 * thread, which must be the same for all open channels of a process; callbacks never run inside a call to peer_*.
 *
 *     peer_new(&config, &peer)                 both ends; the asker has `offers` set
 *     ops.description -> other end             peer_describe(peer, text) there
 *     ops.candidate   -> other end             peer_candidate(peer, text) there, "" for the last
 *     ops.open                                 both: peer_send() may be used
 *     ops.data, ops.path, ops.closed
 *
 * The DTLS certificate is made for this one channel. The description carries its fingerprint, and the handshake fails unless the
 * other end's certificate has the fingerprint of the other description: who vouches for descriptions is the owner's business.
 *
 * A path that dies is replaced: when nothing gets through for PEER_PATH_SECONDS the asking end gathers anew (ICE restart) and
 * ops.description comes again, to be carried over like the first. What was sent meanwhile is kept by SCTP and arrives once. If no
 * path is found within PEER_LOST_SECONDS the channel is closed as lost.
 */
#ifndef PEER_PEER_H
#define PEER_PEER_H

#include "base/slice.h"
#include "net/loop.h"

struct peer;

enum {
    PEER_MESSAGE_MAX = 65536,         /* bytes in one message */
    PEER_QUEUE_MAX = 4 * 1024 * 1024, /* bytes sent and not yet acknowledged, before ERR_CAP */
    PEER_DESCRIPTION_MAX = 16 * 1024, /* bytes, either way */
    PEER_CANDIDATES_MAX = 64,         /* per description, from the other end */
    PEER_PATH_SECONDS = 6,
    PEER_LOST_SECONDS = 25,
    PEER_FINGERPRINT = 32, /* SHA-256 */
};

enum peer_path { PEER_DIRECT, PEER_RELAYED };

enum peer_end {
    PEER_CLOSED,    /* by the other end, or by peer_close */
    PEER_LOST,      /* was open; no path any more */
    PEER_NO_PATH,   /* never open: no pair of addresses worked */
    PEER_UNTRUSTED, /* the other end's certificate is not the one described */
    PEER_BROKEN,    /* the other end broke the protocol, or memory ran out */
};

/* A TURN relay (RFC 8656); its allocation tells our own public address too, so no STUN server is needed beside it. */
struct peer_relay {
    const char *host; /* an IP address */
    uint16_t port;
    enum { PEER_RELAY_UDP, PEER_RELAY_TCP, PEER_RELAY_TLS } transport; /* TLS: left out, libnice has none */
    const char *user, *password;
};

struct peer_ops {
    void (*description)(void *ctx, struct slice sdp);     /* SDP (RFC 8829 style), an offer or an answer */
    void (*candidate)(void *ctx, struct slice candidate); /* "candidate:..." (RFC 8839), or "" when there are no more */
    void (*open)(void *ctx, enum peer_path path);
    void (*path)(void *ctx, enum peer_path path);                  /* another one, after open */
    void (*data)(void *ctx, struct slice message);                 /* one whole message */
    void (*drained)(void *ctx);                                    /* after ERR_CAP: there is room again */
    void (*closed)(void *ctx, enum peer_end end, const char *why); /* once, the last; `why` for people */
};

struct peer_config {
    struct loop *loop;
    bool offers;                     /* the end that asked: describes first, controls ICE, opens the data channel */
    bool relay_only;                 /* hide the own addresses */
    bool loopback;                   /* 127.0.0.1 too; without any other interface it is used anyway */
    const struct peer_relay *relays; /* copied */
    size_t relay_count;
    const char *stun_host; /* an IP address, or NULL; not the same address as a relay's */
    uint16_t stun_port;
    const struct peer_ops *ops;
    void *ctx;
};

/* ERR_MEMORY, ERR_SYSTEM, ERR_INVALID: a relay or STUN host is no IP address. An answering end waits for the other's
 * description. */
enum err peer_new(const struct peer_config *config, struct peer **out);
/* At once and silently: no callback comes after it, but the other end is told. Before loop_free(); a relay is told while the loop
 * runs on, so let it turn for a moment. Inside callbacks too. Takes NULL. */
void peer_free(struct peer **peer);

/* The other end's description. Before open it may come once, and again for each ICE restart. ERR_INVALID: not acceptable; the
 * peer is as before. An answering end's own description follows. */
enum err peer_describe(struct peer *peer, struct slice sdp);
/* ERR_INVALID (ignored; also what ICE cannot use, like mDNS names: not an error to report), ERR_CAP. */
enum err peer_candidate(struct peer *peer, struct slice candidate);

/* One message, in order, once. ERR_CAP: wait for drained. ERR_WRONG_STATE before open and after peer_close. ERR_TOO_LONG: over
 * PEER_MESSAGE_MAX, or what the other end takes. */
enum err peer_send(struct peer *peer, struct slice message);
/* Bytes handed over and not yet acknowledged by the other end's SCTP. */
size_t peer_unsent(const struct peer *peer);

/* Sends what waits (at most 2 s), tells the other end, then ops.closed(PEER_CLOSED). */
void peer_close(struct peer *peer);

/* SHA-256 of the DER form of the certificates. The other end's is known once it has been described. */
void peer_local_fingerprint(const struct peer *peer, uint8_t out[PEER_FINGERPRINT]);
bool peer_remote_fingerprint(const struct peer *peer, uint8_t out[PEER_FINGERPRINT]);

#endif
