/* trust.c - see trust.h. */
#include "trust.h"
#include <stdio.h>

static void remember(struct trust *trust, const char *fingerprint, bool vouched)
{
    trust->known.vouched = vouched;
    snprintf(trust->known.fingerprint, sizeof trust->known.fingerprint, "%s", fingerprint);
    if (trust->state != NULL)
        (void)state_remember_server(trust->state, trust->server, &trust->known);
}

void trust_accept(struct trust *trust, const char *fingerprint)
{
    remember(trust, fingerprint, false);
}

/* What the server should show. ERR_NOT_FOUND if nothing is known; any other error: something may be. */
static enum err expected(const struct trust *trust, struct known_server *out)
{
    if (trust->known.fingerprint[0] != '\0') {
        *out = trust->known;
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

static void explain_change(struct trust *trust, const struct known_server *known, const char *fingerprint)
{
    char remedy[384] = "start again, ";
    if (trust->state != NULL && trust->directory != NULL)
        snprintf(remedy, sizeof remedy, "remove its line from the file\n  %.300s/known_servers\n", trust->directory);
    snprintf(trust->why, sizeof trust->why,
             "The certificate of %.200s has changed. It was\n  %s\n%sand is now\n  %s\n%s"
             "which means that somebody is in between, or that the server was\nset up anew. If you know that it was, %s"
             "or trust its certificate with --ca FILE.",
             trust->server, known->fingerprint, known->vouched ? "for which a CA vouched, " : "", fingerprint,
             known->vouched ? "for which none does, " : "", remedy);
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

/* A CA vouches for it. A pin stays as it is. */
static void take_vouched(struct trust *trust, enum err err, const struct known_server *known, const char *fingerprint)
{
    bool differs = err == OK && strcmp(known->fingerprint, fingerprint) != 0;
    if (err == ERR_NOT_FOUND || (differs && known->vouched))
        remember(trust, fingerprint, true);
    else if (differs && strcmp(trust->told, fingerprint) != 0)
        tell_of_other(trust, known->fingerprint, fingerprint);
}

static enum verdict first_sight(struct trust *trust, const char *fingerprint)
{
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

enum verdict trust_judge(struct trust *trust, const char *fingerprint, bool verified)
{
    struct known_server known = {0};
    enum err err = expected(trust, &known);
    trust->why[0] = '\0';
    if (verified) {
        take_vouched(trust, err, &known, fingerprint);
        return TRUST_YES;
    }
    if (err == ERR_NOT_FOUND)
        return first_sight(trust, fingerprint);
    if (err != OK) {
        explain_unreadable(trust);
        return TRUST_NO;
    }
    if (strcmp(known.fingerprint, fingerprint) != 0) {
        explain_change(trust, &known, fingerprint);
        return TRUST_NO;
    }
    if (known.vouched)
        return first_sight(trust, fingerprint);
    trust->known = known;
    return TRUST_YES;
}
