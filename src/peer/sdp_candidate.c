/* sdp_candidate.c - one ICE candidate as a line of text. */
#include "sdp.h"
#include <arpa/inet.h>
#include <strings.h>

static const char *const kinds[] = {"host", "srflx", "prflx", "relay"};

bool sdp_number(struct slice text, uint64_t most, uint64_t *out)
{
    uint64_t value = 0;

    if (text.len == 0 || text.len > 18)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        value = value * 10 + (text.data[i] - '0');
    }
    if (value > most)
        return false;
    *out = value;
    return true;
}

bool sdp_word(struct slice text, size_t size, char *out)
{
    if (text.len == 0 || text.len >= size)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] <= ' ' || text.data[i] > '~')
            return false;
    }
    memcpy(out, text.data, text.len);
    out[text.len] = '\0';
    return true;
}

/* The next of the words that single blanks part; an empty one at the end. */
static struct slice next_word(struct slice *text)
{
    const uint8_t *blank = text->len ? memchr(text->data, ' ', text->len) : NULL;
    size_t len = blank ? (size_t)(blank - text->data) : text->len;
    struct slice word = slice_of(text->data, len);

    *text = blank ? slice_of(blank + 1, text->len - len - 1) : slice_of(NULL, 0);
    return word;
}

static bool is_word(struct slice word, const char *text)
{
    return word.len == strlen(text) && strncasecmp((const char *)word.data, text, word.len) == 0;
}

static bool read_address(struct slice word, char out[46])
{
    uint8_t binary[16];

    return sdp_word(word, 46, out) && (inet_pton(AF_INET, out, binary) == 1 || inet_pton(AF_INET6, out, binary) == 1);
}

static bool read_port(struct slice word, uint16_t *out)
{
    uint64_t port;

    if (!sdp_number(word, UINT16_MAX, &port))
        return false;
    *out = (uint16_t)port;
    return true;
}

static bool read_kind(struct slice *text, struct sdp_candidate *candidate)
{
    struct slice word;

    if (!is_word(next_word(text), "typ"))
        return false;
    word = next_word(text);
    for (int i = 0; i < 4; i++) {
        if (is_word(word, kinds[i])) {
            candidate->kind = i;
            return true;
        }
    }
    return false;
}

/* Pairs of names and values; the unknown are passed over, as the RFC asks. */
static bool read_extensions(struct slice text, struct sdp_candidate *candidate)
{
    while (text.len) {
        struct slice name = next_word(&text), value = next_word(&text);
        if (is_word(name, "raddr")) {
            if (!read_address(value, candidate->related))
                candidate->related[0] = '\0'; /* browsers hide it */
        } else if (is_word(name, "rport")) {
            if (!read_port(value, &candidate->related_port))
                return false;
        }
    }
    return true;
}

enum err sdp_parse_candidate(struct slice text, struct sdp_candidate *out)
{
    struct sdp_candidate candidate = {0};
    uint64_t component, priority;

    sdp_take(&text, "a=");
    if (text.len > SDP_CANDIDATE_MAX || !sdp_take(&text, "candidate:"))
        return ERR_INVALID;
    if (!sdp_word(next_word(&text), sizeof candidate.foundation, candidate.foundation))
        return ERR_INVALID;
    if (!sdp_number(next_word(&text), 256, &component) || component != 1 || !is_word(next_word(&text), "udp"))
        return ERR_INVALID;
    if (!sdp_number(next_word(&text), UINT32_MAX, &priority) || priority == 0)
        return ERR_INVALID;
    candidate.priority = (uint32_t)priority;
    if (!read_address(next_word(&text), candidate.address) || !read_port(next_word(&text), &candidate.port) ||
        candidate.port == 0)
        return ERR_INVALID;
    if (!read_kind(&text, &candidate) || !read_extensions(text, &candidate))
        return ERR_INVALID;
    *out = candidate;
    return OK;
}

enum err sdp_write_candidate(const struct sdp_candidate *candidate, struct buf *out)
{
    enum err err = buf_printf(out, "candidate:%s 1 udp %u %s %u typ %s", candidate->foundation, candidate->priority,
                              candidate->address, candidate->port, kinds[candidate->kind]);

    if (!err && candidate->related[0])
        err = buf_printf(out, " raddr %s rport %u", candidate->related, candidate->related_port);
    return err;
}
