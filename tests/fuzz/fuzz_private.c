/*
 * fuzz_private.c - two people's private channels, between them a server and a network that say whatever they like.
 *
 * Both ends are real, on the rig of tests/unit/client/introduced.h. The input is a row of moves (enum move): what the two want,
 * and what one of them is told beside what is true: frames on the channel, signals, the server's events, drawn by draw.h or raw.
 * Each wish is answered.
 */
#include "../unit/client/introduced.h"
#include "crypto/identity.h"
#include "draw.h"
#include "faults.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOVES_MOST = 48, WISHES = 64, SECRET = 32 };

enum move {
    MOVE_FRAME, /* on the channel */
    MOVE_BYTES,
    MOVE_SIGNAL,
    MOVE_SIGNAL_BYTES,
    MOVE_REQUEST,
    MOVE_SETTLED, /* as far as here: what this end is told */
    MOVE_WISH,
    MOVE_ANSWER,
    MOVE_SERVER_LOST,
    MOVE_TUNNEL_ENDS,
    MOVE_TUNNEL_FULL,
    MOVE_WAIT,
    MOVES,
};

static uint8_t channel_id[16], secret[SECRET], commit[DIGEST_SIZE];

static void note_channel(struct rig *rig, struct end *from, struct end *to, Earshot__PeerSignal *signal)
{
    memcpy(channel_id, rig->channel, sizeof channel_id);
}

static void tell_tunnel(struct rig *rig, struct slice bytes, bool offers)
{
    struct tunnel *tunnel = last_tunnel(rig, offers);
    if (tunnel == NULL)
        return;
    struct action *action = rig_soon(rig, run_data);
    action->tunnel = tunnel;
    action_data(action, bytes.data, bytes.len);
}

static void tell_signal(struct end *end, struct slice payload)
{
    struct rig *rig = end->rig;
    struct end *from = rig->ends[0] == end ? rig->ends[1] : rig->ends[0];
    Earshot__Signal signal = EARSHOT__SIGNAL__INIT;
    signal.from = name_bytes(&from->name);
    signal.device = from->device;
    signal.channel = id_bytes(channel_id);
    signal.payload = bytes_of_slice(payload);
    privates_signal(end->privates, &signal);
}

static void tell_request(struct end *end, struct slice bytes)
{
    Earshot__PrivateRequest *request = earshot__private_request__unpack(NULL, bytes.len, bytes.data);
    if (request != NULL)
        privates_request(end->privates, request);
    earshot__private_request__free_unpacked(request, NULL);
}

static void tell_settled(struct end *end, struct slice bytes)
{
    Earshot__PrivateSettled *settled = earshot__private_settled__unpack(NULL, bytes.len, bytes.data);
    if (settled != NULL)
        privates_settled(end->privates, settled);
    earshot__private_settled__free_unpacked(settled, NULL);
}

/* It may be refused at once only for want of memory. */
static void want(struct end *end, struct request *what, const char *body)
{
    what->id = end->next_id;
    if (privates_wish(end->privates, what, slice_str(body)) == OK)
        end->next_id++;
    else
        assert(faults_happened());
}

static void wish_something(struct end *end, struct draw *draw)
{
    static const int kinds[] = {REQUEST(STARTPRIVATE), REQUEST_PRIVATE, REQUEST(STOPPRIVATE), REQUEST_TRUST};
    int kind = kinds[draw_byte(draw) % 4];
    const char *other = end == end->rig->ends[0] ? "bob" : "alice";
    struct request what = {.kind = kind};
    assert(name_parse(slice_str(draw_byte(draw) % 8 == 7 ? "carol" : other), &what.user) == OK);
    want(end, &what, kind == REQUEST_PRIVATE ? "psst" : "");
}

/* What somebody says to this end. */
static void tell(struct end *end, enum move what, struct draw *draw)
{
    static const ProtobufCMessageDescriptor *const types[] = {
        [MOVE_FRAME] = &earshot__peer_frame__descriptor,
        [MOVE_SIGNAL] = &earshot__peer_signal__descriptor,
        [MOVE_REQUEST] = &earshot__private_request__descriptor,
        [MOVE_SETTLED] = &earshot__private_settled__descriptor,
    };
    struct buf drawn;
    faults_pause();
    buf_init(&drawn, 1 << 20);
    if (what == MOVE_FRAME || what == MOVE_SIGNAL)
        draw_frame(draw, types[what], 0, &drawn);
    else if (types[what] != NULL)
        draw_message(draw, types[what], &drawn);
    faults_resume();
    struct slice bytes = types[what] != NULL ? buf_slice(&drawn) : draw_bytes(draw);
    if (what == MOVE_FRAME || what == MOVE_BYTES)
        tell_tunnel(end->rig, bytes, end == end->rig->ends[0]);
    else if (what == MOVE_REQUEST)
        tell_request(end, bytes);
    else if (what == MOVE_SETTLED)
        tell_settled(end, bytes);
    else
        tell_signal(end, bytes);
    buf_free(&drawn);
}

