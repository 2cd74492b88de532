/*
 * ice.h - one search for a path between two machines (RFC 8445, trickle RFC 8838), and datagrams over what it found.
 *
 * A path that died is not mended but searched anew by another `struct ice`, with fresh sockets and fresh relay allocations, so a
 * changed network or a restarted relay does no harm. libnice does the work; its callbacks come from the loop, or inside ice_*.
 */
#ifndef PEER_ICE_H
#define PEER_ICE_H

#include "glib_source.h"
#include "sdp.h"

struct ice;

enum ice_state { ICE_SEARCHING, ICE_CONNECTED, ICE_FAILED };

struct ice_ops {
    void (*candidate)(void *ctx, struct ice *ice, const struct sdp_candidate *candidate); /* NULL: no more */
    void (*state)(void *ctx, struct ice *ice, enum ice_state state);
    void (*packet)(void *ctx, struct ice *ice, struct slice bytes);
};

/* Reads peer_config: offers, relays, STUN, relay_only, loopback. ERR_MEMORY, ERR_SYSTEM. */
enum err ice_new(struct glib_source *source, const struct peer_config *config, const struct ice_ops *ops, void *ctx,
                 struct ice **out);
void ice_free(struct ice **ice); /* takes NULL; no callback comes after it */

/* User fragment and password of this end. */
void ice_credentials(const struct ice *ice, char ufrag[SDP_CREDENTIAL_MAX + 1], char password[SDP_CREDENTIAL_MAX + 1]);
/* Starts searching addresses of its own. ERR_SYSTEM: this machine has none. */
enum err ice_gather(struct ice *ice);

enum err ice_remote(struct ice *ice, const char *ufrag, const char *password);
enum err ice_remote_candidate(struct ice *ice, const struct sdp_candidate *candidate);
void ice_remote_complete(struct ice *ice);

/* Dropped when there is no path. */
void ice_send(struct ice *ice, struct slice packet);
/* Whether the path in use goes through a relay. */
bool ice_relayed(const struct ice *ice);

/* For tests: drops every datagram, as a path does that died. */
void ice_cut(struct ice *ice);

#endif
