/*
 * fuzz_conversation.c - people talk: every message of the schema, well-formed, reaches the real sessions of a whole server, in
 * every state. Each request is answered, and once.
 *
 * Three call: a user of this input and "alice" are logged in, a third has only said hello. The input is a row of moves (enum
 * move): who does what, and then a frame drawn by draw.h. What the server has handed out, such as tokens, devices and ids, is
 * among the values that fields are drawn from, so that a resume resumes and an answer answers.
 */
#include "callers.h"
#include "draw.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PEOPLE = 3, FIRST_NUMBER = 16, NUMBERS = 512, CHANNEL = 16, LAUNCHES = 2, HUGE_TEXT = 20001 };

enum move {
    MOVE_SPEAK,             /* and 1: most moves say a frame and nothing else */
    MOVE_SPEAK_AT_ONCE = 2, /* within the same turn as what comes next */
    MOVE_CALL_AGAIN,        /* the line is lost, another one is opened */
    MOVE_WAIT,
    MOVE_STORE_FAILS,
    MOVE_STORE_WAITS,
    MOVE_STORE_WORKS,
    MOVES,
};

struct person {
    struct caller caller;
    unsigned shard;
    uint64_t next;
    unsigned asked[NUMBERS], answered[NUMBERS];
    bool welcome;
    bool leaving; /* it has asked for the end, after which nothing is answered */
};

/* What has been heard last, by anybody. */
static struct {
    uint8_t token[TOKEN_SIZE];
    uint64_t device, conversation, id, horizon;
} known;

static struct person people[PEOPLE];
static char user[16];
static char huge[HUGE_TEXT];

static void heard_answer(struct person *person, const Earshot__ServerFrame *frame)
{
    if (frame->answers >= NUMBERS || (frame->body_case == EARSHOT__SERVER_FRAME__BODY_USERS && frame->users->more))
        return;
    if (frame->answers != 0 && ++person->answered[frame->answers] > person->asked[frame->answers])
        abort();
}

static void heard(struct caller *caller, const Earshot__ServerFrame *frame)
{
    struct person *person = caller->ctx;
    heard_answer(person, frame);
    switch (frame->body_case) {
    case EARSHOT__SERVER_FRAME__BODY_WELCOME:
        assert(frame->welcome->token.len == TOKEN_SIZE);
        memcpy(known.token, frame->welcome->token.data, TOKEN_SIZE);
        person->welcome = true;
        break;
    case EARSHOT__SERVER_FRAME__BODY_EVENT_MESSAGE:
        known.conversation = frame->event_message->conversation;
        known.id = frame->event_message->id;
        break;
    case EARSHOT__SERVER_FRAME__BODY_PRIVATE_REQUEST:
        known.device = frame->private_request->device;
        break;
    case EARSHOT__SERVER_FRAME__BODY_PRIVATE_SETTLED:
        known.device = frame->private_settled->device;
        break;
    case EARSHOT__SERVER_FRAME__BODY_CAUGHT_UP:
        known.horizon = frame->caught_up->horizon;
        break;
    case EARSHOT__SERVER_FRAME__BODY_GOODBYE:
        person->leaving = true;
        break;
    default:
        break;
    }
}

