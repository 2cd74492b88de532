/* tongue_earshot.c - earshot's protocol as a lean client speaks it: accounts and tokens are those that tools/populate makes. */
#include "load.h"

#include "wire/codec.h"
#include "wire/frame.h"
#include "wire/limits.h"

#define PASSWORD "load-password"

enum { NAME_SIZE = 16 };

static struct slice name_of(unsigned index, char space[NAME_SIZE])
{
    char digits[NAME_SIZE];
    size_t count = 0, len = 4;
    memcpy(space, "load", len);
    do
        digits[count++] = (char)('0' + index % 10);
    while ((index /= 10) > 0);
    while (count > 0)
        space[len++] = digits[--count];
    return slice_of(space, len);
}

static void put(struct user *user, Earshot__ClientFrame *frame)
{
    if (codec_write_client(frame, link_out(&user->link)) != OK)
        stop("cannot write a frame");
}

static void say_hello(struct user *user)
{
    Earshot__Hello hello = EARSHOT__HELLO__INIT;
    Earshot__ClientFrame frame = EARSHOT__CLIENT_FRAME__INIT;
    hello.version = WIRE_VERSION;
    frame.body_case = EARSHOT__CLIENT_FRAME__BODY_HELLO;
    frame.hello = &hello;
    put(user, &frame);
}

static void login(struct user *user)
{
    char space[WIRE_TOKEN_SIZE] = {0};
    struct slice name = name_of(user->index, space);
    Earshot__Login credentials = EARSHOT__LOGIN__INIT;
    Earshot__Resume resume = EARSHOT__RESUME__INIT;
    Earshot__ClientFrame frame = EARSHOT__CLIENT_FRAME__INIT;
    say_hello(user);
    frame.number = 1;
    if (user->load->options.password) {
        frame.body_case = EARSHOT__CLIENT_FRAME__BODY_LOGIN;
        frame.login = &credentials;
        credentials.user = bytes_of_slice(name);
        credentials.password = bytes_of_slice(slice_str(PASSWORD));
        credentials.token = bytes_of_slice(slice_of(space, sizeof space));
    } else {
        frame.body_case = EARSHOT__CLIENT_FRAME__BODY_RESUME;
        frame.resume = &resume;
        resume.token = bytes_of_slice(slice_of(space, sizeof space));
    }
    put(user, &frame);
}

static void message(struct user *user, unsigned to, struct slice body)
{
    char space[NAME_SIZE];
    Earshot__SendMessage message = EARSHOT__SEND_MESSAGE__INIT;
    Earshot__ClientFrame frame = EARSHOT__CLIENT_FRAME__INIT;
    message.to = bytes_of_slice(name_of(to, space));
    message.body = bytes_of_slice(body);
    frame.number = ++user->number;
    frame.body_case = EARSHOT__CLIENT_FRAME__BODY_MESSAGE;
    frame.message = &message;
    put(user, &frame);
}

static void broadcast(struct user *user, struct slice body)
{
    Earshot__SendBroadcast message = EARSHOT__SEND_BROADCAST__INIT;
    Earshot__ClientFrame frame = EARSHOT__CLIENT_FRAME__INIT;
    message.body = bytes_of_slice(body);
    frame.number = ++user->number;
    frame.body_case = EARSHOT__CLIENT_FRAME__BODY_BROADCAST;
    frame.broadcast = &message;
    put(user, &frame);
}

static void received(struct user *user)
{
    Earshot__Position position = EARSHOT__POSITION__INIT, *positions[] = {&position};
    Earshot__Received received = EARSHOT__RECEIVED__INIT;
    Earshot__ClientFrame frame = EARSHOT__CLIENT_FRAME__INIT;
    position.conversation = user->conversation;
    position.id = user->id;
    received.n_positions = 1;
    received.positions = positions;
    frame.body_case = EARSHOT__CLIENT_FRAME__BODY_RECEIVED;
    frame.received = &received;
    put(user, &frame);
}

