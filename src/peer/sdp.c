/*
 * sdp.c - reading a description line by line, and writing one.
 *
 * Attributes may stand before the media line (for all media) or after it; both are taken, as there is one medium. An attribute
 * that comes twice must say the same twice, or it would depend on the reader what it means.
 */
#include "sdp.h"

enum {
    SEEN_UFRAG = 1,
    SEEN_PASSWORD = 2,
    SEEN_FINGERPRINT = 4,
    SEEN_SETUP = 8,
    SEEN_MEDIA = 16,
    SEEN_MID = 32,
    SEEN_PORT = 64,
    SEEN_SIZE = 128
};

enum { NEEDED = SEEN_UFRAG | SEEN_PASSWORD | SEEN_FINGERPRINT | SEEN_SETUP | SEEN_MEDIA };

struct reader {
    struct sdp *sdp;
    unsigned seen;
    size_t candidate_lines;
};

static bool first(struct reader *reader, unsigned what)
{
    bool first = !(reader->seen & what);

    reader->seen |= what;
    return first;
}

/* Of ICE credentials: letters, digits, + and /; some write - and _ too. */
static bool read_credential(struct slice text, size_t least, char out[SDP_CREDENTIAL_MAX + 1])
{
    char word[SDP_CREDENTIAL_MAX + 1];

    if (text.len < least || !sdp_word(text, sizeof word, word))
        return false;
    if (out[0])
        return strcmp(out, word) == 0;
    memcpy(out, word, text.len + 1);
    return true;
}

static bool read_ufrag(struct reader *reader, struct slice text)
{
    reader->seen |= SEEN_UFRAG;
    return read_credential(text, 4, reader->sdp->ufrag);
}

static bool read_password(struct reader *reader, struct slice text)
{
    reader->seen |= SEEN_PASSWORD;
    return read_credential(text, 22, reader->sdp->password);
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_fingerprint(struct reader *reader, struct slice text)
{
    uint8_t print[PEER_FINGERPRINT];

    if (!sdp_take(&text, "sha-256 ") && !sdp_take(&text, "SHA-256 "))
        return true; /* other hashes may stand beside it */
    if (text.len != PEER_FINGERPRINT * 3 - 1)
        return false;
    for (size_t i = 0; i < PEER_FINGERPRINT; i++) {
        int high = hex_digit(text.data[i * 3]), low = hex_digit(text.data[i * 3 + 1]);
        if (high < 0 || low < 0 || (i + 1 < PEER_FINGERPRINT && text.data[i * 3 + 2] != ':'))
            return false;
        print[i] = (uint8_t)(high << 4 | low);
    }
    if (!first(reader, SEEN_FINGERPRINT))
        return memcmp(reader->sdp->fingerprint, print, sizeof print) == 0;
    memcpy(reader->sdp->fingerprint, print, sizeof print);
    return true;
}

static const char *const setups[] = {"actpass", "active", "passive"};

static bool read_setup(struct reader *reader, struct slice text)
{
    for (int i = 0; i < 3; i++) {
        if (slice_equal(text, slice_str(setups[i]))) {
            bool same = first(reader, SEEN_SETUP) || (int)reader->sdp->setup == i;
            reader->sdp->setup = (enum sdp_setup)i;
            return same;
        }
    }
    return false;
}

static bool read_mid(struct reader *reader, struct slice text)
{
    return first(reader, SEEN_MID) && sdp_word(text, sizeof reader->sdp->mid, reader->sdp->mid);
}

static bool read_sctp_port(struct reader *reader, struct slice text)
{
    uint64_t port;

    if (!first(reader, SEEN_PORT) || !sdp_number(text, UINT16_MAX, &port) || port == 0)
        return false;
    reader->sdp->sctp_port = (uint16_t)port;
    return true;
}

static bool read_size(struct reader *reader, struct slice text)
{
    uint64_t size;

    if (!first(reader, SEEN_SIZE) || !sdp_number(text, UINT64_MAX, &size))
        return false;
    reader->sdp->max_message = size > UINT32_MAX ? 0 : (uint32_t)size;
    return true;
}

static bool read_candidate(struct reader *reader, struct slice text)
{
    struct sdp *sdp = reader->sdp;
    uint8_t line[SDP_CANDIDATE_MAX + 16];

    if (++reader->candidate_lines > PEER_CANDIDATES_MAX)
        return false;
    if (text.len > SDP_CANDIDATE_MAX)
        return true;
    memcpy(line, "candidate:", 10);
    memcpy(line + 10, text.data, text.len);
    if (sdp_parse_candidate(slice_of(line, text.len + 10), &sdp->candidates[sdp->candidate_count]) == OK)
        sdp->candidate_count++;
    return true;
}

static bool read_end(struct reader *reader, struct slice text)
{
    reader->sdp->complete = true;
    return text.len == 0;
}

static bool read_media(struct reader *reader, struct slice text)
{
    static const char format[] = " UDP/DTLS/SCTP webrtc-datachannel", tcp[] = " TCP/DTLS/SCTP webrtc-datachannel";
    struct slice end;

    if (!first(reader, SEEN_MEDIA) || !sdp_take(&text, "application ") || text.len < sizeof format)
        return false;
    end = slice_of(text.data + text.len - (sizeof format - 1), sizeof format - 1);
    return slice_equal(end, slice_str(format)) || slice_equal(end, slice_str(tcp));
}

static const struct {
    const char *prefix;
    bool (*read)(struct reader *reader, struct slice text);
} lines[] = {
    {"a=ice-ufrag:", read_ufrag},
    {"a=ice-pwd:", read_password},
    {"a=fingerprint:", read_fingerprint},
    {"a=setup:", read_setup},
    {"a=mid:", read_mid},
    {"a=sctp-port:", read_sctp_port},
    {"a=max-message-size:", read_size},
    {"a=candidate:", read_candidate},
    {"a=end-of-candidates", read_end},
    {"m=", read_media},
};

static bool read_line(struct reader *reader, struct slice line)
{
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        if (sdp_take(&line, lines[i].prefix))
            return lines[i].read(reader, line);
    }
    return true;
}

