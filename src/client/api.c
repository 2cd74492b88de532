/* api.c - the public functions of earshot/client.h: what may be asked is checked here, before it takes any memory. */
#include "base/printable.h"
#include "earshot/client.h"
#include "errors.h"
#include "link.h"
#include <stdlib.h>

struct earshot_client {
    struct link *link;
};

const char *earshot_error_name(enum earshot_error error)
{
    return error_name(error);
}

const char *earshot_reason_name(enum earshot_reason reason)
{
    return reason_name(reason);
}

const char *earshot_version(void)
{
    return link_version();
}

size_t earshot_printable(const char *text, size_t len, char *out, size_t size)
{
    return printable_copy(slice_of(text, len), out, size);
}

enum earshot_error earshot_open(const struct earshot_options *options, earshot_callback *callback, void *ctx,
                                struct earshot_client **client)
{
    if (options == NULL || callback == NULL)
        return EARSHOT_BAD_OPTION;
    struct earshot_client *made = calloc(1, sizeof *made);
    if (made == NULL)
        return EARSHOT_NO_MEMORY;
    enum earshot_error error = link_open(options, callback, ctx, &made->link);
    if (error != EARSHOT_OK) {
        free(made);
        return error;
    }
    *client = made;
    return EARSHOT_OK;
}

void earshot_close(struct earshot_client *client)
{
    if (client != NULL)
        link_close(&client->link);
    free(client);
}

int earshot_fd(const struct earshot_client *client)
{
    return link_fd(client->link);
}

void earshot_progress(struct earshot_client *client)
{
    link_progress(client->link);
}

enum earshot_error earshot_trust_server(struct earshot_client *client, bool trust)
{
    return link_trust(client->link, trust);
}

enum earshot_error earshot_set_user(struct earshot_client *client, const char *user)
{
    enum earshot_error error = core_set_user(link_core(client->link), user != NULL ? user : "");
    link_wake(client->link);
    return error;
}

enum earshot_error earshot_set_password(struct earshot_client *client, const char *password)
{
    enum earshot_error error = core_set_password(link_core(client->link), password != NULL ? password : "");
    link_wake(client->link);
    return error;
}

/* ---- requests ---- */

static int64_t ask(struct earshot_client *client, const struct request *what, struct slice body)
{
    int64_t id = core_ask(link_core(client->link), what, body);
    link_wake(client->link);
    return id;
}

static int64_t ask_about(struct earshot_client *client, struct request *what, const char *user, struct slice body)
{
    if (name_parse(slice_str(user != NULL ? user : ""), &what->user) != OK)
        return -EARSHOT_BAD_NAME;
    return ask(client, what, body);
}

static int64_t refuse_text(const char *body, size_t len)
{
    enum err err = text_check(slice_of(body, len));
    return err == OK ? 0 : -(int64_t)error_from_err(err);
}

int64_t earshot_message(struct earshot_client *client, const char *to, const char *body, size_t len)
{
    struct request what = {.kind = REQUEST(MESSAGE)};
    int64_t refused = refuse_text(body, len);
    return refused != 0 ? refused : ask_about(client, &what, to, slice_of(body, len));
}

int64_t earshot_broadcast(struct earshot_client *client, const char *body, size_t len)
{
    struct request what = {.kind = REQUEST(BROADCAST)};
    int64_t refused = refuse_text(body, len);
    return refused != 0 ? refused : ask(client, &what, slice_of(body, len));
}

int64_t earshot_whoelse(struct earshot_client *client)
{
    struct request what = {.kind = REQUEST(WHOELSE)};
    return ask(client, &what, slice_of(NULL, 0));
}

int64_t earshot_whoelsesince(struct earshot_client *client, uint64_t seconds)
{
    struct request what = {.kind = REQUEST(WHOELSESINCE), .seconds = seconds};
    return ask(client, &what, slice_of(NULL, 0));
}

int64_t earshot_block(struct earshot_client *client, const char *user)
{
    struct request what = {.kind = REQUEST(BLOCK)};
    return ask_about(client, &what, user, slice_of(NULL, 0));
}

int64_t earshot_unblock(struct earshot_client *client, const char *user)
{
    struct request what = {.kind = REQUEST(UNBLOCK)};
    return ask_about(client, &what, user, slice_of(NULL, 0));
}

int64_t earshot_change_password(struct earshot_client *client, const char *current, const char *another)
{
    struct request what = {.kind = REQUEST(PASSWORD)};
    struct slice first = slice_str(current != NULL ? current : ""), second = slice_str(another != NULL ? another : "");
    uint8_t both[2 * WIRE_PASSWORD_MAX + 1];
    if (password_check(first) != OK || password_check_new(second) != OK)
        return -EARSHOT_BAD_PASSWORD;
    memcpy(both, first.data, first.len);
    both[first.len] = '\0';
    memcpy(both + first.len + 1, second.data, second.len);
    int64_t id = ask(client, &what, slice_of(both, first.len + 1 + second.len));
    secret_wipe(both, sizeof both);
    return id;
}

int64_t earshot_startprivate(struct earshot_client *client, const char *user)
{
    struct request what = {.kind = REQUEST(STARTPRIVATE)};
    return ask_about(client, &what, user, slice_of(NULL, 0));
}

int64_t earshot_stopprivate(struct earshot_client *client, const char *user)
{
    struct request what = {.kind = REQUEST(STOPPRIVATE)};
    return ask_about(client, &what, user, slice_of(NULL, 0));
}

int64_t earshot_private(struct earshot_client *client, const char *user, const char *body, size_t len)
{
    struct request what = {.kind = REQUEST_PRIVATE};
    int64_t refused = refuse_text(body, len);
    return refused != 0 ? refused : ask_about(client, &what, user, slice_of(body, len));
}

int64_t earshot_answer_private(struct earshot_client *client, const char *user, bool accept)
{
    struct request what = {.kind = REQUEST(ANSWERPRIVATE), .accept = accept};
    return user == NULL ? ask(client, &what, slice_of(NULL, 0)) : ask_about(client, &what, user, slice_of(NULL, 0));
}

int64_t earshot_trust_contact(struct earshot_client *client, const char *user)
{
    struct request what = {.kind = REQUEST_TRUST};
    return ask_about(client, &what, user, slice_of(NULL, 0));
}

int64_t earshot_verify(struct earshot_client *client, const char *user)
{
    struct request what = {.kind = REQUEST_VERIFY};
    return ask_about(client, &what, user, slice_of(NULL, 0));
}

int64_t earshot_logout(struct earshot_client *client)
{
    return link_logout(client->link);
}

size_t earshot_unanswered(const struct earshot_client *client)
{
    return core_unanswered(link_core(client->link));
}
