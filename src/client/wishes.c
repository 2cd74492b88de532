/* wishes.c - what users want: noted here, and acted on by the timer that core_soon starts. */
#include "core_private.h"

static void private_event(void *ctx, const struct earshot_event *event)
{
    struct client_core *core = ctx;
    core->ops->event(core->ctx, event);
}

static enum err private_ask(void *ctx, const struct request *what, struct slice body)
{
    struct client_core *core = ctx;
    int64_t id;
    enum err err = core->state == CORE_CLOSED ? ERR_STOPPED : outbox_add(&core->outbox, what, body, &id);
    if (err == OK)
        core_soon(core);
    return err;
}

static void private_idle(void *ctx)
{
    struct client_core *core = ctx;
    if (core->logout_id != 0)
        core_soon(core);
}

enum err core_add_privates(struct client_core *core, const struct core_options *options)
{
    static const struct private_ops ops = {private_event, private_ask, private_idle};
    const struct private_options privates = {
        .world = core->world,
        .ops = &ops,
        .ctx = core,
        .transport = options->transport,
        .transport_ctx = options->transport_ctx,
        .identity = options->identity,
        .contacts = options->contacts,
        .self = &core->user,
    };
    return privates_new(&privates, &core->privates);
}

static enum err note_private(struct client_core *core, const struct request *what, struct slice body, int64_t *id)
{
    struct request numbered = *what;
    numbered.id = core->outbox.next_id;
    enum err err = privates_wish(core->privates, &numbered, body);
    if (err == OK)
        *id = core->outbox.next_id++;
    return err;
}

int64_t core_ask(struct client_core *core, const struct request *what, struct slice body)
{
    int64_t id;
    if (core->state == CORE_CLOSED || core->logout_id != 0)
        return -EARSHOT_UNAVAILABLE;
    bool private = requests_are_private(what->kind);
    if (private && core->privates == NULL)
        return -EARSHOT_NO_PRIVATE;
    enum err err = private ? note_private(core, what, body, &id) : outbox_add(&core->outbox, what, body, &id);
    if (err != OK)
        return err == ERR_MEMORY ? -EARSHOT_NO_MEMORY : -EARSHOT_UNAVAILABLE;
    if (what->kind < 0) /* the server sees nothing of it */
        pulse_active(core);
    core_soon(core);
    return id;
}

int64_t core_logout(struct client_core *core)
{
    if (core->state == CORE_CLOSED || core->logout_id != 0)
        return -EARSHOT_UNAVAILABLE;
    core->logout_id = core->outbox.next_id++;
    core->progress = world_mono_ms(core->world);
    core_soon(core);
    return core->logout_id;
}

size_t core_unanswered(const struct client_core *core)
{
    return core->outbox.count + (core->logout_id != 0) + (core->privates != NULL ? privates_unanswered(core->privates) : 0);
}

enum earshot_error core_set_user(struct client_core *core, const char *user)
{
    if (core->question != QUESTION_USER)
        return EARSHOT_USAGE;
    if (name_parse(slice_str(user), &core->user) != OK)
        return EARSHOT_BAD_NAME;
    core->answered = true;
    core_soon(core);
    return EARSHOT_OK;
}

enum earshot_error core_set_password(struct client_core *core, const char *password)
{
    struct slice text = slice_str(password);
    bool account = core->question == QUESTION_ACCOUNT;
    if (core->question != QUESTION_PASSWORD && !account)
        return EARSHOT_USAGE;
    if ((account ? password_check_new(text) : password_check(text)) != OK)
        return EARSHOT_BAD_PASSWORD;
    memcpy(core->password, text.data, text.len);
    core->password_len = text.len;
    core->password_typed = true;
    core->wants_account = account;
    core->answered = true;
    core_soon(core);
    return EARSHOT_OK;
}
