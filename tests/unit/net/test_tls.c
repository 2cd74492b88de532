/* TLS: what a context refuses, what a session refuses, whom a client takes for verified. */
#include "../../../src/net/conn_internal.h"
#include "pair.h"
#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

/* A peer that is not us: a plain blocking socket. */

static int stranger_connect(uint16_t port)
{
    struct sockaddr_storage address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(address_parse("127.0.0.1", port, &address));
    assert_int_equal(connect(fd, (struct sockaddr *)&address, address_len(&address)), 0);
    return fd;
}

static void stranger_send(int fd, const void *bytes, size_t len)
{
    assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), len);
}

static void reset(int fd)
{
    struct linger at_once = {.l_onoff = 1};

    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    close(fd);
}

/* A ClientHello for at most this version. */
static size_t make_hello(int version, uint8_t *out, size_t size)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *ssl;
    BIO *in = BIO_new(BIO_s_mem()), *output = BIO_new(BIO_s_mem());
    int len;

    SSL_CTX_set_max_proto_version(context, version);
    ssl = SSL_new(context);
    SSL_set_bio(ssl, in, output);
    SSL_connect(ssl);
    len = BIO_read(output, out, (int)size);
    assert_true(len > 0);
    SSL_free(ssl);
    SSL_CTX_free(context);
    return (size_t)len;
}

/* Server: what `bytes` as the first thing bring about; `then` is done to the socket after sending. */
struct first_words {
    const void *bytes;
    size_t len;
    void (*then)(int fd);
    enum conn_end how;
    uint8_t answer; /* first byte of the answer, or 0 for none */
};

static void fin(int fd)
{
    shutdown(fd, SHUT_WR);
}

static void check_first_words(const struct first_words *words)
{
    struct place place;
    uint8_t answer[64] = {0};
    int fd;

    place_init(&place);
    place_listen(&place);
    fd = stranger_connect(listener_port(place.listener));
    wait_for(place.loop, place.accepted == 1);
    stranger_send(fd, words->bytes, words->len);
    if (words->then)
        words->then(fd);
    wait_for(place.loop, place.sides[0].closed);
    assert_int_equal(place.sides[0].how, words->how);
    assert_int_equal(place.sides[0].opened, 0);
    if (words->then != reset) {
        assert_int_equal(read(fd, answer, sizeof answer) > 0, words->answer != 0);
        assert_int_equal(answer[0], words->answer);
        close(fd);
    }
    place_free(&place);
}

static void test_strangers(void **state)
{
    enum { ALERT = 21 };
    uint8_t old[1024], new[1024], zeros[4096] = {0};
    size_t old_len = make_hello(TLS1_2_VERSION, old, sizeof old), new_len = make_hello(TLS1_3_VERSION, new, sizeof new);
    const char *http = "GET / HTTP/1.1\r\nHost: chat.example\r\n\r\n";
    const struct first_words words[] = {
        {http, strlen(http), NULL, CONN_TLS_FAILED, 0},
        {zeros, sizeof zeros, NULL, CONN_TLS_FAILED, 0},
        {old, old_len, NULL, CONN_TLS_FAILED, ALERT},
        {"", 0, fin, CONN_CLOSED, 0},
        {"", 0, reset, CONN_RESET, 0},
        {new, 10, fin, CONN_CLOSED, 0},
        {new, new_len / 2, reset, CONN_RESET, 0},
        {new, new_len, fin, CONN_CLOSED, 22},
    };

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        check_first_words(&words[i]);
}

static void test_stalled_handshake(void **state)
{
    struct place place;
    int fd;

    place_init(&place);
    place_listen(&place);
    place.handshake_ms = 20;
    fd = stranger_connect(listener_port(place.listener));
    stranger_send(fd, "\x16\x03\x01", 3);
    wait_for(place.loop, place.sides[0].closed);
    assert_int_equal(place.sides[0].how, CONN_TIMED_OUT);
    close(fd);
    place_free(&place);
}

/* After the handshake, behind the session's back. */

static void end_socket(struct conn *conn)
{
    shutdown(watch_fd(conn->watch), SHUT_WR);
}

