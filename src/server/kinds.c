/* kinds.c - the kinds of values that settings have: how each is written, checked and shown. */
#include "server/settings.h"
#include <stdio.h>
#include <stdlib.h>

static enum err bad(struct buf *why, const char *text)
{
    (void)buf_append_str(why, text);
    return ERR_INVALID;
}

/* ---- addresses ---- */

static enum err parse_port(struct slice text, uint16_t *port)
{
    uint32_t number = 0;
    if (text.len == 0 || text.len > 5)
        return ERR_INVALID;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return ERR_INVALID;
        number = number * 10 + (text.data[i] - '0');
    }
    if (number > UINT16_MAX)
        return ERR_INVALID;
    *port = (uint16_t)number;
    return OK;
}

static enum err addresses_set(const struct setting *setting, void *field, struct slice text, struct buf *why)
{
    struct config_addresses *addresses = field;
    struct config_address *address = &addresses->list[addresses->count];
    if (addresses->count == CONFIG_ADDRESSES) {
        (void)buf_printf(why, "more than %d addresses", CONFIG_ADDRESSES);
        return ERR_INVALID;
    }
    size_t colon = text.len;
    while (colon > 0 && text.data[colon - 1] != ':')
        colon--;
    if (colon == 0)
        return bad(why, "must be HOST:PORT, such as 127.0.0.1:4000 or [::1]:4000");
    struct slice host = slice_of(text.data, colon - 1), port = slice_of(text.data + colon, text.len - colon);
    if (host.len >= 2 && host.data[0] == '[' && host.data[host.len - 1] == ']')
        host = slice_of(host.data + 1, host.len - 2);
    else if (memchr(host.data, ':', host.len) != NULL)
        return bad(why, "an IPv6 address stands in brackets: [::1]:4000");
    if (host.len == 0)
        return bad(why, "names no host; 0.0.0.0 and [::] are all addresses");
    if (host.len >= sizeof address->host)
        return bad(why, "the host is too long");
    if (parse_port(port, &address->port) != OK)
        return bad(why, "the port must be between 0 and 65535");
    memcpy(address->host, host.data, host.len);
    address->host[host.len] = '\0';
    addresses->count++;
    return OK;
}

enum err config_address_show(const struct config_address *address, struct buf *out)
{
    bool brackets = strchr(address->host, ':') != NULL;
    return buf_printf(out, "%s%s%s:%u", brackets ? "[" : "", address->host, brackets ? "]" : "", address->port);
}

static void addresses_show(const struct setting *setting, const void *field, struct buf *out)
{
    const struct config_addresses *addresses = field;
    for (size_t i = 0; i < addresses->count; i++) {
        const struct config_address *address = &addresses->list[i];
        (void)buf_append_str(out, i > 0 ? " " : "");
        (void)config_address_show(address, out);
    }
}

static void addresses_clear(void *field)
{
    ((struct config_addresses *)field)->count = 0;
}

const struct setting_kind kind_addresses = {"HOST:PORT", sizeof(struct config_addresses), addresses_set, addresses_show,
                                            addresses_clear};

/* ---- numbers ---- */

/* Digits, at most 15 so that no unit overflows. */
static enum err parse_digits(struct slice text, int64_t *number)
{
    int64_t value = 0;
    if (text.len == 0 || text.len > 15)
        return ERR_INVALID;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return ERR_INVALID;
        value = value * 10 + (text.data[i] - '0');
    }
    *number = value;
    return OK;
}

static enum err number_store(const struct setting *setting, void *field, int64_t number, struct buf *why)
{
    if (number < setting->least || number > setting->most) {
        (void)buf_printf(why, "must be between %lld and %lld", (long long)setting->least, (long long)setting->most);
        return ERR_INVALID;
    }
    *(int64_t *)field = number;
    return OK;
}

static enum err number_set(const struct setting *setting, void *field, struct slice text, struct buf *why)
{
    int64_t number;
    if (parse_digits(text, &number) != OK) {
        (void)buf_printf(why, "must be a whole number, between %lld and %lld", (long long)setting->least,
                         (long long)setting->most);
        return ERR_INVALID;
    }
    return number_store(setting, field, number, why);
}

static void number_show(const struct setting *setting, const void *field, struct buf *out)
{
    (void)buf_printf(out, "%lld", (long long)*(const int64_t *)field);
}

static enum err bytes_set(const struct setting *setting, void *field, struct slice text, struct buf *why)
{
    static const char units[3] = {'K', 'M', 'G'};
    const char *unit = text.len > 0 ? memchr(units, text.data[text.len - 1], sizeof units) : NULL;
    int64_t number;
    if (unit != NULL)
        text.len--;
    if (text.len > 9 || parse_digits(text, &number) != OK)
        return bad(why, "must be a number of bytes, such as 65536, 512K, 64M or 1G");
    return number_store(setting, field, unit != NULL ? number << (10 * (unit - units + 1)) : number, why);
}

