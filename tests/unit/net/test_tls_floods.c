/*
 * test_tls_floods.c - what TLS itself lets a stranger ask for: announced sizes, dear key exchanges, second tries, key updates,
 * empty records, handshakes without end. Each costs us more than the peer, so each has an end.
 */
#include "../../../src/net/conn_internal.h"
#include "../../../src/net/tls_gauge.h"
#include "pair.h"
#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/socket.h>

/* ---- announced sizes ---- */

static bool fits(const void *bytes, size_t len, size_t piece)
{
    struct tls_gauge gauge = {0};

    for (size_t at = 0; at < len; at += piece)
        if (!tls_gauge_feed(&gauge, slice_of((const uint8_t *)bytes + at, len - at < piece ? len - at : piece)))
            return false;
    return true;
}

#define FITS(literal, piece) fits(literal, sizeof(literal) - 1, piece)

static void test_gauge(void **state)
{
    for (size_t piece = 1; piece < 20; piece++) {
        assert_true(FITS("\x16\x03\x01\x00\x06\x01\x00\x00\x02xx", piece));
        assert_true(FITS("\x16\x03\x01\x00\x04\x01\x00\x40\x00", piece)); /* 16 KiB */
        assert_false(FITS("\x16\x03\x01\x00\x04\x01\x00\x40\x01", piece));
        assert_false(FITS("\x16\x03\x01\x00\x10\x01\x01\xff\xb8", piece));
        /* in a later message, in a later record, cut by records */
        assert_false(FITS("\x16\x03\x01\x00\x0a\x01\x00\x00\x02xx\x01\xff\x00\x00", piece));
        assert_false(FITS("\x16\x03\x01\x00\x06\x01\x00\x00\x02xx\x16\x03\x03\x00\x04\x01\x01\x00\x00", piece));
        assert_false(FITS("\x16\x03\x01\x00\x02\x01\x01\x16\x03\x03\x00\x02\x00\x00", piece));
        /* other records are none of its business */
        assert_true(FITS("\x14\x03\x03\x00\x01\x01\x17\x03\x03\x00\x04\x01\xff\xff\xff", piece));
    }
}

static size_t make_hello(const char *groups, uint8_t *out, size_t size)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *ssl;
    BIO *in = BIO_new(BIO_s_mem()), *output = BIO_new(BIO_s_mem());
    int len;

    assert_int_equal(SSL_CTX_set1_groups_list(context, groups), 1);
    ssl = SSL_new(context);
    SSL_set_bio(ssl, in, output);
    SSL_connect(ssl);
    len = BIO_read(output, out, (int)size);
    assert_true(len > 0);
    SSL_free(ssl);
    SSL_CTX_free(context);
    return (size_t)len;
}

static int stranger_connect(struct place *place)
{
    struct sockaddr_storage address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(address_parse("127.0.0.1", listener_port(place->listener), &address));
    assert_int_equal(connect(fd, (struct sockaddr *)&address, address_len(&address)), 0);
    return fd;
}

/* A connection that has said this; it must end. Returns the first byte of the answer, or 0. */
static uint8_t ends_after(const void *bytes, size_t len, unsigned times)
{
    struct place place;
    uint8_t answer = 0;
    int fd;

    place_init(&place);
    place_listen(&place);
    fd = stranger_connect(&place);
    for (unsigned i = 0; i < times; i++)
        assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), len);
    wait_for(place.loop, place.sides[0].closed);
    assert_int_equal(place.sides[0].how, CONN_TLS_FAILED);
    assert_int_equal(place.sides[0].opened, 0);
    (void)!read(fd, &answer, 1);
    close(fd);
    place_free(&place);
    return answer;
}

static void test_a_large_hello_is_announced(void **state)
{
    (void)ends_after("\x16\x03\x01\x00\x10\x01\x01\xff\xb8\x03\x03", 11, 1);
}

