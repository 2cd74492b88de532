/* script.h - what the fake server says, one function a frame. Included by fake.h. */
#ifndef TEST_CLIENT_SCRIPT_H
#define TEST_CLIENT_SCRIPT_H

static UNUSED ProtobufCBinaryData text_bytes(const char *text)
{
    return bytes_of_slice(slice_str(text));
}

static UNUSED void say(struct fake *fake, const Earshot__ServerFrame *frame)
{
    struct buf bytes;
    buf_init(&bytes, (size_t)2 * WIRE_FRAME_MAX);
    assert_int_equal(codec_write_server(frame, &bytes), OK);
    core_data(fake->core, buf_slice(&bytes));
    buf_free(&bytes);
}

#define SAY(fake, number, CASE, field, Type, TYPE, ...)                                                                          \
    do {                                                                                                                         \
        Earshot__ServerFrame frame_ = EARSHOT__SERVER_FRAME__INIT;                                                               \
        Earshot__##Type body_ = EARSHOT__##TYPE##__INIT;                                                                         \
        Earshot__##Type *it = &body_;                                                                                            \
        (void)it;                                                                                                                \
        __VA_ARGS__;                                                                                                             \
        frame_.answers = number;                                                                                                 \
        frame_.body_case = EARSHOT__SERVER_FRAME__BODY_##CASE;                                                                   \
        frame_.field = &body_;                                                                                                   \
        say(fake, &frame_);                                                                                                      \
    } while (0)

static UNUSED void say_greeting(struct fake *fake)
{
    SAY(fake, 0, GREETING, greeting, Greeting, GREETING, it->version = 1; it->heartbeat_seconds = 15);
}

static UNUSED void say_challenge(struct fake *fake, uint64_t number, Earshot__Challenge__Kind kind)
{
    SAY(fake, number, CHALLENGE, challenge, Challenge, CHALLENGE, it->kind = kind);
}

static UNUSED void say_welcome(struct fake *fake, uint64_t number, uint8_t token, uint64_t last)
{
    uint8_t bytes[TOKEN_SIZE];
    memset(bytes, token, sizeof bytes);
    SAY(fake, number, WELCOME, welcome, Welcome, WELCOME, it->user = text_bytes("alice");
        it->token = bytes_of_slice(slice_of(bytes, sizeof bytes)); it->last_number = last);
}

static UNUSED void say_done(struct fake *fake, uint64_t number)
{
    SAY(fake, number, DONE, done, Done, DONE, (void)0);
}

static UNUSED void say_accepted(struct fake *fake, uint64_t number, uint64_t id_)
{
    SAY(fake, number, ACCEPTED, accepted, Accepted, ACCEPTED, it->id = id_);
}

static UNUSED void say_announced(struct fake *fake, uint64_t number, uint32_t count)
{
    SAY(fake, number, ANNOUNCED, announced, Announced, ANNOUNCED, it->delivered = count; it->withheld = true);
}

static UNUSED void say_users(struct fake *fake, uint64_t number, const char *const names[], size_t count, bool more_)
{
    ProtobufCBinaryData list[64];
    assert_true(count <= 64);
    for (size_t i = 0; i < count; i++)
        list[i] = text_bytes(names[i]);
    SAY(fake, number, USERS, users, Users, USERS, it->users = list; it->n_users = count; it->more = more_);
}

static UNUSED void say_error(struct fake *fake, uint64_t number, uint32_t code_, uint32_t retry)
{
    SAY(fake, number, ERROR, error, Error, ERROR, it->code = code_; it->text = text_bytes("no"); it->retry_after = retry);
}

static UNUSED void say_message(struct fake *fake, uint64_t conversation_, uint64_t id_, const char *from_, const char *to_,
                               const char *body)
{
    SAY(fake, 0, EVENT_MESSAGE, event_message, Message, MESSAGE, it->conversation = conversation_; it->id = id_;
        it->from = text_bytes(from_); it->to = text_bytes(to_); it->body = text_bytes(body));
}

static UNUSED void say_caught_up(struct fake *fake, uint64_t horizon_)
{
    SAY(fake, 0, CAUGHT_UP, caught_up, CaughtUp, CAUGHT_UP, it->horizon = horizon_);
}

static UNUSED void say_goodbye(struct fake *fake, Earshot__Goodbye__Reason why, uint32_t retry)
{
    SAY(fake, 0, GOODBYE, goodbye, Goodbye, GOODBYE, it->reason = why; it->retry_after = retry);
}

#endif