/* Sends it; the draw is from `draw`, with the values of this moment. */
static void speak(struct person *person, struct draw *draw)
{
    const struct slice names[] = {slice_str("alice"), slice_str(user), slice_str("nobody")};
    const struct slice texts[] = {slice_str("hi"), slice_str("caf\xc3\xa9\n\tand"), slice_of(huge, HUGE_TEXT)};
    const struct slice channels[] = {slice_str("one channel...16"), slice_str("another one...16")};
    const struct draw_row rows[] = {
        {.field = "user", .values = {names[0], names[1], names[2]}, .count = 3},
        {.field = "to", .values = {names[0], names[1], names[2]}, .count = 3},
        {.field = "body", .values = {texts[0], texts[1], texts[2]}, .count = 3},
        {.field = "payload", .values = {texts[0], texts[1], texts[2]}, .count = 3},
        {.field = "password", .values = {slice_str("correct horse"), slice_str("wrong horse")}, .count = 2},
        {.field = "token", .values = {slice_of(known.token, TOKEN_SIZE)}, .count = 1},
        {.field = "channel", .values = {channels[0], channels[1]}, .count = 2},
        {.field = "nonce", .values = {channels[0]}, .count = 1},
        {.field = "device", .numbers = {known.device, 0}, .count = 2},
        {.field = "conversation", .numbers = {known.conversation}, .count = 1},
        {.field = "id", .numbers = {known.id, 0}, .count = 2},
        {.field = "horizon", .numbers = {known.horizon, known.id, 0}, .count = 3},
        {.field = "version", .numbers = {WIRE_VERSION, 0, 9}, .count = 3},
        {.field = "seconds", .numbers = {60, 0, 1000000}, .count = 3},
        {.field = "accept", .numbers = {true, false}, .count = 2},
        {.field = NULL},
    };
    uint8_t how = draw_byte(draw), prefix[WIRE_PREFIX_MAX];
    uint64_t number = how < 200 ? person->next++ : how < 240 ? person->next - 1 : 0;
    struct buf frame;
    buf_init(&frame, 1 << 20);
    draw->rows = rows;
    faults_pause();
    unsigned body = draw_frame(draw, &earshot__client_frame__descriptor, number, &frame);
    faults_resume();
    if (!person->caller.hung_up && buf_len(&frame) <= WIRE_FRAME_MAX) {
        person->asked[number]++;
        person->leaving |= body == EARSHOT__CLIENT_FRAME__BODY_LOGOUT;
        session_input(person->caller.session, slice_of(prefix, frame_prefix(buf_len(&frame), prefix)));
        if (!person->caller.hung_up)
            session_input(person->caller.session, buf_slice(&frame));
    }
    buf_free(&frame);
}

static void call(struct person *person)
{
    person->caller.heard = heard;
    person->caller.ctx = person;
    person->next = FIRST_NUMBER;
    person->leaving = person->welcome = false;
    memset(person->asked, 0, sizeof person->asked);
    memset(person->answered, 0, sizeof person->answered);
    person->asked[1] = LAUNCHES; /* what log_in() sends */
    call_in(&person->caller, person->shard);
}

static void hear_all(void)
{
    settle();
    for (unsigned i = 0; i < PEOPLE; i++)
        read_out(&people[i].caller);
}

static void store_works(void)
{
    stage->failing = 0;
    stage->shut = false;
    hear_all();
}

static void move(struct person *person, enum move what, struct draw *draw)
{
    switch (what) {
    case MOVE_CALL_AGAIN:
        store_works();
        hang_up(&person->caller);
        call(person);
        log_in(&person->caller, NULL, false);
        break;
    case MOVE_WAIT:
        stage_pass(stage, 100 * draw_byte(draw));
        break;
    case MOVE_STORE_FAILS:
        stage->failing = ~0u;
        stage->failure = draw_byte(draw) % 2 ? ERR_SYSTEM : ERR_NOT_STORED;
        break;
    case MOVE_STORE_WAITS:
        stage->shut = true;
        break;
    case MOVE_STORE_WORKS:
        store_works();
        break;
    default:
        break;
    }
    if (person->next < NUMBERS)
        speak(person, draw);
    if (what != MOVE_SPEAK_AT_ONCE)
        hear_all();
}

static void all_answered(const struct person *person)
{
    if (person->caller.hung_up || person->leaving)
        return;
    for (unsigned i = FIRST_NUMBER; i < NUMBERS; i++)
        if (person->asked[i] != person->answered[i])
            abort();
}

static void assemble(void)
{
    memset(&known, 0, sizeof known);
    memset(huge, 'y', sizeof huge);
    snprintf(user, sizeof user, "hello%u", served);
    for (unsigned i = 0; i < PEOPLE; i++) {
        people[i].shard = i % STAGE_SHARDS;
        call(&people[i]);
    }
    log_in(&people[0].caller, user, true);
    log_in(&people[1].caller, "alice", false);
    log_in(&people[2].caller, NULL, false);
    assert(faults_happened() || (people[0].welcome && people[1].welcome));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct draw draw = {.at = data, .end = data + size};
    begin_input();
    assemble();
    while (draw.at < draw.end) {
        uint8_t what = draw_byte(&draw);
        move(&people[what / MOVES % PEOPLE], what % MOVES, &draw);
    }
    store_works();
    stage_pass(stage, 1000);
    hear_all();
    for (unsigned i = 0; i < PEOPLE; i++) {
        all_answered(&people[i]);
        hang_up(&people[i].caller);
    }
    end_input();
    return 0;
}
