/* Descriptions and candidates: what browsers write is read, what is broken is refused, cut anywhere. */
#include "sdp.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define PRINT "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF"

/* As Chromium writes it. */
static const char browser[] = "v=0\r\n"
                              "o=- 4611731400430051336 2 IN IP4 127.0.0.1\r\n"
                              "s=-\r\n"
                              "t=0 0\r\n"
                              "a=group:BUNDLE 0\r\n"
                              "a=extmap-allow-mixed\r\n"
                              "a=msid-semantic: WMS\r\n"
                              "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
                              "c=IN IP4 0.0.0.0\r\n"
                              "a=candidate:1 1 udp 2113937151 3f6a1d2e-1111-4000-8000-000000000000.local 50000 typ host "
                              "generation 0 network-cost 999\r\n"
                              "a=candidate:2 1 udp 1677729535 192.0.2.7 50000 typ srflx raddr 0.0.0.0 rport 0 generation 0\r\n"
                              "a=candidate:3 1 tcp 1518280447 192.0.2.7 9 typ host tcptype active generation 0\r\n"
                              "a=candidate:4 1 udp 33562623 2001:db8::1 3478 typ relay raddr 192.0.2.7 rport 50000\r\n"
                              "a=ice-ufrag:tz1B\r\n"
                              "a=ice-pwd:abcdefghijklmnopqrstuvwx\r\n"
                              "a=ice-options:trickle\r\n"
                              "a=fingerprint:sha-256 " PRINT "\r\n"
                              "a=setup:actpass\r\n"
                              "a=mid:0\r\n"
                              "a=sctp-port:5000\r\n"
                              "a=max-message-size:262144\r\n";

static void test_browser(void **state)
{
    struct sdp sdp;

    assert_int_equal(sdp_parse(slice_str(browser), &sdp), OK);
    assert_string_equal(sdp.ufrag, "tz1B");
    assert_string_equal(sdp.password, "abcdefghijklmnopqrstuvwx");
    assert_string_equal(sdp.mid, "0");
    assert_int_equal(sdp.setup, SDP_ACTPASS);
    assert_int_equal(sdp.sctp_port, 5000);
    assert_int_equal(sdp.max_message, 262144);
    assert_int_equal(sdp.fingerprint[10], 0xaa);
    assert_false(sdp.complete);
    assert_int_equal(sdp.candidate_count, 2); /* neither the hidden one nor TCP */
    assert_int_equal(sdp.candidates[0].kind, SDP_SERVER_REFLEXIVE);
    assert_string_equal(sdp.candidates[1].address, "2001:db8::1");
}

static void test_round_trip(void **state)
{
    struct sdp sdp, again;
    struct buf text;

    assert_int_equal(sdp_parse(slice_str(browser), &sdp), OK);
    sdp.session = 7;
    sdp.version = 3;
    sdp.setup = SDP_PASSIVE;
    buf_init(&text, PEER_DESCRIPTION_MAX);
    assert_int_equal(sdp_write(&sdp, &text), OK);
    assert_int_equal(sdp_parse(buf_slice(&text), &again), OK);
    assert_string_equal(again.ufrag, sdp.ufrag);
    assert_string_equal(again.password, sdp.password);
    assert_memory_equal(again.fingerprint, sdp.fingerprint, PEER_FINGERPRINT);
    assert_int_equal(again.setup, SDP_PASSIVE);
    assert_int_equal(again.max_message, sdp.max_message);
    assert_int_equal(again.candidate_count, 0);
    buf_free(&text);
}

/* Cut at any byte it is refused or whole, and never read beyond: each cut is a block of its own, for the sanitizer. */
static void test_cut(void **state)
{
    struct sdp sdp;

    for (size_t len = 0; len < sizeof browser; len++) {
        uint8_t *copy = malloc(len + 1);
        enum err err;
        memcpy(copy, browser, len);
        err = sdp_parse(slice_of(copy, len), &sdp);
        assert_true(err == OK || err == ERR_INVALID);
        if (len < (size_t)(strstr(browser, "a=setup") - browser))
            assert_int_equal(err, ERR_INVALID);
        free(copy);
    }
}

static void replace(char *out, size_t size, const char *what, const char *with)
{
    const char *at = strstr(browser, what);

    assert_non_null(at);
    snprintf(out, size, "%.*s%s%s", (int)(at - browser), browser, with, at + strlen(what));
}

