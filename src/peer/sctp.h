/*
 * sctp.h - one SCTP association (RFC 9260) inside DTLS (RFC 8261): messages, in order, once, however the path changes below.
 *
 * usrsctp without threads: its time is what we give it, and its state is the process's, so all associations of a process must
 * live on one thread (sctp_new refuses others). It never gives up by itself: whoever owns it decides by sctp_answered_at().
 * Callbacks come inside sctp_input and from its timer, never from inside usrsctp; none of them may free it.
 */
#ifndef PEER_SCTP_H
#define PEER_SCTP_H

#include "base/buf.h"
#include "net/loop.h"

struct sctp;

enum sctp_end { SCTP_END_SHUTDOWN, SCTP_END_ABORTED, SCTP_END_FAILED };

struct sctp_message {
    uint16_t stream;
    uint32_t payload; /* protocol identifier */
    struct slice bytes;
};

struct sctp_ops {
    void (*send)(void *ctx, struct slice packet);
    void (*up)(void *ctx);
    void (*message)(void *ctx, const struct sctp_message *message);
    void (*room)(void *ctx); /* sctp_unsent() has become less */
    void (*reset)(void *ctx, uint16_t stream);
    void (*ended)(void *ctx, enum sctp_end end); /* once */
};

/* message_max: a longer one ends the association. ERR_MEMORY, ERR_WRONG_STATE: another thread has associations. */
enum err sctp_new(const struct world *world, size_t message_max, const struct sctp_ops *ops, void *ctx, struct sctp **out);
void sctp_free(struct sctp **sctp); /* aborts what is left; takes NULL */

enum err sctp_connect(struct sctp *sctp, uint16_t local_port, uint16_t remote_port);
void sctp_input(struct sctp *sctp, struct slice packet);
/* ERR_AGAIN: wait for room. ERR_SYSTEM: the association is gone. */
enum err sctp_send(struct sctp *sctp, const struct sctp_message *message);
size_t sctp_unsent(const struct sctp *sctp); /* bytes not yet acknowledged */
/* Sends what is left, then tells the other end. */
void sctp_shutdown(struct sctp *sctp);
/* Asks the other end whether it is there, now. */
void sctp_ask(struct sctp *sctp);
/* When the other end last showed that it hears us; of the clock's mono_ms. */
int64_t sctp_answered_at(const struct sctp *sctp);

#endif