/* A byte now and then does not put the deadline off. */
static void test_a_hello_by_drops(void **state)
{
    enum { DEADLINE_MS = 60, DROP_MS = 3 };
    uint8_t hello[4096];
    size_t len = make_hello("X25519", hello, sizeof hello), sent = 0;
    struct place place;
    int fd;

    place_init(&place);
    place_listen(&place);
    place.handshake_ms = DEADLINE_MS;
    fd = stranger_connect(&place);
    while (!place.sides[0].closed) {
        int64_t until = loop_now(place.loop) + DROP_MS;
        if (sent + 1 < len)
            assert_int_equal(send(fd, hello + sent++, 1, MSG_NOSIGNAL), 1);
        while (!place.sides[0].closed && loop_now(place.loop) < until)
            loop_turn(place.loop);
    }
    assert_int_equal(place.sides[0].how, CONN_TIMED_OUT);
    assert_true(sent <= DEADLINE_MS / DROP_MS + 2);
    close(fd);
    place_free(&place);
}

/* ---- dear handshakes ---- */

static void test_dear_key_exchanges_are_refused(void **state)
{
    enum { ALERT = 21 };
    const char *const dear[] = {"ffdhe8192", "ffdhe2048", "P-521", "P-384", "X448"};
    uint8_t hello[4096];

    for (size_t i = 0; i < sizeof dear / sizeof dear[0]; i++)
        assert_int_equal(ends_after(hello, make_hello(dear[i], hello, sizeof hello), 1), ALERT);
}

/* A client whose key share does not suit is asked once for another. */
static void test_one_retry(void **state)
{
    enum { HANDSHAKE = 22 };
    uint8_t hello[4096];
    size_t len = make_hello("P-384:X25519", hello, sizeof hello);

    assert_int_equal(ends_after(hello, len, 2), HANDSHAKE);
    assert_int_equal(ends_after(hello, len, 50), HANDSHAKE);
}

/* ---- key updates ---- */

static void update_key(struct side *client, int wish)
{
    assert_int_equal(SSL_key_update(client->conn->tls.ssl, wish), 1);
    assert_int_equal(SSL_do_handshake(client->conn->tls.ssl), 1);
    conn_send_staged(client->conn);
}

static void test_key_updates(void **state)
{
    enum { MOST = 1024 };
    struct place place;
    struct side client, *server = &place.sides[0];

    pair_open(&place, &client);
    for (int i = 0; i < MOST; i++) {
        update_key(&client, i % 2 ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED);
        if (i % 50 == 0)
            loop_turn(place.loop);
    }
    assert_int_equal(conn_write(client.conn, slice_str("still there")), OK);
    wait_for(place.loop, buf_len(&server->got) == 11);
    assert_int_equal(conn_write(server->conn, slice_str("yes")), OK);
    wait_for(place.loop, buf_len(&client.got) == 3);
    update_key(&client, SSL_KEY_UPDATE_NOT_REQUESTED);
    wait_for(place.loop, server->closed);
    assert_int_equal(server->how, CONN_TLS_FAILED);
    pair_free(&place, &client);
}

/* ---- records made by hand, with the client's key ---- */

static uint8_t secret[64];
static size_t secret_len;

static void keep_secret(const SSL *ssl, const char *line)
{
    const char *hex = strrchr(line, ' ') + 1;

    if (strncmp(line, "CLIENT_TRAFFIC_SECRET_0 ", 24) != 0)
        return;
    secret_len = strlen(hex) / 2;
    for (size_t i = 0; i < secret_len; i++) {
        unsigned byte;
        assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
        secret[i] = (uint8_t)byte;
    }
}

/* HKDF-Expand-Label (RFC 8446, 7.1) for what fits into one block. */
static void expand(const EVP_MD *hash, const char *label, uint8_t *out, size_t len)
{
    uint8_t info[64] = {0, (uint8_t)len, (uint8_t)(6 + strlen(label))}, block[EVP_MAX_MD_SIZE];
    size_t at = 3 + (size_t)snprintf((char *)info + 3, sizeof info - 3, "tls13 %s", label);

    info[at++] = 0; /* no context */
    info[at++] = 1; /* first block */
    assert_non_null(HMAC(hash, secret, (int)secret_len, info, at, block, NULL));
    memcpy(out, block, len);
}

