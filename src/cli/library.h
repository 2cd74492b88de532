/*
 * library.h - what the client needs of libearshot, as a table, so that tests can put a fake in its place.
 *
 * cli_library is the real one (include/earshot/client.h explains the calls).
 */
#ifndef CLI_LIBRARY_H
#define CLI_LIBRARY_H

#include "earshot/client.h"

struct cli_library {
    enum earshot_error (*open)(const struct earshot_options *options, earshot_callback *callback, void *ctx,
                               struct earshot_client **client);
    void (*close)(struct earshot_client *client);
    int (*fd)(const struct earshot_client *client);
    void (*progress)(struct earshot_client *client);
    enum earshot_error (*trust_server)(struct earshot_client *client, bool trust);
    enum earshot_error (*set_user)(struct earshot_client *client, const char *user);
    enum earshot_error (*set_password)(struct earshot_client *client, const char *password);
    int64_t (*message)(struct earshot_client *client, const char *to, const char *body, size_t len);
    int64_t (*broadcast)(struct earshot_client *client, const char *body, size_t len);
    int64_t (*whoelse)(struct earshot_client *client);
    int64_t (*whoelsesince)(struct earshot_client *client, uint64_t seconds);
    int64_t (*block)(struct earshot_client *client, const char *user);
    int64_t (*unblock)(struct earshot_client *client, const char *user);
    int64_t (*startprivate)(struct earshot_client *client, const char *user);
    int64_t (*stopprivate)(struct earshot_client *client, const char *user);
    int64_t (*private_text)(struct earshot_client *client, const char *user, const char *body, size_t len);
    int64_t (*answer_private)(struct earshot_client *client, const char *user, bool accept);
    int64_t (*trust_contact)(struct earshot_client *client, const char *user);
    int64_t (*verify)(struct earshot_client *client, const char *user);
    int64_t (*logout)(struct earshot_client *client);
    size_t (*unanswered)(const struct earshot_client *client);
};

extern const struct cli_library cli_library;

#endif
