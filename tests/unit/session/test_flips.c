/*
 * test_flips.c - a recorded session with every single bit flipped, and cut after every byte.
 *
 * Three recordings: one that registers, one that logs in with a password, one that comes back with a token; each then asks for
 * one of everything. Whatever a flipped bit makes of it: what comes back is whole frames of the protocol, a connection that ends
 * is told why, nobody is welcomed with a wrong password or token, nobody gets anything done who was not welcomed, and nobody
 * hears of somebody who was not; nothing is left behind, and the same bytes without the flip work as before.
 */
#include "harness.h"

enum { AGAIN_EVERY = 97, FRAME_MS = 30000, NAME = 32 };

enum how { REGISTER, LOGIN, RESUME, HOWS };

struct trial {
    struct desk *desk;
    struct caller *bob; /* hears what gets through */
    struct token token;
    unsigned count, welcomed, closed;
};

/* ---- the recording ---- */

static void add(struct buf *all, const Earshot__ClientFrame *frame)
{
    assert_int_equal(codec_write_client(frame, all), OK);
}

static void add_opening(struct buf *all, enum how how, const char *user, const struct token *token)
{
    Earshot__Hello hello = EARSHOT__HELLO__INIT;
    Earshot__Register wish = EARSHOT__REGISTER__INIT;
    Earshot__Login login = EARSHOT__LOGIN__INIT;
    Earshot__Resume resume = EARSHOT__RESUME__INIT;
    uint32_t capabilities[] = {EARSHOT__CAPABILITY__CAPABILITY_PRIVATE};
    hello.version = WIRE_VERSION;
    hello.n_capabilities = 1;
    hello.capabilities = capabilities;
    wish.user = login.user = text(user);
    wish.password = login.password = text("correct horse");
    resume.token = bytes_of_slice(slice_of(token->bytes, TOKEN_SIZE));
    FRAME(greeting, 1, HELLO, hello, &hello);
    FRAME(registers, 2, REGISTER, register_, &wish);
    FRAME(logs_in, 2, LOGIN, login, &login);
    FRAME(resumes, 2, RESUME, resume, &resume);
    add(all, &greeting);
    add(all, how == REGISTER ? &registers : how == LOGIN ? &logs_in : &resumes);
}

static void add_private(struct buf *all)
{
    Earshot__StartPrivate start = EARSHOT__START_PRIVATE__INIT;
    Earshot__StopPrivate stop = EARSHOT__STOP_PRIVATE__INIT;
    Earshot__SendSignal signal = EARSHOT__SEND_SIGNAL__INIT;
    start.user = stop.user = signal.user = text("bob");
    start.channel = stop.channel = signal.channel = text("0123456789abcdef");
    signal.device = 1;
    signal.payload = text("sdp");
    FRAME(starts, 23, STARTPRIVATE, startprivate, &start);
    FRAME(signals, 24, SIGNAL, signal, &signal);
    FRAME(stops, 25, STOPPRIVATE, stopprivate, &stop);
    add(all, &starts);
    add(all, &signals);
    add(all, &stops);
}

static void add_requests(struct buf *all)
{
    Earshot__SendMessage message = EARSHOT__SEND_MESSAGE__INIT;
    Earshot__SendBroadcast broadcast = EARSHOT__SEND_BROADCAST__INIT;
    Earshot__WhoElse whoelse = EARSHOT__WHO_ELSE__INIT;
    Earshot__WhoElseSince since = EARSHOT__WHO_ELSE_SINCE__INIT;
    Earshot__Block block = EARSHOT__BLOCK__INIT;
    Earshot__Unblock unblock = EARSHOT__UNBLOCK__INIT;
    Earshot__Position position = EARSHOT__POSITION__INIT, *positions[] = {&position};
    Earshot__Received received = EARSHOT__RECEIVED__INIT;
    Earshot__Ping ping = EARSHOT__PING__INIT;
    message.to = text("bob");
    message.body = broadcast.body = text("hi");
    since.seconds = 60;
    block.user = unblock.user = text("carol");
    position.conversation = position.id = 1;
    received.n_positions = 1;
    received.positions = positions;
    FRAME(first, 1000, MESSAGE, message, &message);
    FRAME(second, 17, BROADCAST, broadcast, &broadcast);
    FRAME(third, 18, WHOELSE, whoelse, &whoelse);
    FRAME(fourth, 19, WHOELSESINCE, whoelsesince, &since);
    FRAME(fifth, 20, BLOCK, block, &block);
    FRAME(sixth, 21, UNBLOCK, unblock, &unblock);
    FRAME(seventh, 0, RECEIVED, received, &received);
    FRAME(eighth, 22, PING, ping, &ping);
    const Earshot__ClientFrame *const frames[] = {&first, &second, &third, &fourth, &fifth, &sixth, &seventh, &eighth};
    for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++)
        add(all, frames[i]);
}