/* Sends an encrypted record with this content; `type` is the real one. */
static void inject(struct side *client, uint8_t sequence, const void *content, size_t len, uint8_t type)
{
    SSL *ssl = client->conn->tls.ssl;
    const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);
    const EVP_MD *hash = SSL_CIPHER_get_handshake_digest(cipher);
    uint8_t key[32], iv[12], inner[64], record[128] = {23, 3, 3, 0, (uint8_t)(len + 1 + 16)};
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int done;

    assert_int_equal(SSL_CIPHER_get_id(cipher) & 0xffff, 0x1302); /* AES-256-GCM */
    expand(hash, "key", key, sizeof key);
    expand(hash, "iv", iv, sizeof iv);
    iv[11] ^= sequence;
    memcpy(inner, content, len);
    inner[len] = type;
    assert_int_equal(EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, iv), 1);
    assert_int_equal(EVP_EncryptUpdate(context, NULL, &done, record, 5), 1);
    assert_int_equal(EVP_EncryptUpdate(context, record + 5, &done, inner, (int)len + 1), 1);
    assert_int_equal(EVP_EncryptFinal_ex(context, record + 5 + done, &done), 1);
    assert_int_equal(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, 16, record + 5 + len + 1), 1);
    EVP_CIPHER_CTX_free(context);
    assert_int_equal(send(watch_fd(client->conn->watch), record, 5 + len + 1 + 16, MSG_NOSIGNAL), 5 + len + 1 + 16);
}

static void open_with_secret(struct place *place, struct side *client)
{
    place_init(place);
    SSL_CTX_set_keylog_callback(place->client->ssl, keep_secret);
    place_listen(place);
    side_init(client);
    connect_side(place, client, OUT_CAP);
    wait_for(place->loop, client->opened && place->sides[0].opened);
}

static void test_empty_records(void **state)
{
    enum { SOME = 32 };
    struct place place;
    struct side client, *server = &place.sides[0];
    uint8_t sequence = 0;

    open_with_secret(&place, &client);
    for (int i = 0; i < SOME; i++)
        inject(&client, sequence++, "", 0, SSL3_RT_APPLICATION_DATA);
    inject(&client, sequence++, "x", 1, SSL3_RT_APPLICATION_DATA);
    wait_for(place.loop, buf_len(&server->got) == 1);
    for (int i = 0; i <= SOME; i++)
        inject(&client, sequence++, "", 0, SSL3_RT_APPLICATION_DATA);
    wait_for(place.loop, server->closed);
    assert_int_equal(server->how, CONN_TLS_FAILED);
    pair_free(&place, &client);
}

/* Once it is done there is no other: no renegotiation, no certificate of the client's, nothing of the server's. */
static void test_no_second_handshake(void **state)
{
    const uint8_t messages[] = {0, 1, 2, 4, 8, 11, 13, 15, 20};

    for (size_t i = 0; i < sizeof messages; i++) {
        struct place place;
        struct side client;
        open_with_secret(&place, &client);
        inject(&client, 0, (uint8_t[]){messages[i], 0, 0, 0}, 4, SSL3_RT_HANDSHAKE);
        wait_for(place.loop, place.sides[0].closed);
        assert_int_equal(place.sides[0].how, CONN_TLS_FAILED);
        pair_free(&place, &client);
    }
}

/* What is announced behind the encryption is bounded by the library. */
static void test_a_large_message_later(void **state)
{
    struct place place;
    struct side client;

    open_with_secret(&place, &client);
    inject(&client, 0, (uint8_t[]){24, 0xff, 0xff, 0xff, 0}, 5, SSL3_RT_HANDSHAKE);
    wait_for(place.loop, place.sides[0].closed);
    assert_int_equal(place.sides[0].how, CONN_TLS_FAILED);
    pair_free(&place, &client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gauge),
        cmocka_unit_test(test_a_large_hello_is_announced),
        cmocka_unit_test(test_a_hello_by_drops),
        cmocka_unit_test(test_dear_key_exchanges_are_refused),
        cmocka_unit_test(test_one_retry),
        cmocka_unit_test(test_key_updates),
        cmocka_unit_test(test_empty_records),
        cmocka_unit_test(test_no_second_handshake),
        cmocka_unit_test(test_a_large_message_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
