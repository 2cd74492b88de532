/* statements.c - see statements.h. */
#include "statements.h"

/* Refused rows end the group, so those before them need not be undone alone: without OR FAIL SQLite keeps a journal for that,
 * which costs more than the rows. */
#define APPEND(conflict) "INSERT " conflict "INTO message(id, conversation, sender, device, number, time, body) VALUES"
#define ROW              "(?, ?, ?, ?, ?, ?, ?)"
#define FOUR_ROWS        ROW ", " ROW ", " ROW ", " ROW

const char *const statements[SQL_COUNT] = {
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_ROLLBACK] = "ROLLBACK",
    [SQL_META] = "SELECT value FROM meta WHERE key = ?1",
    [SQL_META_SET] = "INSERT INTO meta(key, value) VALUES(?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value",
    [SQL_LAST_ID] = "SELECT max(id) FROM message",
    /* CROSS JOIN keeps the order: the end of the log first. */
    [SQL_TAIL] = "SELECT m.device, max(m.number), max(m.time), d.last_number, d.used FROM message m CROSS JOIN device d"
                 " ON d.id = m.device WHERE m.id > ?1 GROUP BY m.device",

    [SQL_ACCOUNT_FIND] = "SELECT id, password, disabled FROM account WHERE name = ?1",
    [SQL_ACCOUNT_CREATE] = "INSERT INTO account(created, name, password) VALUES(?1, ?2, ?3)",
    [SQL_ACCOUNT_PASSWORD] = "UPDATE account SET password = ?2 WHERE id = ?1",
    [SQL_ACCOUNT_REHASH] = "UPDATE account SET password = ?2 WHERE id = ?1 AND password = ?3",
    [SQL_ACCOUNT_HAS] = "SELECT count(*) FROM account WHERE id = ?1 AND password = ?2",
    [SQL_ACCOUNT_DISABLE] = "UPDATE account SET disabled = ?2 WHERE id = ?1",
    [SQL_DEVICE_CREATE] = "INSERT INTO device(account, created, used, token) VALUES(?1, ?2, ?2, ?3)",
    [SQL_DEVICE_SURPLUS] = "SELECT id FROM device WHERE account = ?1 AND id <> ?2 ORDER BY used DESC, id DESC LIMIT ?3 OFFSET ?4",
    [SQL_DEVICE_BY_TOKEN] = "SELECT d.id, d.account, a.disabled FROM device d JOIN account a ON a.id = d.account"
                            " WHERE d.token = ?1",
    [SQL_DEVICE_BY_ID] = "SELECT last_number, used FROM device WHERE id = ?1",
    [SQL_DEVICE_UPDATE] = "UPDATE device SET last_number = max(last_number, ?2), used = max(used, ?3) WHERE id = ?1",
    [SQL_DEVICE_DELETE] = "DELETE FROM device WHERE id = ?1",
    [SQL_DEVICE_OF] = "SELECT id FROM device WHERE account = ?1 AND id <> ?2 LIMIT 1",
    [SQL_BLOCK] = "INSERT INTO block(account, other, time) VALUES(?1, ?2, ?3)",
    [SQL_UNBLOCK] = "DELETE FROM block WHERE account = ?1 AND other = ?2",

    [SQL_CONVERSATION_FIND] = "SELECT id FROM conversation WHERE low = ?1 AND high = ?2",
    [SQL_CONVERSATION_CREATE] = "INSERT INTO conversation(low, high, id) VALUES(?1, ?2, nullif(?3, 0))",
    [SQL_MEMBER_CREATE] = "INSERT INTO member(account, conversation) VALUES(?1, ?3), (?2, ?3)",
    [SQL_NEWEST_FROM] = "SELECT max(id) FROM message WHERE conversation = ?1 AND sender = ?2",
    [SQL_APPEND] = APPEND("") ROW,
    [SQL_APPEND_SOME] = APPEND("OR FAIL ") FOUR_ROWS,
    [SQL_APPEND_MOST] = APPEND("OR FAIL ") FOUR_ROWS ", " FOUR_ROWS ", " FOUR_ROWS ", " FOUR_ROWS,
    /* The inner limit bounds what a resent number that was never stored can cost. */
    [SQL_SENT_BEFORE] = "SELECT id FROM (SELECT id, device, number FROM message WHERE conversation = ?1 AND sender = ?2"
                        " ORDER BY id DESC LIMIT 16384) WHERE device = ?3 AND number = ?4 LIMIT 1",
    [SQL_MESSAGE] = "SELECT time, device, body FROM message WHERE id = ?1",
    [SQL_WAITING] = "SELECT sum((SELECT count(*) FROM message x WHERE x.conversation = m.conversation AND x.id > m.received"
                    " AND x.sender = CASE m.account WHEN c.low THEN c.high ELSE c.low END))"
                    " FROM member m JOIN conversation c ON c.id = m.conversation WHERE m.account = ?1",
    [SQL_MEMBERSHIP] = "SELECT m.received, CASE m.account WHEN c.low THEN c.high ELSE c.low END"
                       " FROM member m JOIN conversation c ON c.id = m.conversation WHERE m.account = ?1 AND m.conversation = ?2",
    [SQL_MEMBERSHIPS] = "SELECT m.conversation, CASE m.account WHEN c.low THEN c.high ELSE c.low END, m.received"
                        " FROM member m JOIN conversation c ON c.id = m.conversation WHERE m.account = ?1",
    [SQL_ADVANCE] = "UPDATE member SET received = ?3 WHERE account = ?1 AND conversation = ?2",
    [SQL_COUNT_RANGE] = "SELECT count(*) FROM message WHERE conversation = ?1 AND sender = ?2 AND id > ?3 AND id <= ?4",
    [SQL_RANGE] = "SELECT id, device FROM message WHERE conversation = ?1 AND sender = ?2 AND id > ?3 ORDER BY id",

    [SQL_LOGIN_OPEN] = "INSERT INTO login(id, account, began) VALUES(nullif(?3, 0), ?1, ?2)",
    [SQL_LOGIN_SUPERSEDE] = "DELETE FROM login WHERE account = ?1 AND ended IS NOT NULL",
    [SQL_LOGIN_CLOSE] = "UPDATE login SET ended = max(began, ?2) WHERE id = ?1 AND ended IS NULL",
    [SQL_LOGINS_CLOSE_ALL] = "UPDATE login SET ended = max(began, ?1) WHERE ended IS NULL",
    [SQL_FAILURES_SET] = "INSERT INTO failure(count, blocked_until, time, name) VALUES(?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE"
                         " SET count = excluded.count, blocked_until = excluded.blocked_until, time = excluded.time",
    [SQL_FAILURES_CLEAR] = "DELETE FROM failure WHERE name = ?1",

    [SQL_TIDY_SCAN] = "SELECT m.id, m.time < ?2, m.id <= r.received FROM message m JOIN conversation c ON c.id = m.conversation"
                      " JOIN member r ON r.account = CASE m.sender WHEN c.low THEN c.high ELSE c.low END"
                      " AND r.conversation = c.id WHERE m.id > ?1 ORDER BY m.id LIMIT ?3",
    [SQL_TIDY_MESSAGE] = "DELETE FROM message WHERE id = ?1",
    [SQL_TIDY_LOGINS] = "DELETE FROM login WHERE id IN (SELECT id FROM login WHERE ended < ?1 LIMIT ?2)",
    [SQL_TIDY_DEVICES] = "DELETE FROM device WHERE id IN (SELECT id FROM device WHERE used < ?1 LIMIT ?2)",
    [SQL_TIDY_FAILURES] = "DELETE FROM failure WHERE name IN"
                          " (SELECT name FROM failure WHERE time < ?1 AND blocked_until < ?1 LIMIT ?2)",
    /* More than a quarter of the file is free. */
    [SQL_FREE_PAGES] = "SELECT f.freelist_count > 256 AND f.freelist_count * 4 > p.page_count"
                       " FROM pragma_freelist_count f, pragma_page_count p",

    [SQL_LOAD_ACCOUNTS] = "SELECT a.id, a.name, a.disabled, (SELECT max(ended) FROM login WHERE account = a.id)"
                          " FROM account a ORDER BY a.id",
    [SQL_LOAD_BLOCKS] = "SELECT account, other FROM block",
    [SQL_LOAD_FAILURES] = "SELECT name, count, blocked_until FROM failure ORDER BY blocked_until, count",
};
