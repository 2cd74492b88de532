/* statements.h - every statement that runs more than once; prepared when the database is opened. */
#ifndef STORE_SQLITE_STATEMENTS_H
#define STORE_SQLITE_STATEMENTS_H

enum statement {
    SQL_BEGIN,
    SQL_COMMIT,
    SQL_ROLLBACK,
    SQL_META,
    SQL_META_SET,
    SQL_LAST_ID,
    SQL_TAIL,
    SQL_ACCOUNT_FIND,
    SQL_ACCOUNT_CREATE,
    SQL_ACCOUNT_PASSWORD,
    SQL_ACCOUNT_REHASH,
    SQL_ACCOUNT_HAS,
    SQL_ACCOUNT_DISABLE,
    SQL_DEVICE_CREATE,
    SQL_DEVICE_SURPLUS,
    SQL_DEVICE_BY_TOKEN,
    SQL_DEVICE_BY_ID,
    SQL_DEVICE_UPDATE,
    SQL_DEVICE_DELETE,
    SQL_DEVICE_OF,
    SQL_BLOCK,
    SQL_UNBLOCK,
    SQL_CONVERSATION_FIND,
    SQL_CONVERSATION_CREATE,
    SQL_MEMBER_CREATE,
    SQL_NEWEST_FROM,
    SQL_APPEND,
    SQL_APPEND_SOME, /* of several rows: see rows.h */
    SQL_APPEND_MOST,
    SQL_SENT_BEFORE,
    SQL_MESSAGE,
    SQL_WAITING,
    SQL_MEMBERSHIP,
    SQL_MEMBERSHIPS,
    SQL_ADVANCE,
    SQL_COUNT_RANGE,
    SQL_RANGE,
    SQL_LOGIN_OPEN,
    SQL_LOGIN_SUPERSEDE,
    SQL_LOGIN_CLOSE,
    SQL_LOGINS_CLOSE_ALL,
    SQL_FAILURES_SET,
    SQL_FAILURES_CLEAR,
    SQL_TIDY_SCAN,
    SQL_TIDY_MESSAGE,
    SQL_TIDY_LOGINS,
    SQL_TIDY_DEVICES,
    SQL_TIDY_FAILURES,
    SQL_FREE_PAGES,
    SQL_LOAD_ACCOUNTS,
    SQL_LOAD_BLOCKS,
    SQL_LOAD_FAILURES,
    SQL_COUNT
};

extern const char *const statements[SQL_COUNT];

/* Keys of the table meta. */
enum meta {
    META_LAST_ID = 1,         /* highest message id ever, so that none is used twice after the newest rows are gone */
    META_NUMBERS_THROUGH = 2, /* devices' highest numbers are complete up to this message */
    META_ALIVE = 3,           /* when the server last said that it lives */
    META_REDO = 4,            /* generation of the frames in the redo log that this database lacks */
};

#endif
