/*
 * trust.h - is this the server we mean? Certificates that a CA vouches for are taken, also where another one is pinned, which
 * then is said, and stays pinned: a CA's word must not undo what the user has compared. Others are known by their fingerprint:
 * pinned when first seen, if the user wants that, and refused when changed, or when the pins cannot be read: a damaged file must
 * not make a known server a new one. Nor is a server new for which a CA has vouched: a certificate for which none does, and which
 * is not the same, is a changed one. What was accepted once holds for the run even without a state directory.
 */
#ifndef CLIENT_TRUST_H
#define CLIENT_TRUST_H

#include "earshot/client.h"
#include "state.h"

enum verdict { TRUST_YES, TRUST_NO, TRUST_ASK };

struct trust {
    enum earshot_trust mode;
    struct state *state;       /* may be NULL */
    const char *server;        /* see server_key.h */
    const char *directory;     /* of the state, for people; NULL without */
    struct known_server known; /* seen in this run, if its fingerprint is not "" */
    char told[FINGERPRINT_SIZE];
    char why[1024]; /* in lines: a fingerprint or a path has one of its own */
};

/* `verified`: a CA vouches for the certificate and it names the host. `why` says why TRUST_NO; after TRUST_YES what people should
 * know, once a run, or nothing. */
enum verdict trust_judge(struct trust *trust, const char *fingerprint, bool verified);

/* From now on this is the server. A state directory that cannot be written is no reason to refuse: the run remembers. */
void trust_accept(struct trust *trust, const char *fingerprint);

#endif
