/* replay.c - see replay.h. A record is its kind (1 byte), its numbers (8 bytes each, little-endian), and a message its body. */
#include "replay.h"
#include "base/log.h"
#include "verbs.h"
#include <assert.h>
#include <endian.h>

enum kind { MESSAGE = 1, RECEIVED, CONVERSATION, LOGIN_OPENED, LOGIN_CLOSED, KINDS };
enum { MOST_NUMBERS = 8, HEAD_MOST = 1 + 8 * MOST_NUMBERS };

/* ---- writing ---- */

static void add(struct database *db, enum kind kind, const uint64_t *numbers, size_t count, struct slice body)
{
    uint8_t head[HEAD_MOST];
    head[0] = (uint8_t)kind;
    for (size_t i = 0; i < count; i++) {
        uint64_t number = htole64(numbers[i]);
        memcpy(head + 1 + 8 * i, &number, sizeof number);
    }
    redo_add(&db->redo, slice_of(head, 1 + 8 * count), body);
}

void log_message(struct database *db, const struct store_append *append, uint64_t id, uint64_t conversation)
{
    const uint64_t numbers[] = {id,
                                conversation,
                                append->sender,
                                append->receiver,
                                append->device,
                                append->number,
                                (uint64_t)append->time,
                                append->body.len};
    add(db, MESSAGE, numbers, 8, append->body);
}

void log_received(struct database *db, uint64_t account, uint64_t conversation, uint64_t id)
{
    add(db, RECEIVED, (const uint64_t[]){account, conversation, id}, 3, (struct slice){0});
}

void log_conversation(struct database *db, uint64_t id, uint64_t low, uint64_t high)
{
    add(db, CONVERSATION, (const uint64_t[]){id, low, high}, 3, (struct slice){0});
}

void log_login_opened(struct database *db, uint64_t login, uint64_t account, int64_t time)
{
    add(db, LOGIN_OPENED, (const uint64_t[]){login, account, (uint64_t)time}, 3, (struct slice){0});
}

void log_login_closed(struct database *db, uint64_t login, int64_t time)
{
    add(db, LOGIN_CLOSED, (const uint64_t[]){login, (uint64_t)time}, 2, (struct slice){0});
}

/* ---- executing again ---- */

static enum err redo_message(struct database *db, const uint64_t *numbers, struct slice body)
{
    const struct store_append append = {
        .sender = numbers[2],
        .receiver = numbers[3],
        .device = numbers[4],
        .number = numbers[5],
        .time = (int64_t)numbers[6],
        .body = body,
    };
    return message_restore(db, &append, numbers[0], numbers[1]);
}

static enum err redo_received(struct database *db, const uint64_t *numbers, struct slice body)
{
    return message_received(db, numbers[0], (struct store_position){numbers[1], numbers[2]});
}

static enum err redo_conversation(struct database *db, const uint64_t *numbers, struct slice body)
{
    uint64_t id = numbers[0];
    return conversation_insert(db, (int64_t)numbers[1], (int64_t)numbers[2], &id);
}

static enum err redo_login_opened(struct database *db, const uint64_t *numbers, struct slice body)
{
    return login_insert(db, numbers[1], (int64_t)numbers[2], numbers[0]);
}

static enum err redo_login_closed(struct database *db, const uint64_t *numbers, struct slice body)
{
    return db_run(db, db_bind(db, SQL_LOGIN_CLOSE, (int64_t)numbers[0], (int64_t)numbers[1]));
}

/* How many numbers a record has, whether the last is the length of a body behind them, and what it does. */
static const struct {
    uint8_t count;
    bool has_body;
    enum err (*run)(struct database *db, const uint64_t *numbers, struct slice body);
} kinds[KINDS] = {
    [MESSAGE] = {8, true, redo_message},
    [RECEIVED] = {3, false, redo_received},
    [CONVERSATION] = {3, false, redo_conversation},
    [LOGIN_OPENED] = {3, false, redo_login_opened},
    [LOGIN_CLOSED] = {2, false, redo_login_closed},
};

/* Takes the first record away. ERR_INVALID: it is none. */
static enum err execute_first(struct database *db, struct slice *records)
{
    assert(records->data != NULL && records->len > 0);
    uint64_t numbers[MOST_NUMBERS] = {0};
    uint8_t kind = records->data[0], count = kind < KINDS ? kinds[kind].count : 0;
    size_t head = 1 + 8 * (size_t)count;
    if (count == 0 || records->len < head)
        return ERR_INVALID;
    for (size_t i = 0; i < count; i++) {
        memcpy(&numbers[i], records->data + 1 + 8 * i, sizeof numbers[i]);
        numbers[i] = le64toh(numbers[i]);
    }
    *records = slice_of(records->data + head, records->len - head);
    uint64_t len = kinds[kind].has_body ? numbers[count - 1] : 0;
    if (records->len < len)
        return ERR_INVALID;
    struct slice body = slice_of(records->data, (size_t)len);
    *records = slice_of(records->data + body.len, records->len - body.len);
    return kinds[kind].run(db, numbers, body);
}

static enum err replay(struct database *db)
{
    struct buf frame;
    size_t at = 0;
    bool singly = db->rows.singly;
    enum err err = db_begin(db), found = OK;
    buf_init(&frame, REDO_SIZE);
    db->rows.singly = true; /* a frame's bodies go with it */
    while (err == OK && (found = redo_read(&db->redo, &at, &frame)) == OK) {
        for (struct slice records = buf_slice(&frame); err == OK && records.len > 0;)
            err = execute_first(db, &records);
    }
    if (err == OK && found != ERR_NOT_FOUND)
        err = found;
    db->rows.singly = singly;
    buf_free(&frame);
    if (err != OK)
        log_event(LOG_ERROR, "redo_unreadable", log_str("error", err_name(err)), log_int("code", db->failed ? db->failure : 0));
    return err;
}

enum err recover(struct database *db)
{
    db_rollback(db);
    enum err err = state_reload(db);
    if (err == OK && db->redo.end > 0)
        err = replay(db);
    if (err == OK)
        return OK;
    db->state.loaded = false;
    db_rollback(db);
    return ERR_NOT_STORED;
}