/* The tunnel takes nothing for a while. */
static void fill_tunnel(struct tunnel *tunnel)
{
    tunnel->full = !tunnel->full;
    if (!tunnel->full && !tunnel->dead)
        tunnel_soon(tunnel, run_drained);
}

static void move(struct end *end, enum move what, struct draw *draw)
{
    struct tunnel *tunnel = last_tunnel(end->rig, end == end->rig->ends[0]);
    if (what < MOVE_WISH)
        tell(end, what, draw);
    else if (what == MOVE_WISH)
        wish_something(end, draw);
    else if (what == MOVE_ANSWER)
        want(end, &(struct request){.kind = REQUEST(ANSWERPRIVATE), .accept = draw_byte(draw) % 4 != 3}, "");
    else if (what == MOVE_SERVER_LOST)
        privates_server_lost(end->privates);
    else if (what == MOVE_TUNNEL_ENDS && tunnel != NULL)
        end_tunnel(tunnel, draw_byte(draw) % 2 ? PEER_CLOSED : PEER_LOST);
    else if (what == MOVE_TUNNEL_FULL && tunnel != NULL)
        fill_tunnel(tunnel);
    else if (what == MOVE_WAIT)
        later(end->rig, 500 * draw_byte(draw));
}

/* An ok and an error may both come, in this order: what was asked for has begun, and came to nothing. */
static void all_answered(const struct end *end)
{
    bool ok[WISHES] = {false}, error[WISHES] = {false};
    for (size_t i = 0; i < end->count; i++) {
        long long number;
        bool good = sscanf(end->lines[i], "ok %lld", &number) == 1;
        if (!good && sscanf(end->lines[i], "error %lld", &number) != 1)
            continue;
        assert(number > 0 && number < end->next_id && !error[number] && !(good && ok[number]));
        ok[number] |= good;
        error[number] |= !good;
    }
    for (int64_t i = 1; i < end->next_id; i++)
        assert(ok[i] || error[i]);
}

static void play(struct rig *rig, struct draw *draw)
{
    for (unsigned i = 0; i < MOVES_MOST && draw->at < draw->end; i++) {
        uint8_t what = draw_byte(draw);
        move(rig->ends[what / MOVES % 2], what % MOVES, draw);
        if (what < 200) /* otherwise it happens together with the next */
            rig_run(rig);
    }
    for (unsigned i = 0; i < 2; i++) {
        rig_run(rig);
        privates_end(rig->ends[i]->privates, "over");
    }
    later(rig, 60000);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    memset(secret, 's', sizeof secret);
    digest(slice_of(secret, sizeof secret), commit);
    memset(channel_id, 'c', sizeof channel_id);
    const struct draw_row rows[] = {
        {.field = "from", .values = {slice_str("alice"), slice_str("bob"), slice_str("carol")}, .count = 3},
        {.field = "with", .values = {slice_str("alice"), slice_str("bob"), slice_str("carol")}, .count = 3},
        {.field = "channel", .values = {slice_of(channel_id, 16)}, .count = 1},
        {.field = "device", .numbers = {100, 101, 0}, .count = 3},
        {.field = "sdp", .values = {slice_str("tunnel 0 print 1"), slice_str("tunnel 1 print 9")}, .count = 2},
        {.field = "candidate", .values = {slice_str("candidate:1"), slice_str("")}, .count = 2},
        {.field = "commit", .values = {slice_of(commit, sizeof commit)}, .count = 1},
        {.field = "nonce", .values = {slice_of(secret, SECRET), slice_of(secret, 16)}, .count = 2},
        {.field = "reveal", .values = {slice_of(secret, SECRET)}, .count = 1},
        {.field = "number", .numbers = {1, 2, 3}, .count = 3},
        {.field = "received", .numbers = {1, 2, 3}, .count = 3},
        {.field = "body", .values = {slice_str("psst"), slice_str("\xff")}, .count = 2},
        {.field = NULL},
    };
    struct draw draw = {data, data + size, rows};
    faults_pause();
    struct rig *rig = rig_new();
    rig->meddle = note_channel;
    rig_join(rig, "alice");
    rig_join(rig, "bob");
    faults_resume();
    play(rig, &draw);
    all_answered(rig->ends[0]);
    all_answered(rig->ends[1]);
    rig_free(rig);
    return 0;
}
