/* trust.c - see trust.h. */
#include "trust.h"
#include <stdio.h>

void trust_accept(struct trust *trust, const char *fingerprint)
{
    snprintf(trust->accepted, sizeof trust->accepted, "%s", fingerprint);
    if (trust->state != NULL)
        (void)state_remember_server(trust->state, trust->server, fingerprint);
}

/* The fingerprint that the server should have. ERR_NOT_FOUND if none is known; any other error: one may be. */
static enum err expected(const struct trust *trust, char out[FINGERPRINT_SIZE])
{
    if (trust->accepted[0] != '\0') {
        memcpy(out, trust->accepted, FINGERPRINT_SIZE);
        return OK;
    }
    return trust->state != NULL ? state_known_server(trust->state, trust->server, out) : ERR_NOT_FOUND;
}

static void explain_unreadable(struct trust *trust)
{
    snprintf(trust->why, sizeof trust->why,
             "The file of known servers cannot be read, so %.200s is not trusted:\n  %.300s/known_servers\n"
             "Make it readable, or trust the certificate with --ca FILE.",
             trust->server, trust->directory != NULL ? trust->directory : ".");
}

static void explain_change(struct trust *trust, const char *known, const char *fingerprint)
{
    char remedy[384] = "start again, ";
    if (trust->state != NULL && trust->directory != NULL)
        snprintf(remedy, sizeof remedy, "remove its line from the file\n  %.300s/known_servers\n", trust->directory);
    snprintf(trust->why, sizeof trust->why,
             "The certificate of %.200s has changed. It was\n  %s\nand is now\n  %s\n"
             "which means that somebody is in between, or that the server was\nset up anew. If you know that it was, %s"
             "or trust its certificate with --ca FILE.",
             trust->server, known, fingerprint, remedy);
}

static void tell_of_other(struct trust *trust, const char *known, const char *fingerprint)
{
    char remedy[384] = "";
    if (trust->state != NULL && trust->directory != NULL)
        snprintf(remedy, sizeof remedy,
                 "\nIf the server was meant to change, remove its line from the file\n  %.300s/known_servers", trust->directory);
    snprintf(trust->why, sizeof trust->why,
             "The certificate of %.200s is not the one that is remembered,\n  %s\nbut\n  %s\n"
             "for which a CA vouches; so it is taken.%s",
             trust->server, known, fingerprint, remedy);
    snprintf(trust->told, sizeof trust->told, "%s", fingerprint);
}

enum verdict trust_judge(struct trust *trust, const char *fingerprint, bool verified)
{
    char known[FINGERPRINT_SIZE];
    enum err err = expected(trust, known);
    trust->why[0] = '\0';
    if (verified) {
        if (err == OK && strcmp(known, fingerprint) != 0 && strcmp(trust->told, fingerprint) != 0)
            tell_of_other(trust, known, fingerprint);
        return TRUST_YES;
    }
    if (err != OK && err != ERR_NOT_FOUND) {
        explain_unreadable(trust);
        return TRUST_NO;
    }
    if (err == OK) {
        if (strcmp(known, fingerprint) == 0) {
            memcpy(trust->accepted, known, sizeof trust->accepted);
            return TRUST_YES;
        }
        explain_change(trust, known, fingerprint);
        return TRUST_NO;
    }
    if (trust->mode == EARSHOT_TRUST_ASK)
        return TRUST_ASK;
    if (trust->mode == EARSHOT_TRUST_NEW) {
        trust_accept(trust, fingerprint);
        return TRUST_YES;
    }
    snprintf(trust->why, sizeof trust->why, "The server %.200s is not known; its certificate is\n  %s", trust->server,
             fingerprint);
    return TRUST_NO;
}
