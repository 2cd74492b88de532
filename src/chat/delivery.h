/*
 * delivery.h - what has been stored reaches the devices: in order, once, and also after anything went wrong.
 *
 * The store is the record; events only say early what it holds. A participant has a horizon (everything stored up to that id has
 * been sent to it, or was received by its user before) and, for conversations that moved since, a cursor (the same for that
 * conversation). A live event names the message before it in its conversation: if that one is covered, nothing is missing and the
 * message is passed on; otherwise the store is read from the horizon on. So login, resume, lost events, a slow reader and events
 * that overtake each other are one case. When everything has been read, the horizon moves up and the client is told (CaughtUp):
 * with the horizon and its own positions a client can resume anywhere.
 *
 * A message that may not be seen (a block came after it was accepted) stops its conversation at this participant, without an
 * acknowledgement: it is delivered once the block ends, at once (EVENT_RELEASE) or at a later login. So that it does not stop
 * halfway there, a resume too begins with what waits unacknowledged, below its horizon; the client recognises what it has
 * already.
 *
 * Acknowledgements are cumulative per conversation and stored a little later, many at once; what is lost with a crash is sent
 * again and recognised by the client.
 */
#ifndef CHAT_DELIVERY_H
#define CHAT_DELIVERY_H

#include "seated.h"

void delivery_begin(struct participant *participant, const struct resume *resume);
void delivery_end(struct participant *participant);  /* it leaves: acknowledgements are stored */
void delivery_free(struct participant *participant); /* its memory */

/* Something may have been missed. */
void delivery_reread(struct participant *participant);

/* The participant's own message was stored. */
void delivery_sent(struct participant *participant, uint64_t conversation, uint64_t id, uint64_t previous);

/* Stores the acknowledgements of all participants of the shard. */
void delivery_flush(struct shard *shard);

#endif