static void reset_socket(struct conn *conn)
{
    struct linger at_once = {.l_onoff = 1};

    setsockopt(watch_fd(conn->watch), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    conn_abort(conn);
}

static void break_record(struct conn *conn)
{
    stranger_send(watch_fd(conn->watch), "\x17\x03\x03\x00\x20 this is not encrypted at all!! ", 37);
}

static void send_nonsense(struct conn *conn)
{
    stranger_send(watch_fd(conn->watch), "nonsense", 8);
}

static void test_rude_ends(void **state)
{
    void (*const act[])(struct conn *) = {end_socket, reset_socket, break_record, send_nonsense};
    const enum conn_end how[] = {CONN_CLOSED, CONN_RESET, CONN_TLS_FAILED, CONN_TLS_FAILED};

    for (size_t i = 0; i < sizeof how / sizeof how[0]; i++) {
        struct place place;
        struct side client;

        pair_open(&place, &client);
        assert_int_equal(conn_write(client.conn, slice_str("before")), OK);
        wait_for(place.loop, buf_len(&place.sides[0].got) == 6);
        act[i](client.conn);
        wait_for(place.loop, place.sides[0].closed && client.closed);
        assert_int_equal(place.sides[0].how, how[i]);
        pair_free(&place, &client);
    }
}

/* A peer that neither reads nor closes does not hold a closing connection for ever. The deadline is pulled forward. */
static void test_close_lingers_not_for_ever(void **state)
{
    static const uint8_t much[OUT_CAP];
    struct place place;
    struct side client, *server = &place.sides[0];
    struct timers *timers;

    pair_open(&place, &client);
    timers = loop_world(place.loop)->timers;
    conn_pause(client.conn);
    conn_close(server->conn);
    for (int i = 0; i < 50; i++)
        loop_turn(place.loop);
    assert_int_equal(server->closed, 0);
    assert_true(server->conn->deadline.place != 0);
    assert_int_equal(timer_start(timers, &server->conn->deadline, loop_now(place.loop)), OK);
    wait_for(place.loop, server->closed);
    assert_int_equal(server->how, CONN_CLOSED);
    assert_int_equal(conn_write(client.conn, slice_of(much, sizeof much)), OK); /* to nobody: no SIGPIPE, an end */
    conn_unpause(client.conn);
    wait_for(place.loop, client.closed);
    pair_free(&place, &client);
}

/* Closing says so inside TLS, before TCP's end: a cut would look the same otherwise. */
static void test_close_notify(void **state)
{
    struct place place;
    struct side client;
    uint8_t record[64];
    int fd;
    ssize_t len;

    pair_open(&place, &client);
    conn_pause(client.conn);
    conn_close(place.sides[0].conn);
    fd = watch_fd(client.conn->watch);
    while ((len = recv(fd, record, sizeof record, MSG_DONTWAIT)) < 0)
        loop_turn(place.loop);
    assert_int_equal(len, 5 + 2 + 1 + 16); /* header, alert, its type, tag */
    assert_int_equal(record[0], 0x17);
    assert_int_equal(recv(fd, record, sizeof record, 0), 0);
    pair_free(&place, &client);
}

/* A client at a server that is none. */

static int stranger_listen(uint16_t *port)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(address_parse("127.0.0.1", 0, &address));
    assert_int_equal(bind(fd, (struct sockaddr *)&address, address_len(&address)), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    *port = address_port(&address);
    return fd;
}

static enum conn_end meet(struct place *place, const char *greeting, bool hang_up, int timeout_ms)
{
    struct side client;
    uint16_t port;
    int listening = stranger_listen(&port), fd;

    side_init(&client);
    assert_int_equal(
        conn_connect(place->loop, place->client, "127.0.0.1", port, timeout_ms, OUT_CAP, &side_ops, &client, &client.conn), OK);
    fd = accept(listening, NULL, NULL);
    stranger_send(fd, greeting, strlen(greeting));
    if (hang_up)
        shutdown(fd, SHUT_WR);
    wait_for(place->loop, client.closed);
    close(fd);
    close(listening);
    return client.how;
}

static void test_not_a_server(void **state)
{
    struct place place;

    place_init(&place);
    assert_int_equal(meet(&place, "220 mail.example ESMTP\r\n", false, PATIENCE_MS), CONN_TLS_FAILED);
    assert_int_equal(meet(&place, "", true, PATIENCE_MS), CONN_CLOSED);
    assert_int_equal(meet(&place, "", false, 50), CONN_TIMED_OUT);
    place_free(&place);
}

/* Whom to trust: a CA made here, and a server's certificate of it. */

static X509 *issue(EVP_PKEY *key, const char *name, const char *alternative, X509 *issuer, EVP_PKEY *issuer_key)
{
    X509 *certificate = X509_new();
    X509_NAME *subject = X509_get_subject_name(certificate);
    X509_EXTENSION *extension = issuer ? X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, alternative)
                                       : X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:TRUE");

    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), issuer ? 2 : 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const uint8_t *)name, -1, -1, 0);
    X509_set_issuer_name(certificate, issuer ? X509_get_subject_name(issuer) : subject);
    X509_set_pubkey(certificate, key);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    assert_true(X509_sign(certificate, issuer_key, EVP_sha256()) > 0);
    return certificate;
}

