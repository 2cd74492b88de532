/*
 * tunnel.h - the real transport of private channels: peer/peer.h on the client's loop, with the names of relays resolved off it.
 *
 * A tunnel that was given up is freed in a later turn, since it may have been given up inside one of its own callbacks; one that
 * is to finish lives on for as long as its last words need.
 */
#ifndef CLIENT_TUNNEL_H
#define CLIENT_TUNNEL_H

#include "transport.h"

extern const struct transport tunnel_transport; /* its ctx is a struct tunnels */

struct tunnels {
    struct loop *loop;
    bool loopback;   /* the server is on this machine, so the other end may be as well */
    bool relay_only; /* the other end is not to learn our addresses */
    struct tunnel *first;
};

/* Turns the loop, for 2 s at most, until those that are to finish have; frees what is left. Only with nothing else of the loop's
 * that could call back. */
void tunnels_finish(struct tunnels *tunnels);

#endif