static struct buf recording(enum how how, const char *user, const struct token *token)
{
    struct buf all;
    buf_init(&all, 1 << 20);
    add_opening(&all, how, user, token);
    add_requests(&all);
    add_private(&all);
    return all;
}

/* ---- what must hold ---- */

/* Whom the caller was welcomed as; "" if nobody. */
static void welcomed_as(const struct caller *caller, char name[NAME + 1])
{
    name[0] = '\0';
    for (size_t i = 0; i < caller->count; i++) {
        const char *at = strstr(caller->lines[i], "welcome ");
        if (at != NULL)
            snprintf(name, NAME + 1, "%s", at + strlen("welcome "));
    }
}

static bool harmless(const char *line)
{
    static const char *const known[] = {"greeting", "challenge ", "error ", "pong", "goodbye "};
    const char *word = strspn(line, "0123456789") > 0 ? strchr(line, ' ') + 1 : line;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strncmp(word, known[i], strlen(known[i])) == 0)
            return true;
    return false;
}

static void check_caller(const struct caller *caller, const char *name)
{
    for (size_t i = 0; i < caller->count && name[0] == '\0'; i++)
        if (!harmless(caller->lines[i]))
            fail_msg("not logged in, and yet: %s", caller->lines[i]);
    if (caller->hung_up && (caller->count == 0 || strstr(caller->lines[caller->count - 1], "goodbye ") == NULL))
        fail_msg("closed without a word");
}

/* "message alice: hi", "broadcast alice: hi", "alice comes", "alice goes"; private requests are frames without a name here. */
static void check_witness(struct caller *bob, const char *name)
{
    char comes[LINE], goes[LINE], message[LINE], stored[LINE], broadcast[LINE];
    snprintf(comes, sizeof comes, "%s comes", name);
    snprintf(goes, sizeof goes, "%s goes", name);
    snprintf(message, sizeof message, "message %s: ", name);
    snprintf(stored, sizeof stored, "stored %s: ", name);
    snprintf(broadcast, sizeof broadcast, "broadcast %s: ", name);
    for (; bob->first < bob->count; bob->first++) {
        const char *line = bob->lines[bob->first];
        bool fits = strcmp(line, comes) == 0 || strcmp(line, goes) == 0 || strncmp(line, message, strlen(message)) == 0 ||
                    strncmp(line, stored, strlen(stored)) == 0 || strncmp(line, broadcast, strlen(broadcast)) == 0 ||
                    strncmp(line, "frame ", 6) == 0;
        if (strcmp(line, "caught up") == 0) /* a thousand conversations later it reads what it knows from the store */
            continue;
        if (name[0] == '\0' || !fits)
            fail_msg("logged in as \"%s\", and bob hears: %s", name, line);
    }
    bob->first = bob->count = 0;
}

/* ---- trials ---- */

static void forget_caller(struct trial *trial, struct caller *caller)
{
    trial->desk->callers[--trial->desk->caller_count] = NULL;
    buf_free(&caller->out);
    free(caller);
}

/* A session that takes these bytes and is left; what must hold is checked. Returns whether it was welcomed. */
static bool try(struct trial *trial, struct slice bytes, int64_t wait_ms, bool *hung_up)
{
    char name[NAME + 1];
    struct caller *caller = call(trial->desk);
    put_bytes(caller, bytes);
    stage_pass(trial->desk->stage, wait_ms);
    welcomed_as(caller, name);
    check_caller(caller, name);
    if (strcmp(name, "rose") == 0)
        trial->token = caller->token;
    *hung_up = caller->hung_up;
    trial->count++;
    trial->welcomed += name[0] != '\0';
    trial->closed += caller->hung_up;
    hang_up(caller);
    check_witness(trial->bob, name);
    forget_caller(trial, caller);
    ping(trial->bob, 0);
    trial->bob->first = trial->bob->count = 0;
    assert_int_equal(hub_sessions(trial->desk->hubs[0]) + hub_sessions(trial->desk->hubs[1]), 1);
    assert_int_equal(hub_held(trial->desk->hubs[0]), 0);
    return name[0] != '\0';
}

static void new_token(struct trial *trial)
{
    struct caller *rose = online(trial->desk, "rose");
    trial->token = rose->token;
    hang_up(rose);
    forget_caller(trial, rose);
    trial->bob->first = trial->bob->count = 0;
}