const struct setting_kind kind_seconds = {"SECONDS", sizeof(int64_t), number_set, number_show, NULL};
const struct setting_kind kind_days = {"DAYS", sizeof(int64_t), number_set, number_show, NULL};
const struct setting_kind kind_count = {"N", sizeof(int64_t), number_set, number_show, NULL};
const struct setting_kind kind_bytes = {"BYTES", sizeof(int64_t), bytes_set, number_show, NULL};

/* ---- texts ---- */

static enum err path_set(const struct setting *setting, void *field, struct slice text, struct buf *why)
{
    if (text.len == 0)
        return bad(why, "is empty");
    if (text.len >= CONFIG_TEXT_SIZE)
        return bad(why, "is too long");
    if (memchr(text.data, '\0', text.len) != NULL)
        return bad(why, "has a NUL character in it");
    memcpy(field, text.data, text.len);
    ((char *)field)[text.len] = '\0';
    return OK;
}

static void text_show(const struct setting *setting, const void *field, struct buf *out)
{
    (void)buf_append_str(out, field);
}

const struct setting_kind kind_path = {"PATH", CONFIG_TEXT_SIZE, path_set, text_show, NULL};
const struct setting_kind kind_user = {"NAME", CONFIG_TEXT_SIZE, path_set, text_show, NULL};

static bool begins(struct slice text, const char *start)
{
    return text.len >= strlen(start) && memcmp(text.data, start, strlen(start)) == 0;
}

static enum err store_set(const struct setting *setting, void *field, struct slice text, struct buf *why)
{
    if (begins(text, "postgresql:") || begins(text, "postgres:"))
        return bad(why, "PostgreSQL is not in this version; sqlite: is");
    if (!begins(text, "sqlite:"))
        return bad(why, "must be sqlite: or sqlite:PATH");
    return path_set(setting, field, text, why);
}

static enum err bus_set(const struct setting *setting, void *field, struct slice text, struct buf *why)
{
    if (begins(text, "nats:"))
        return bad(why, "NATS is not in this version; local: is");
    if (!slice_equal(text, slice_str("local:")))
        return bad(why, "must be local:");
    return path_set(setting, field, text, why);
}

const struct setting_kind kind_store = {"URL", CONFIG_TEXT_SIZE, store_set, text_show, NULL};
const struct setting_kind kind_bus = {"URL", CONFIG_TEXT_SIZE, bus_set, text_show, NULL};

/* ---- relays ---- */

/* turn:HOST:PORT or turns:HOST:PORT, ?transport=udp or tcp behind it if need be (RFC 7065); clients look at the rest. */
static enum err turn_set(const struct setting *setting, void *field, struct slice text, struct buf *why)
{
    struct config_urls *urls = field;
    if (urls->count == CONFIG_URLS) {
        (void)buf_printf(why, "more than %d relays", CONFIG_URLS);
        return ERR_INVALID;
    }
    if (!begins(text, "turn:") && !begins(text, "turns:"))
        return bad(why, "must be turn:HOST:PORT or turns:HOST:PORT, perhaps with ?transport=tcp");
    if (text.len >= CONFIG_URL_SIZE)
        return bad(why, "is too long");
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] <= ' ' || text.data[i] > '~')
            return bad(why, "has a character in it that no URL has");
    memcpy(urls->list[urls->count], text.data, text.len);
    urls->list[urls->count++][text.len] = '\0';
    return OK;
}

static void turn_show(const struct setting *setting, const void *field, struct buf *out)
{
    const struct config_urls *urls = field;
    for (size_t i = 0; i < urls->count; i++)
        (void)buf_printf(out, "%s%s", i > 0 ? " " : "", urls->list[i]);
}

static void turn_clear(void *field)
{
    ((struct config_urls *)field)->count = 0;
}

const struct setting_kind kind_turn = {"URL", sizeof(struct config_urls), turn_set, turn_show, turn_clear};

/* ---- choices ---- */

static enum err choice_set(const struct setting *setting, void *field, struct slice text, struct buf *why)
{
    for (int64_t i = 0; setting->choices[i] != NULL; i++) {
        if (slice_equal(text, slice_str(setting->choices[i]))) {
            *(int64_t *)field = i;
            return OK;
        }
    }
    (void)buf_append_str(why, "must be ");
    for (size_t i = 0; setting->choices[i] != NULL; i++)
        (void)buf_printf(why, "%s%s", i == 0 ? "" : setting->choices[i + 1] != NULL ? ", " : " or ", setting->choices[i]);
    return ERR_INVALID;
}

static void choice_show(const struct setting *setting, const void *field, struct buf *out)
{
    (void)buf_append_str(out, setting->choices[*(const int64_t *)field]);
}

const struct setting_kind kind_choice = {NULL, sizeof(int64_t), choice_set, choice_show, NULL};