static void write_pem(const char *path, X509 *certificate, EVP_PKEY *key)
{
    FILE *file = fopen(path, "w");

    if (certificate)
        assert_int_equal(PEM_write_X509(file, certificate), 1);
    if (key)
        assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(file);
}

/* Certificate and key of the place become a CA's for `alternative`; the CA goes to `ca`. */
static void certify(struct place *place, const char *alternative, const char *ca)
{
    EVP_PKEY *ca_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
    X509 *authority = issue(ca_key, "Test authority", NULL, NULL, ca_key);
    X509 *certificate = issue(key, "127.0.0.1", alternative, authority, ca_key);
    const char *why;

    write_pem(ca, authority, NULL);
    write_pem(place->cert, certificate, NULL);
    write_pem(place->key, NULL, key);
    tls_unref(&place->server);
    assert_int_equal(tls_server_new(place->cert, place->key, &place->server, &why), OK);
    X509_free(certificate);
    X509_free(authority);
    EVP_PKEY_free(key);
    EVP_PKEY_free(ca_key);
}

static bool verified(struct place *place, const char *host, const char *ca)
{
    struct side client;
    const char *why;
    char from_file[FINGERPRINT_SIZE], from_conn[FINGERPRINT_SIZE];
    bool verdict;

    side_init(&client);
    tls_unref(&place->client);
    assert_int_equal(tls_client_new(ca, &place->client, &why), OK);
    assert_int_equal(conn_connect(place->loop, place->client, host, listener_port(place->listener), PATIENCE_MS, OUT_CAP,
                                  &side_ops, &client, &client.conn),
                     OK);
    wait_for(place->loop, client.opened);
    assert_int_equal(cert_fingerprint_file(place->cert, from_file), OK);
    cert_fingerprint_der(conn_peer_certificate(client.conn), from_conn);
    assert_string_equal(from_file, from_conn);
    verdict = conn_peer_verified(client.conn);
    conn_close(client.conn);
    wait_for(place->loop, client.closed);
    return verdict;
}

static void test_verified(void **state)
{
    struct place place, other;
    char ca[128];

    place_init(&place);
    place_init(&other);
    place_listen(&place);
    snprintf(ca, sizeof ca, "%s/ca.pem", other.folder);
    /* Self-signed: only when it was itself given. */
    assert_true(verified(&place, "127.0.0.1", place.cert));
    assert_false(verified(&place, "127.0.0.1", NULL));
    assert_false(verified(&place, "127.0.0.1", other.cert));
    /* By a CA: for the names it carries, by this CA. */
    certify(&place, "IP:127.0.0.1", ca);
    assert_true(verified(&place, "127.0.0.1", ca));
    assert_false(verified(&place, "127.0.0.1", NULL));
    assert_false(verified(&place, "127.0.0.1", other.cert));
    assert_false(verified(&place, "localhost", ca));
    certify(&place, "DNS:localhost", ca);
    assert_true(verified(&place, "localhost", ca));
    assert_false(verified(&place, "127.0.0.1", ca)); /* the CN says so, which counts for nothing */
    unlink(ca);
    place_free(&other);
    place_free(&place);
}

/* Contexts */

static void check_server(enum err expected, const char *cert, const char *key, const char *in_sentence)
{
    struct tls_context *context = NULL;
    const char *why = "";

    assert_int_equal(tls_server_new(cert, key, &context, &why), expected);
    assert_int_equal(context != NULL, expected == OK);
    tls_unref(&context);
    if (!strstr(why, in_sentence))
        fail_msg("\"%s\" does not say \"%s\"", why, in_sentence);
}

static void test_bad_files(void **state)
{
    struct place place, other;
    struct tls_context *context = NULL;
    const char *why = "";

    place_init(&place);
    place_init(&other);
    check_server(ERR_SYSTEM, "/nonexistent/cert.pem", place.key, "/nonexistent/cert.pem: No such file");
    check_server(ERR_SYSTEM, place.cert, "/nonexistent/key.pem", "/nonexistent/key.pem: No such file");
    check_server(ERR_INVALID, place.key, place.key, "no usable certificate");
    check_server(ERR_INVALID, place.cert, place.cert, "no usable private key");
    check_server(ERR_INVALID, place.cert, other.key, "does not belong");
    check_server(ERR_INVALID, "/dev/null", place.key, "no usable certificate");
    chmod(place.key, 0640);
    check_server(geteuid() == 0 ? OK : ERR_INVALID, place.cert, place.key, ""); /* root's may be lent to a group */
    chmod(place.key, 0604);
    check_server(ERR_INVALID, place.cert, place.key, "can be read or changed by others (mode 0604)");
    chmod(place.key, 0620);
    check_server(ERR_INVALID, place.cert, place.key, "can be read or changed by others");
    chmod(place.key, 0600);
    assert_int_equal(tls_client_new("/nonexistent/ca.pem", &context, &why), ERR_SYSTEM);
    assert_non_null(strstr(why, "/nonexistent/ca.pem"));
    assert_int_equal(tls_client_new(place.key, &context, &why), ERR_INVALID);
    assert_non_null(strstr(why, place.key));
    assert_null(context);
    tls_unref(&context);
    place_free(&other);
    place_free(&place);
}