/* The recording as it should be, for a user who is not there yet in case of REGISTER. */
static struct buf fresh(struct trial *trial, enum how how)
{
    char user[NAME + 1];
    snprintf(user, sizeof user, "user%u", trial->count);
    return recording(how, how == REGISTER ? user : how == LOGIN ? "alice" : "rose", &trial->token);
}

static void check_unharmed(struct trial *trial, enum how how)
{
    bool hung_up;
    if (how == RESUME)
        new_token(trial); /* a flipped bit may have made a logout of something */
    struct buf all = fresh(trial, how);
    assert_true(try(trial, buf_slice(&all), 0, &hung_up));
    assert_false(hung_up);
    buf_free(&all);
}

static void begin(struct trial *trial, struct desk *desk)
{
    *trial = (struct trial){.desk = desk};
    desk->stage->settings.block_duration_ms = 0; /* wrong passwords are part of it */
    desk->stage->settings.failures_a_minute = 0;
    assert_int_equal(chat_configure(desk->stage->chat, &desk->stage->settings), OK);
    trial->bob = online_at(desk, "bob", 1);
    const char *const others[] = {"alice", "carol", "rose"};
    for (size_t i = 0; i < 3; i++) {
        struct caller *caller = online(desk, others[i]);
        if (i == 2)
            trial->token = caller->token;
        hang_up(caller);
        forget_caller(trial, caller);
    }
    trial->bob->first = trial->bob->count = 0;
}

/* Does the bit belong to what only the user knows? */
static bool is_secret(const struct trial *trial, enum how how, const struct buf *all, size_t bit)
{
    struct slice secret = how == RESUME ? slice_of(trial->token.bytes, TOKEN_SIZE) : slice_str("correct horse");
    const uint8_t *at = memmem(buf_data(all), buf_len(all), secret.data, secret.len), *byte = buf_data(all) + bit / 8;
    assert_non_null(at);
    return how != REGISTER && byte >= at && byte < at + secret.len;
}

static void flip_all(struct trial *trial, enum how how)
{
    bool hung_up;
    struct buf all = fresh(trial, how);
    size_t len = buf_len(&all);
    buf_free(&all);
    for (size_t bit = 0; bit < len * 8; bit++) {
        all = fresh(trial, how);
        bool secret = is_secret(trial, how, &all, bit);
        if (bit / 8 < buf_len(&all))
            all.bytes[all.start + bit / 8] ^= (uint8_t)(1 << bit % 8);
        bool welcomed = try(trial, buf_slice(&all), 0, &hung_up);
        assert_false(secret && welcomed);
        buf_free(&all);
        if (bit % AGAIN_EVERY == 0)
            check_unharmed(trial, how);
    }
    check_unharmed(trial, how);
    print_message("%u sessions with a flipped bit: %u welcomed, %u closed\n", trial->count, trial->welcomed, trial->closed);
    assert_true(trial->welcomed > trial->count / 4 && trial->welcomed < trial->count);
    assert_true(trial->closed > 0);
}

static void test_bits_of_a_registration(void **state)
{
    struct trial trial;
    begin(&trial, *state);
    flip_all(&trial, REGISTER);
}

static void test_bits_of_a_login(void **state)
{
    struct trial trial;
    begin(&trial, *state);
    flip_all(&trial, LOGIN);
}

static void test_bits_of_a_resume(void **state)
{
    struct trial trial;
    begin(&trial, *state);
    flip_all(&trial, RESUME);
}

static bool ends_inside_a_frame(struct slice bytes)
{
    struct slice payload;
    size_t used;
    while (bytes.len > 0 && frame_next(bytes, &payload, &used) == OK)
        bytes = slice_of(bytes.data + used, bytes.len - used);
    return bytes.len > 0;
}

/* Half a frame is given up after a while, a whole one is not. */
static void test_every_prefix(void **state)
{
    struct trial trial;
    begin(&trial, *state);
    for (int how = REGISTER; how < HOWS; how++) {
        struct buf all = fresh(&trial, how);
        size_t len = buf_len(&all);
        for (size_t cut = 0; cut < len; cut++) {
            bool hung_up;
            buf_free(&all);
            all = fresh(&trial, how);
            (void)try(&trial, slice_of(buf_data(&all), cut), FRAME_MS, &hung_up);
            assert_int_equal(hung_up, ends_inside_a_frame(slice_of(buf_data(&all), cut)));
        }
        buf_free(&all);
        check_unharmed(&trial, how);
    }
    print_message("%u sessions cut short: %u welcomed, %u closed\n", trial.count, trial.welcomed, trial.closed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESK_TEST(test_bits_of_a_registration),
        DESK_TEST(test_bits_of_a_login),
        DESK_TEST(test_bits_of_a_resume),
        DESK_TEST(test_every_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
