/* verbs.c - see verbs.h. */
#include "verbs.h"

static size_t find_extra(const struct store_op *op)
{
    return ((const struct store_account_find *)op)->name.len;
}

static size_t create_extra(const struct store_op *op)
{
    return ((const struct store_account_create *)op)->name.len;
}

static size_t used_extra(const struct store_op *op)
{
    return ((const struct store_devices_used *)op)->count * sizeof(uint64_t);
}

static size_t append_extra(const struct store_op *op)
{
    return ((const struct store_append *)op)->body.len;
}

static size_t advance_extra(const struct store_op *op)
{
    return ((const struct store_advance *)op)->count * sizeof(struct store_position);
}

static size_t failures_extra(const struct store_op *op)
{
    return ((const struct store_failures *)op)->name.len;
}

static size_t backup_extra(const struct store_op *op)
{
    return strlen(((const struct store_backup *)op)->path);
}

const struct verb verbs[STORE_VERB_COUNT] = {
    [STORE_ACCOUNT_FIND] = {"account_find", account_find, sizeof(struct store_account_find), find_extra, false},
    [STORE_ACCOUNT_CREATE] = {"account_create", account_create, sizeof(struct store_account_create), create_extra, true},
    [STORE_ACCOUNT_PASSWORD] = {"account_password", account_password, sizeof(struct store_account_password), NULL, true},
    [STORE_ACCOUNT_DISABLE] = {"account_disable", account_disable, sizeof(struct store_account_disable), NULL, true},
    [STORE_DEVICE_CREATE] = {"device_create", account_device_create, sizeof(struct store_device_create), NULL, true},
    [STORE_DEVICE_FIND] = {"device_find", account_device_find, sizeof(struct store_device_find), NULL, false},
    [STORE_DEVICES_USED] = {"devices_used", account_devices_used, sizeof(struct store_devices_used), used_extra, false},
    [STORE_DEVICE_FORGET] = {"device_forget", account_device_forget, sizeof(struct store_device_forget), NULL, true},
    [STORE_DEVICES_FORGET] = {"devices_forget", account_devices_forget, sizeof(struct store_devices_forget), NULL, true},
    [STORE_APPEND] = {"append", message_append, sizeof(struct store_append), append_extra, true, .logged = true},
    [STORE_PENDING] = {"pending", page_pending, sizeof(struct store_page), NULL, false},
    [STORE_SINCE] = {"since", page_since, sizeof(struct store_page), NULL, false},
    [STORE_ADVANCE] = {"advance", message_advance, sizeof(struct store_advance), advance_extra, true, .logged = true,
                       .relaxed = true},
    [STORE_BLOCK] = {"block", account_block, sizeof(struct store_block), NULL, true},
    [STORE_LOGIN_OPEN] = {"login_open", login_open, sizeof(struct store_login_open), NULL, true, .logged = true, .relaxed = true},
    [STORE_LOGIN_CLOSE] = {"login_close", login_close, sizeof(struct store_login_close), NULL, true, .logged = true,
                           .relaxed = true},
    [STORE_FAILURES] = {"failures", login_failures, sizeof(struct store_failures), failures_extra, true},
    [STORE_ALIVE] = {"alive", login_alive, sizeof(struct store_alive), NULL, true},
    [STORE_TIDY] = {"tidy", tidy, sizeof(struct store_tidy), NULL, true},
    [STORE_BACKUP] = {"backup", backup_begin, sizeof(struct store_backup), backup_extra, true, .aside = true},
};

size_t verb_bytes(const struct store_op *op)
{
    const struct verb *verb = &verbs[op->verb];
    return verb->size + (verb->extra != NULL ? verb->extra(op) : 0);
}