/* A pair that is well-formed, and with which no handshake of TLS 1.3 succeeds: it has no signatures with this curve. */
static void test_unfit_certificate(void **state)
{
    struct place place;
    EVP_PKEY *key = EVP_EC_gen("secp256k1");
    X509 *certificate = issue(key, "chat.example", NULL, NULL, key);

    place_init(&place);
    write_pem(place.cert, certificate, NULL);
    write_pem(place.key, NULL, key);
    check_server(ERR_INVALID, place.cert, place.key, "TLS does not work with the certificate");
    X509_free(certificate);
    EVP_PKEY_free(key);
    place_free(&place);
}

/* The filter alone: a whole session, handed over one byte at a time. */

static void carry(struct buf *from, struct tls_filter *to, bool *done, struct buf *got)
{
    while (buf_len(from) > 0) {
        uint8_t byte = buf_data(from)[0], plain[256];
        size_t len;
        enum err err = OK;
        buf_consume(from, 1);
        tls_feed(to, slice_of(&byte, 1));
        if (!*done)
            *done = (err = tls_handshake(to)) == OK;
        while (*done && (err = tls_read(to, plain, sizeof plain, &len)) == OK)
            assert_int_equal(buf_append(got, plain, len), OK);
        assert_true(err == OK || err == ERR_AGAIN || (err == ERR_STOPPED && buf_len(from) == 0));
    }
}

static void test_filter_byte_by_byte(void **state)
{
    struct place place;
    struct tls_filter client, server;
    struct buf to_client, to_server, got;
    bool client_done = false, server_done = false;

    place_init(&place);
    buf_init(&to_client, 65536);
    buf_init(&to_server, 65536);
    buf_init(&got, 65536);
    assert_int_equal(tls_open(&client, place.client, &to_server, "chat.example"), OK);
    assert_int_equal(tls_open(&server, place.server, &to_client, NULL), OK);
    assert_int_equal(tls_handshake(&client), ERR_AGAIN);
    while (!client_done || !server_done) {
        carry(&to_server, &server, &server_done, &got);
        carry(&to_client, &client, &client_done, &got);
    }
    assert_string_equal(SSL_get_version(client.ssl), "TLSv1.3");
    assert_string_equal(SSL_get_servername(server.ssl, TLSEXT_NAMETYPE_host_name), "chat.example");
    assert_int_equal(tls_write(&server, slice_str("welcome")), OK);
    tls_finish(&server);
    carry(&to_client, &client, &client_done, &got);
    assert_true(slice_equal(buf_slice(&got), slice_str("welcome")));
    tls_close(&client);
    tls_close(&server);
    buf_free(&to_client);
    buf_free(&to_server);
    buf_free(&got);
    place_free(&place);
}

/* A reload: new connections get the new certificate, old ones live on. */
static void test_reload(void **state)
{
    struct place place, other;
    struct side client;
    const char *why;

    pair_open(&place, &client);
    place_init(&other);
    tls_unref(&place.server);
    assert_int_equal(tls_server_new(other.cert, other.key, &place.server, &why), OK);
    assert_int_equal(conn_write(client.conn, slice_str("still here")), OK);
    wait_for(place.loop, buf_len(&place.sides[0].got) == 10);
    unlink(place.cert);
    assert_int_equal(rename(other.cert, place.cert), 0);
    assert_true(verified(&place, "127.0.0.1", place.cert));
    place_free(&other);
    pair_free(&place, &client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strangers),
        cmocka_unit_test(test_stalled_handshake),
        cmocka_unit_test(test_rude_ends),
        cmocka_unit_test(test_close_notify),
        cmocka_unit_test(test_close_lingers_not_for_ever),
        cmocka_unit_test(test_not_a_server),
        cmocka_unit_test(test_verified),
        cmocka_unit_test(test_bad_files),
        cmocka_unit_test(test_unfit_certificate),
        cmocka_unit_test(test_reload),
        cmocka_unit_test(test_filter_byte_by_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
