#include "fake_library.h"
#include "base/printable.h"
#include "errors.h"
#include "text.h"
#include <stdio.h>
#include <string.h>

static int64_t fake_ask(struct earshot_client *fake, const char *what, const char *user, const char *text, size_t len)
{
    if (fake->refuse != EARSHOT_OK)
        return -(int64_t)fake->refuse;
    text_format(&fake->seen, "[%d]%s%s%s%s%.*s\n", (int)++fake->last, what, user ? " " : "", user ? user : "", len ? " " : "",
                (int)len, len ? text : "");
    return fake->last;
}

int64_t earshot_message(struct earshot_client *fake, const char *to, const char *body, size_t len)
{
    return fake_ask(fake, "message", to, body, len);
}

int64_t earshot_broadcast(struct earshot_client *fake, const char *body, size_t len)
{
    return fake_ask(fake, "broadcast", NULL, body, len);
}

int64_t earshot_whoelse(struct earshot_client *fake)
{
    return fake_ask(fake, "whoelse", NULL, NULL, 0);
}

int64_t earshot_whoelsesince(struct earshot_client *fake, uint64_t seconds)
{
    char text[32];
    int len = snprintf(text, sizeof text, "%llu", (unsigned long long)seconds);
    return fake_ask(fake, "whoelsesince", NULL, text, (size_t)len);
}

int64_t earshot_block(struct earshot_client *fake, const char *user)
{
    return fake_ask(fake, "block", user, NULL, 0);
}

int64_t earshot_unblock(struct earshot_client *fake, const char *user)
{
    return fake_ask(fake, "unblock", user, NULL, 0);
}

int64_t earshot_change_password(struct earshot_client *fake, const char *current, const char *another)
{
    return fake_ask(fake, "password", current, another, strlen(another));
}

int64_t earshot_startprivate(struct earshot_client *fake, const char *user)
{
    return fake_ask(fake, "startprivate", user, NULL, 0);
}

int64_t earshot_stopprivate(struct earshot_client *fake, const char *user)
{
    return fake_ask(fake, "stopprivate", user, NULL, 0);
}

int64_t earshot_private(struct earshot_client *fake, const char *user, const char *body, size_t len)
{
    return fake_ask(fake, "private", user, body, len);
}

int64_t earshot_answer_private(struct earshot_client *fake, const char *user, bool accept)
{
    return fake_ask(fake, accept ? "yes" : "no", user, NULL, 0);
}

int64_t earshot_trust_contact(struct earshot_client *fake, const char *user)
{
    return fake_ask(fake, "trust", user, NULL, 0);
}

int64_t earshot_verify(struct earshot_client *fake, const char *user)
{
    return fake_ask(fake, "verify", user, NULL, 0);
}

int64_t earshot_logout(struct earshot_client *fake)
{
    return fake_ask(fake, "logout", NULL, NULL, 0);
}

enum earshot_error earshot_trust_server(struct earshot_client *fake, bool trust)
{
    text_format(&fake->seen, "trust %d\n", trust);
    return EARSHOT_OK;
}

enum earshot_error earshot_set_user(struct earshot_client *fake, const char *user)
{
    text_format(&fake->seen, "user %s\n", user);
    return strchr(user, ' ') ? EARSHOT_BAD_NAME : EARSHOT_OK;
}

enum earshot_error earshot_set_password(struct earshot_client *fake, const char *password)
{
    text_format(&fake->seen, "password %s\n", password);
    return *password ? EARSHOT_OK : EARSHOT_BAD_PASSWORD;
}

/* These need no connection: the real ones. */

const char *earshot_error_name(enum earshot_error error)
{
    return error_name(error);
}

const char *earshot_reason_name(enum earshot_reason reason)
{
    return reason_name(reason);
}

size_t earshot_printable(const char *text, size_t len, char *out, size_t size)
{
    return printable_copy(slice_of(text, len), out, size);
}