/* Lines end in CR LF, or in LF alone. */
static bool next_line(struct slice *text, struct slice *line)
{
    const uint8_t *end;

    if (text->len == 0)
        return false;
    end = memchr(text->data, '\n', text->len);
    *line = slice_of(text->data, end ? (size_t)(end - text->data) : text->len);
    *text = end ? slice_of(end + 1, text->len - line->len - 1) : slice_of(NULL, 0);
    if (line->len && line->data[line->len - 1] == '\r')
        line->len--;
    return true;
}

enum err sdp_parse(struct slice text, struct sdp *out)
{
    static const struct sdp empty = {.sctp_port = SDP_SCTP_PORT, .max_message = PEER_MESSAGE_MAX};
    struct sdp sdp = empty;
    struct reader reader = {.sdp = &sdp};
    struct slice line;

    if (text.len > PEER_DESCRIPTION_MAX || !next_line(&text, &line) || !slice_equal(line, slice_str("v=0")))
        return ERR_INVALID;
    while (next_line(&text, &line)) {
        if (!read_line(&reader, line))
            return ERR_INVALID;
    }
    if ((reader.seen & NEEDED) != NEEDED)
        return ERR_INVALID;
    *out = sdp;
    return OK;
}

static enum err write_fingerprint(const struct sdp *sdp, struct buf *out)
{
    enum err err = buf_append_str(out, "a=fingerprint:sha-256 ");

    for (size_t i = 0; !err && i < PEER_FINGERPRINT; i++)
        err = buf_printf(out, "%s%02X", i ? ":" : "", sdp->fingerprint[i]);
    return err ? err : buf_append_str(out, "\r\n");
}

enum err sdp_write(const struct sdp *sdp, struct buf *out)
{
    const char *mid = sdp->mid[0] ? sdp->mid : "0";
    enum err err =
        buf_printf(out,
                   "v=0\r\no=- %llu %llu IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE %s\r\n"
                   "a=ice-options:trickle\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\n"
                   "a=mid:%s\r\na=ice-ufrag:%s\r\na=ice-pwd:%s\r\n",
                   (unsigned long long)sdp->session, (unsigned long long)sdp->version, mid, mid, sdp->ufrag, sdp->password);

    if (!err)
        err = write_fingerprint(sdp, out);
    if (!err)
        err = buf_printf(out, "a=setup:%s\r\na=sctp-port:%u\r\na=max-message-size:%u\r\n", setups[sdp->setup], sdp->sctp_port,
                         sdp->max_message);
    return err;
}
