/*
 * fake_library.h - libearshot's part played by the test: every request is noted in a transcript and answered when the test says
 * so.
 *
 * struct earshot_client is the fake itself here.
 */
#ifndef TEST_CLI_FAKE_LIBRARY_H
#define TEST_CLI_FAKE_LIBRARY_H

#include "library.h"
#include "text.h"
#include "unit.h"

struct earshot_client {
    struct buf seen; /* "[1]message bob hi\n" and so on */
    int64_t last;
    enum earshot_error refuse; /* what the next requests return instead of a number */
};

static inline int64_t fake_ask(struct earshot_client *fake, const char *what, const char *user, const char *text, size_t len)
{
    if (fake->refuse != EARSHOT_OK)
        return -(int64_t)fake->refuse;
    text_format(&fake->seen, "[%d]%s%s%s%s%.*s\n", (int)++fake->last, what, user ? " " : "", user ? user : "", len ? " " : "",
                (int)len, len ? text : "");
    return fake->last;
}

static int64_t fake_message(struct earshot_client *fake, const char *to, const char *body, size_t len)
{
    return fake_ask(fake, "message", to, body, len);
}

static int64_t fake_broadcast(struct earshot_client *fake, const char *body, size_t len)
{
    return fake_ask(fake, "broadcast", NULL, body, len);
}

static int64_t fake_whoelse(struct earshot_client *fake)
{
    return fake_ask(fake, "whoelse", NULL, NULL, 0);
}

static int64_t fake_whoelsesince(struct earshot_client *fake, uint64_t seconds)
{
    char text[32];
    int len = snprintf(text, sizeof text, "%llu", (unsigned long long)seconds);
    return fake_ask(fake, "whoelsesince", NULL, text, (size_t)len);
}

static int64_t fake_block(struct earshot_client *fake, const char *user)
{
    return fake_ask(fake, "block", user, NULL, 0);
}

static int64_t fake_unblock(struct earshot_client *fake, const char *user)
{
    return fake_ask(fake, "unblock", user, NULL, 0);
}

static int64_t fake_startprivate(struct earshot_client *fake, const char *user)
{
    return fake_ask(fake, "startprivate", user, NULL, 0);
}

static int64_t fake_stopprivate(struct earshot_client *fake, const char *user)
{
    return fake_ask(fake, "stopprivate", user, NULL, 0);
}

static int64_t fake_private(struct earshot_client *fake, const char *user, const char *body, size_t len)
{
    return fake_ask(fake, "private", user, body, len);
}

static int64_t fake_answer_private(struct earshot_client *fake, const char *user, bool accept)
{
    return fake_ask(fake, accept ? "yes" : "no", user, NULL, 0);
}

static int64_t fake_trust_contact(struct earshot_client *fake, const char *user)
{
    return fake_ask(fake, "trust", user, NULL, 0);
}

static int64_t fake_verify(struct earshot_client *fake, const char *user)
{
    return fake_ask(fake, "verify", user, NULL, 0);
}

static int64_t fake_logout(struct earshot_client *fake)
{
    return fake_ask(fake, "logout", NULL, NULL, 0);
}

static enum earshot_error fake_trust_server(struct earshot_client *fake, bool trust)
{
    text_format(&fake->seen, "trust %d\n", trust);
    return EARSHOT_OK;
}

static enum earshot_error fake_set_user(struct earshot_client *fake, const char *user)
{
    text_format(&fake->seen, "user %s\n", user);
    return strchr(user, ' ') ? EARSHOT_BAD_NAME : EARSHOT_OK;
}

static enum earshot_error fake_set_password(struct earshot_client *fake, const char *password)
{
    text_format(&fake->seen, "password %s\n", password);
    return *password ? EARSHOT_OK : EARSHOT_BAD_PASSWORD;
}

static const struct cli_library fake_library = {
    .trust_server = fake_trust_server,
    .set_user = fake_set_user,
    .set_password = fake_set_password,
    .message = fake_message,
    .broadcast = fake_broadcast,
    .whoelse = fake_whoelse,
    .whoelsesince = fake_whoelsesince,
    .block = fake_block,
    .unblock = fake_unblock,
    .startprivate = fake_startprivate,
    .stopprivate = fake_stopprivate,
    .private_text = fake_private,
    .answer_private = fake_answer_private,
    .trust_contact = fake_trust_contact,
    .verify = fake_verify,
    .logout = fake_logout,
};

#endif
