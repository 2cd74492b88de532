/*
 * peer_internal.h - what the files of src/peer share of one channel.
 *
 * From below to above: ice (a path), dtls, sctp, and the messages. Two `struct ice` exist while a path is being replaced: `ice`
 * carries what is sent, `next` is being searched; what arrives is taken from both, as DTLS tells true from false.
 *
 * Nothing below calls the owner: it leaves events (event.c), which are told at the end of a packet or from the timer `soon`. So
 * an owner may call anything inside its callbacks, peer_free() included: then peer_free() only marks the peer, and who was
 * telling frees it.
 */
#ifndef PEER_INTERNAL_H
#define PEER_INTERNAL_H

#include "dcep.h"
#include "dtls.h"
#include "ice.h"
#include "sctp.h"
#include "sdp.h"

enum peer_stage {
    PEER_STAGE_SIGNAL, /* no description of the other end yet */
    PEER_STAGE_SEARCH, /* ICE, then DTLS, then SCTP, then DCEP */
    PEER_STAGE_OPEN,
    PEER_STAGE_CLOSING, /* sends what waits */
    PEER_STAGE_ENDED,
};

enum event_kind { EVENT_DESCRIPTION, EVENT_CANDIDATE, EVENT_DATA };

struct event {
    struct event *next;
    enum event_kind kind;
    size_t len;
    uint8_t bytes[];
};

/* In milliseconds; tests shorten them. */
struct peer_times {
    int64_t look;    /* between two looks at the path */
    int64_t path;    /* PEER_PATH_SECONDS */
    int64_t lost;    /* PEER_LOST_SECONDS */
    int64_t search;  /* from the other end's first description to open */
    int64_t grace;   /* libnice says failed before late candidates and checks have come */
    int64_t restart; /* for one attempt, once it has been answered */
};

struct peer {
    struct glib_later later; /* to be freed */
    struct peer_config config;
    char *strings; /* that config points into */
    struct peer_relay *relays;
    const struct world *world;
    struct glib_source *source;
    struct peer_times times;

    enum peer_stage stage;
    struct sdp local, remote; /* the latest */
    bool described;           /* remote is set */
    bool dtls_client;

    struct ice *ice, *next;
    struct ice *talking; /* which of them the remote candidates are for */
    bool connected;      /* `ice` has a path */
    bool answer_due;     /* we offered and wait for the answer */
    size_t remote_candidates;
    int64_t search_until, failed_since, restart_until, offered_at;

    struct dtls *dtls;
    struct sctp *sctp;
    uint16_t stream;
    bool open_sent, open_known;
    struct buf outbox; /* messages that SCTP has no room for, each after its length */
    bool full;         /* ERR_CAP was returned: drained is to be told */
    bool shut_down;

    struct timer soon, watch;
    struct event *events, **events_end;
    bool tell_open, told_open, tell_drained, told_end;
    bool relayed, told_relayed;
    bool telling, freed;
    enum peer_end end;
    const char *why;
};

/* event.c */
void event_add(struct peer *peer, enum event_kind kind, struct slice bytes);
void event_soon(struct peer *peer);
void event_tell(struct peer *peer); /* may free the peer: the last thing that a caller does */
void event_free_all(struct peer *peer);

/* signal.c: descriptions, candidates, paths */
extern const struct ice_ops signal_ice_ops;
enum err signal_offer(struct peer *peer);
void signal_watch(struct peer *peer, int64_t now);
void signal_packet_out(struct peer *peer, struct slice packet);

/* channel.c: what runs over the path */
extern const struct dtls_ops channel_dtls_ops;
void channel_connected(struct peer *peer);
enum err channel_described(struct peer *peer);
void channel_pump(struct peer *peer);

/* peer.c */
/* Ends the channel; the owner hears of it later. `why` is a constant. */
void peer_end_with(struct peer *peer, enum peer_end end, const char *why);
/* Says goodbye to the other end. DTLS and SCTP must not be at work further up the stack; ICE may. */
void peer_tear_down(struct peer *peer);
void peer_destroy(struct peer *peer);

/* For tests: the path in use stops carrying anything. */
void peer_cut_path(struct peer *peer);

#endif
