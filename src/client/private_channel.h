/* private_channel.h - what the files of private channels share: private.c (wishes and consent), private_channel.c (introduction
 * and proof), private_texts.c (what is said). */
#ifndef CLIENT_PRIVATE_CHANNEL_H
#define CLIENT_PRIVATE_CHANNEL_H

#include "crypto/cert.h"
#include "envelope.h"
#include "private.h"
#include "safety.h"

enum {
    PRIVATE_SETUP_MS = 45000,    /* from the yes to an open channel */
    PRIVATE_ANSWER_MS = 20000,   /* from our yes to the server's word */
    PRIVATE_STOP_MS = 2000,      /* for what was said before stopprivate */
    PRIVATE_RETRY_MS = 1000,     /* before a signal that did not get through is sent again */
    PRIVATE_REQUEST_MS = 600000, /* a request of which nothing is heard any more */
    PRIVATE_SIGNALS = 256,       /* waiting to be sent again, per channel */
    PRIVATE_HELD = 64,           /* candidates that came before the description */
    PRIVATE_CANDIDATE = 1024,    /* bytes */
    PRIVATE_REASON = 200,        /* bytes of a reason, from the other end */
    PRIVATE_WAITING = 10000,     /* wishes and texts without an answer */
    PRIVATE_BYTES = 16 << 20,
    PRIVATE_SENTENCE = 320,
    PRIVATE_EXPLANATION = 640, /* with fingerprints */
};

enum stage { STAGE_ASKED, STAGE_ANSWERED, STAGE_CONNECTING, STAGE_PROVING, STAGE_OPEN };

/* Bytes in a list: candidates that wait, signals that wait. */
struct piece {
    struct piece *next;
    size_t len;
    uint8_t data[];
};

struct pieces {
    struct piece *first, *last;
    size_t count;
};

/* A text of ours that is not acknowledged. */
struct text {
    struct text *next;
    int64_t request;
    uint64_t number;
    size_t len;
    uint8_t body[];
};

struct channel {
    struct privates *privates;
    struct channel *next;
    struct name user;
    uint64_t device;
    enum stage stage;
    bool asker;
    bool passed_on;       /* `request` has had its ok */
    int64_t request;      /* what began it, until it is open or over; 0: nothing of the user's */
    int64_t stop;         /* a stopprivate that waits; 0: none */
    struct safety safety; /* ids, and what is known of both ends */
    bool described, relayed, had_relays;
    enum contact contact;
    uint32_t our_generation, their_generation;
    uint8_t commit[DIGEST_SIZE];
    bool committed;
    struct tunnel *tunnel;
    struct pieces held, unsent;
    struct text *first, *last, *next_text; /* next_text: the first that the transport has not taken */
    uint64_t last_number, seen;
    bool ack_due;
    struct timer deadline, retry;
};

/* Somebody's request that waits for our yes or no. */
struct waiting {
    struct waiting *next;
    struct name user;
    uint64_t device;
    uint8_t id[SAFETY_ID];
    int64_t since;
};

/* A changed key, for `trust`. */
struct offer {
    struct offer *next;
    struct name user;
    uint8_t key[IDENTITY_KEY];
};

struct wish {
    struct wish *next;
    struct request *what;
};

struct privates {
    struct private_options is;
    struct channel *channels;
    struct waiting *waiting;
    struct offer *offers;
    struct wish *first, **last;
    size_t channel_count, waiting_count, offer_count, unanswered, bytes;
    struct arena arena; /* a signal or frame being read, or made */
    struct timer soon;
};

/* private.c */
void private_soon(struct privates *privates);
void private_emit(struct privates *privates, const struct earshot_event *event);
void private_answer(struct privates *privates, int64_t request, enum earshot_error error, const char *text);
void private_done_with(struct privates *privates, size_t bytes); /* one wish or text less without an answer */
/* A sentence with the user's name for each '$'. */
void private_sentence(char out[PRIVATE_SENTENCE], const char *pattern, const struct name *user);
void private_start_timer(struct privates *privates, struct timer *timer, int64_t after_ms);
bool private_same_name(const struct name *a, const struct name *b);
struct channel *private_channel_with(struct privates *privates, const struct name *user);
struct waiting **private_waiting_from(struct privates *privates, const struct name *user);
void private_forget_waiting(struct privates *privates, struct waiting **link);
void private_tell_over(struct privates *privates, const struct name *user, const char *reason);
/* The yes to a waiting request: `id` is answered with the server's word, `request` with what becomes of the channel. */
void private_accept(struct privates *privates, struct waiting **link, int64_t id, int64_t request);
enum err channel_ask_server(struct channel *channel, int kind, int64_t id);
struct channel *channel_new(struct privates *privates, const struct name *user, enum stage stage);
/* Takes it out of the table and frees it; its tunnel is dropped, or has been finished. */
void channel_free(struct channel *channel);
/* Remembers a changed key, for `trust`. */
void private_offer(struct privates *privates, const struct name *user, const uint8_t key[IDENTITY_KEY]);
/* Never open: answers the request that began it. */
void channel_fail(struct channel *channel, enum earshot_error error, const char *text);
/* Whatever the stage: the user is told, and the other end if `tell`. */
void channel_end(struct channel *channel, const char *reason, bool tell);

/* private_channel.c */
/* Of the key of a device: as those of certificates look. */
void private_fingerprint(const uint8_t key[IDENTITY_KEY], char out[FINGERPRINT_SIZE]);
void channel_connect(struct channel *channel, const Earshot__PrivateSettled *settled);
void channel_signal(struct channel *channel, struct slice payload);
void channel_signal_failed(struct channel *channel, struct slice payload);
void channel_say_closed(struct channel *channel, const char *reason); /* through the server */
enum err channel_send(struct channel *channel, const Earshot__PeerFrame *frame);

/* private_texts.c */
enum err texts_add(struct channel *channel, const struct request *what);
void texts_pump(struct channel *channel);
void texts_fail(struct channel *channel, const char *text);
bool texts_take(struct channel *channel, const Earshot__PeerText *text); /* false: it breaks the protocol */
bool texts_received(struct channel *channel, uint64_t number);
void texts_acknowledge(struct channel *channel);

enum err pieces_add(struct pieces *pieces, struct slice data, size_t most);
void pieces_clear(struct pieces *pieces);

#endif
