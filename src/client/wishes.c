/* wishes.c - what users want: noted here, and acted on by the timer that core_soon starts. */
#include "core_private.h"

int64_t core_ask(struct client_core *core, const struct request *what, struct slice body)
{
    int64_t id;
    if (core->state == CORE_CLOSED || core->logout_id != 0)
        return -EARSHOT_UNAVAILABLE;
    enum err err = outbox_add(&core->outbox, what, body, &id);
    if (err != OK)
        return err == ERR_MEMORY ? -EARSHOT_NO_MEMORY : -EARSHOT_UNAVAILABLE;
    core_soon(core);
    return id;
}

int64_t core_logout(struct client_core *core)
{
    if (core->state == CORE_CLOSED || core->logout_id != 0)
        return -EARSHOT_UNAVAILABLE;
    core->logout_id = core->outbox.next_id++;
    core_soon(core);
    return core->logout_id;
}

size_t core_unanswered(const struct client_core *core)
{
    return core->outbox.count + (core->logout_id != 0);
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
    core->wants_account = account;
    core->answered = true;
    core_soon(core);
    return EARSHOT_OK;
}