static void ping(struct user *user)
{
    Earshot__Ping ping = EARSHOT__PING__INIT;
    Earshot__ClientFrame frame = EARSHOT__CLIENT_FRAME__INIT;
    frame.number = ++user->number;
    frame.body_case = EARSHOT__CLIENT_FRAME__BODY_PING;
    frame.ping = &ping;
    put(user, &frame);
}

/* ---- hearing ---- */

static void hear_welcome(struct user *user, const Earshot__ServerFrame *frame)
{
    user->number = frame->welcome->last_number + 1;
    user_welcomed(user);
}

static void hear_caught_up(struct user *user, const Earshot__ServerFrame *frame)
{
    user_caught_up(user);
}

static void hear_accepted(struct user *user, const Earshot__ServerFrame *frame)
{
    user_accepted(user);
}

static void hear_message(struct user *user, const Earshot__ServerFrame *frame)
{
    const Earshot__Message *message = frame->event_message;
    if (user->conversation != 0 && user->conversation != message->conversation)
        stop("user %u: a message from somebody else", user->index);
    if (message->id <= user->id)
        stop("user %u: ids do not rise", user->index);
    user->conversation = message->conversation;
    user->id = message->id;
    user_heard(user, slice_of_bytes(message->body), true);
}

static void hear_broadcast(struct user *user, const Earshot__ServerFrame *frame)
{
    user_heard(user, slice_of_bytes(frame->event_broadcast->body), false);
}

static void hear_error(struct user *user, const Earshot__ServerFrame *frame)
{
    stop("user %u: %.*s", user->index, (int)frame->error->text.len, (const char *)frame->error->text.data);
}

static void hear_goodbye(struct user *user, const Earshot__ServerFrame *frame)
{
    stop("user %u: goodbye: %.*s", user->index, (int)frame->goodbye->text.len, (const char *)frame->goodbye->text.data);
}

static void (*const rows[])(struct user *user, const Earshot__ServerFrame *frame) = {
    [EARSHOT__SERVER_FRAME__BODY_WELCOME] = hear_welcome,       [EARSHOT__SERVER_FRAME__BODY_CAUGHT_UP] = hear_caught_up,
    [EARSHOT__SERVER_FRAME__BODY_ACCEPTED] = hear_accepted,     [EARSHOT__SERVER_FRAME__BODY_ANNOUNCED] = hear_accepted,
    [EARSHOT__SERVER_FRAME__BODY_EVENT_MESSAGE] = hear_message, [EARSHOT__SERVER_FRAME__BODY_EVENT_BROADCAST] = hear_broadcast,
    [EARSHOT__SERVER_FRAME__BODY_ERROR] = hear_error,           [EARSHOT__SERVER_FRAME__BODY_GOODBYE] = hear_goodbye,
};

/* Frames that answer nothing begin with their kind. Presence of others comes by the million when thousands log in. */
static bool is_of_no_interest(struct slice payload)
{
    size_t kind = payload.len > 0 ? payload.data[0] >> 3 : 0;
    return kind > 1 && (kind >= sizeof rows / sizeof rows[0] || rows[kind] == NULL);
}

static size_t hear(struct user *user, struct slice bytes)
{
    static struct arena arena;
    struct slice payload;
    Earshot__ServerFrame *frame;
    size_t used = 0, one;
    if (arena.cap == 0)
        arena_init(&arena, WIRE_ARENA_CAP, WIRE_ARENA_KEEP);
    while (user->link.fd >= 0 && frame_next(slice_of(bytes.data + used, bytes.len - used), &payload, &one) == OK) {
        used += one;
        if (is_of_no_interest(payload))
            continue;
        arena_reset(&arena);
        if (codec_read_server(payload, &arena, &frame) != OK)
            stop("the server says what is no frame");
        size_t kind = (size_t)frame->body_case;
        if (kind < sizeof rows / sizeof rows[0] && rows[kind] != NULL)
            rows[kind](user, frame);
    }
    return used;
}

const struct tongue tongue_earshot = {"earshot", login, message, broadcast, received, ping, hear};
