/* trust.c - see trust.h. */
#include "trust.h"
#include <stdio.h>

void trust_accept(struct trust *trust, const char *fingerprint)
{
    snprintf(trust->accepted, sizeof trust->accepted, "%s", fingerprint);
    if (trust->state != NULL)
        (void)state_remember_server(trust->state, trust->server, fingerprint);
}

/* The fingerprint that the server should have; false if none is known. */
static bool expected(const struct trust *trust, char out[FINGERPRINT_SIZE])
{
    if (trust->accepted[0] != '\0') {
        memcpy(out, trust->accepted, FINGERPRINT_SIZE);
        return true;
    }
    return trust->state != NULL && state_known_server(trust->state, trust->server, out) == OK;
}

enum verdict trust_judge(struct trust *trust, const char *fingerprint, bool verified)
{
    char known[FINGERPRINT_SIZE];
    if (verified)
        return TRUST_YES;
    if (expected(trust, known)) {
        if (strcmp(known, fingerprint) == 0) {
            memcpy(trust->accepted, known, sizeof trust->accepted);
            return TRUST_YES;
        }
        snprintf(trust->why, sizeof trust->why,
                 "The certificate of %.200s has changed: it was %s and is now %s. Somebody may be in between, or the server was "
                 "set up anew.",
                 trust->server, known, fingerprint);
        return TRUST_NO;
    }
    if (trust->mode == EARSHOT_TRUST_ASK)
        return TRUST_ASK;
    if (trust->mode == EARSHOT_TRUST_NEW) {
        trust_accept(trust, fingerprint);
        return TRUST_YES;
    }
    snprintf(trust->why, sizeof trust->why, "The server %.200s is not known; its certificate is %s.", trust->server, fingerprint);
    return TRUST_NO;
}
