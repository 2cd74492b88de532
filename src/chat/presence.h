/*
 * presence.h - coming and going.
 *
 * A user is online while somebody sits: the first seat and the last one are announced to everybody who may see it, and dated in
 * the login history. Seats change under the user's lock and each change has a version; an announcement is passed on only
 * while it is the latest, so that two loops racing cannot leave a wrong last word (announcement.c).
 */
#ifndef CHAT_PRESENCE_H
#define CHAT_PRESENCE_H

#include "seated.h"

/* ERR_MEMORY: nothing changed. An earlier seat of the same device is told FAREWELL_REPLACED. */
enum err presence_sit(struct participant *participant);
void presence_rise(struct participant *participant);

/* Whether its seat has been told to leave, and why: farewells may have been lost on the way. */
bool presence_condemned(struct participant *participant, enum farewell *why);

/* The device's token is void: all its seats are told to leave, and who is on the way to one will not stay. */
void presence_end_device(struct shard *shard, struct user *user, uint64_t device);
/* Tells all seats of the account to leave. How many there were. */
unsigned presence_expel_all(struct shard *shard, struct user *user, enum farewell why);

/* All logins of the account end, also those under way, but for those of the device `spared`; 0: of none. None is spared either if
 * they have all ended since there had been `begun` revocations. The store has it already. How many seats there were. */
unsigned presence_revoke(struct shard *shard, struct user *user, uint64_t spared, uint64_t begun);
/* Has a login of that device ended so, which began when there had been `begun` revocations? */
bool presence_revoked(const struct user *user, uint64_t begun, uint64_t device);

#endif