static void test_refused(void **state)
{
    static const char *const changes[][2] = {
        {"v=0", "v=1"},
        {"m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "m=audio 9 UDP/TLS/RTP/SAVPF 111"},
        {"m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n", ""},
        {"a=mid:0\r\n", "a=mid:0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"},
        {"a=ice-ufrag:tz1B", "a=ice-ufrag:tz1"},
        {"a=ice-ufrag:tz1B", "a=ice-ufrag:tz 1B"},
        {"a=ice-ufrag:tz1B", "a=ice-ufrag:tz1B\r\na=ice-ufrag:other"},
        {"a=ice-pwd:abcdefghijklmnopqrstuvwx", "a=ice-pwd:short"},
        {"a=setup:actpass", "a=setup:holdconn"},
        {"a=setup:actpass", "a=setup:active\r\na=setup:passive"},
        {"a=fingerprint:sha-256 00", "a=fingerprint:sha-1 00"},
        {"a=fingerprint:sha-256 00", "a=fingerprint:sha-256 0"},
        {"a=fingerprint:sha-256 00", "a=fingerprint:sha-256 0g"},
        {"a=fingerprint:sha-256 00", "a=fingerprint:sha-256 00:00"},
        {"a=setup:actpass", "a=setup:actpass\r\na=fingerprint:sha-256 FF" /* and the rest follows below */},
        {"a=sctp-port:5000", "a=sctp-port:0"},
        {"a=sctp-port:5000", "a=sctp-port:65536"},
        {"a=max-message-size:262144", "a=max-message-size:-1"},
        {"a=mid:0", "a=mid:"},
    };
    char text[2 * sizeof browser];
    struct sdp sdp;

    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        replace(text, sizeof text, changes[i][0], changes[i][1]);
        if (sdp_parse(slice_str(text), &sdp) != ERR_INVALID)
            fail_msg("taken: %s", changes[i][1]);
    }
}

static void test_two_fingerprints(void **state)
{
    char text[2 * sizeof browser];
    struct sdp sdp;

    replace(text, sizeof text, "a=setup:actpass", "a=setup:actpass\r\na=fingerprint:sha-256 " PRINT);
    assert_int_equal(sdp_parse(slice_str(text), &sdp), OK);
    strstr(strstr(text, "a=setup"), "sha-256 ")[8] = '1';
    assert_int_equal(sdp_parse(slice_str(text), &sdp), ERR_INVALID);
}

static void test_too_many_candidates(void **state)
{
    static char text[PEER_DESCRIPTION_MAX * 2];
    struct sdp sdp;

    for (size_t count = PEER_CANDIDATES_MAX - 4; count <= PEER_CANDIDATES_MAX - 3; count++) {
        strcpy(text, browser);
        for (size_t i = 0; i < count; i++)
            strcat(text, "a=candidate:1 1 udp 1 192.0.2.7 5 typ host\r\n");
        assert_int_equal(sdp_parse(slice_str(text), &sdp), count == PEER_CANDIDATES_MAX - 4 ? OK : ERR_INVALID);
    }
    while (strlen(text) <= PEER_DESCRIPTION_MAX)
        strcat(text, "a=x\r\n");
    assert_int_equal(sdp_parse(slice_str(text), &sdp), ERR_INVALID);
}

static void test_candidate(void **state)
{
    static const char line[] = "candidate:842163049 1 udp 1677729535 203.0.113.5 61000 typ srflx raddr 10.0.0.2 rport 61000";
    struct sdp_candidate candidate;
    struct buf text;

    assert_int_equal(sdp_parse_candidate(slice_str(line), &candidate), OK);
    assert_int_equal(candidate.kind, SDP_SERVER_REFLEXIVE);
    assert_int_equal(candidate.port, 61000);
    buf_init(&text, SDP_CANDIDATE_MAX);
    assert_int_equal(sdp_write_candidate(&candidate, &text), OK);
    assert_true(slice_equal(buf_slice(&text), slice_str(line)));
    buf_free(&text);
    for (size_t len = 0; len < sizeof line - 1; len++) {
        uint8_t *copy = malloc(len + 1);
        memcpy(copy, line, len);
        (void)sdp_parse_candidate(slice_of(copy, len), &candidate);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_browser),   cmocka_unit_test(test_round_trip),       cmocka_unit_test(test_cut),
        cmocka_unit_test(test_refused),   cmocka_unit_test(test_two_fingerprints), cmocka_unit_test(test_too_many_candidates),
        cmocka_unit_test(test_candidate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
