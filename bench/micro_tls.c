/* micro_tls.c - records of 64 bytes and of 16 KiB from one end to the other, and a whole handshake, both ends counted. */
#include "crypto/cert.h"
#include "micro.h"
#include "tls_filter.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct end {
    struct tls_filter filter;
    struct buf out;
};

static struct tls_context *contexts[2];
static struct end server, client;
static uint8_t bytes[16384], space[16384];

static void open_ends(void)
{
    demand(tls_open(&server.filter, contexts[0], &server.out, NULL) == OK, "open TLS");
    demand(tls_open(&client.filter, contexts[1], &client.out, NULL) == OK, "open TLS");
}

static enum err step(struct end *end, struct end *other)
{
    tls_feed(&end->filter, buf_slice(&other->out));
    enum err err = tls_handshake(&end->filter);
    buf_clear(&other->out);
    return err;
}

static void shake_hands(void)
{
    enum err ours = ERR_AGAIN, theirs = ERR_AGAIN;
    for (int i = 0; i < 4 && (ours != OK || theirs != OK); i++) {
        theirs = step(&client, &server);
        ours = step(&server, &client);
    }
    demand(ours == OK && theirs == OK, "shake hands");
}

static void set_up(void)
{
    char directory[] = "/tmp/earshot-micro-XXXXXX", cert[64], key[64];
    const char *why = "";
    demand(mkdtemp(directory) != NULL, "make a directory");
    snprintf(cert, sizeof cert, "%s/cert.pem", directory);
    snprintf(key, sizeof key, "%s/key.pem", directory);
    demand(cert_make(cert, key, "localhost", &why) == OK, "make a certificate");
    demand(tls_server_new(cert, key, &contexts[0], &why) == OK && tls_client_new(NULL, &contexts[1], &why) == OK, "set up TLS");
    unlink(cert);
    unlink(key);
    rmdir(directory);
    buf_init(&server.out, 1 << 20);
    buf_init(&client.out, 1 << 20);
    open_ends();
    shake_hands();
}

static void send_records(unsigned count, size_t size)
{
    size_t len;
    for (unsigned i = 0; i < count; i++) {
        demand(tls_write(&server.filter, slice_of(bytes, size)) == OK, "write a record");
        tls_feed(&client.filter, buf_slice(&server.out));
        demand(tls_read(&client.filter, space, sizeof space, &len) == OK && len == size, "read a record");
        buf_clear(&server.out);
    }
}

static void small_records(unsigned count)
{
    send_records(count, 64);
}

static void large_records(unsigned count)
{
    send_records(count, sizeof bytes);
}

static void handshakes(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        tls_close(&server.filter);
        tls_close(&client.filter);
        open_ends();
        shake_hands();
    }
}

const struct micro micro_tls[] = {
    {"tls-record-64-bytes", set_up, small_records},
    {"tls-record-16-kib", NULL, large_records},
    {"tls-handshake-both-ends", NULL, handshakes},
    {0},
};
