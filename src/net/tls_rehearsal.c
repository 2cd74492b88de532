/* tls_rehearsal.c - see tls_rehearsal.h. */
#include "tls_rehearsal.h"

enum {
    FLIGHTS_MAX = 8,
    FLIGHT_CAP = 1 << 20, /* a long chain of certificates */
};

struct end {
    struct tls_filter filter;
    struct buf output;
    bool shaken;
};

static enum err shake(struct end *end, struct end *other)
{
    enum err err;

    tls_feed(&end->filter, buf_slice(&other->output));
    err = tls_handshake(&end->filter);
    buf_clear(&other->output);
    end->shaken = err == OK;
    return err == ERR_AGAIN ? OK : err;
}

static enum err say(struct end *end, struct end *other)
{
    uint8_t heard[1];
    size_t len;
    enum err err = tls_write(&end->filter, slice_str("?"));

    if (err)
        return err;
    tls_feed(&other->filter, buf_slice(&end->output));
    err = tls_read(&other->filter, heard, sizeof heard, &len);
    buf_clear(&end->output);
    return err ? ERR_INVALID : OK;
}

static enum err play(struct end *server, struct end *client)
{
    enum err err = OK;

    for (int flight = 0; !err && flight < FLIGHTS_MAX && !(server->shaken && client->shaken); flight++)
        err = flight % 2 == 0 ? shake(client, server) : shake(server, client);
    if (!err && !(server->shaken && client->shaken))
        err = ERR_INVALID;
    if (!err)
        err = say(server, client);
    return err ? err : say(client, server);
}

enum err tls_rehearse(struct tls_context *server, struct tls_context *client)
{
    struct end ends[2] = {0};
    enum err err;

    buf_init(&ends[0].output, FLIGHT_CAP);
    buf_init(&ends[1].output, FLIGHT_CAP);
    err = tls_open(&ends[0].filter, server, &ends[0].output, NULL);
    if (!err)
        err = tls_open(&ends[1].filter, client, &ends[1].output, NULL);
    if (!err)
        err = play(&ends[0], &ends[1]);
    tls_close(&ends[0].filter);
    tls_close(&ends[1].filter);
    buf_free(&ends[0].output);
    buf_free(&ends[1].output);
    return err ? ERR_INVALID : OK;
}
