/* test_relay_url.c - the URLs of relays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "relay_url.h"

static void good_ones(void **unused)
{
    static const struct {
        const char *text, *host;
        int port, transport;
    } rows[] = {
        {"turn:turn.example.org", "turn.example.org", 3478, PEER_RELAY_UDP},
        {"turn:192.0.2.7:3479?transport=udp", "192.0.2.7", 3479, PEER_RELAY_UDP},
        {"turn:192.0.2.7:3479?transport=tcp", "192.0.2.7", 3479, PEER_RELAY_TCP},
        {"turn:[2001:db8::1]:65535", "2001:db8::1", 65535, PEER_RELAY_UDP},
        {"turn:[2001:db8::1]?transport=tcp", "2001:db8::1", 3478, PEER_RELAY_TCP},
        {"turns:relay", "relay", 5349, PEER_RELAY_TLS},
        {"turns:relay:443?transport=tcp", "relay", 443, PEER_RELAY_TLS},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct relay_url url;
        assert_int_equal(relay_url_parse(slice_str(rows[i].text), &url), OK);
        assert_string_equal(url.host, rows[i].host);
        assert_int_equal(url.port, rows[i].port);
        assert_int_equal(url.transport, rows[i].transport);
    }
}

static void bad_ones(void **unused)
{
    static const char *const rows[] = {
        "",
        "turn:",
        "stun:host",
        "http://host",
        "turn:host:",
        "turn:host:0",
        "turn:h:65536",
        "turn:h:x",
        "turn:[::1",
        "turn:[]",
        "turn:h?transport=",
        "turn:h?transport=tcp2",
        "turn:h:1x",
        "turn:h?x=tcp",
        "turn::3478",
        "turns:h?transport=udp",
        "turn:[::1]x",
        "turn:h:99999999999999",
    };
    struct relay_url url;
    char long_host[300] = "turn:";
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(relay_url_parse(slice_str(rows[i]), &url), ERR_INVALID);
    memset(long_host + 5, 'x', 256);
    assert_int_equal(relay_url_parse(slice_str(long_host), &url), ERR_INVALID);
    long_host[5 + 255] = '\0';
    assert_int_equal(relay_url_parse(slice_str(long_host), &url), OK);
    assert_int_equal(relay_url_parse(slice_of("turn:a\0b", 8), &url), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(good_ones), cmocka_unit_test(bad_ones)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
