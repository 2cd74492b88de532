"""What a crash must not do: acknowledged and lost, doubled."""

COMMIT = """{
    return db_run(db, db->statements[SQL_BEGIN]);
}

enum err db_commit(struct database *db)
{
    return db_run(db, db->statements[SQL_COMMIT]);
}
"""
COMMIT_LATER = """{
    if (sqlite3_get_autocommit(db->handle) == 0)
        (void)db_run(db, db->statements[SQL_COMMIT]);
    return db_run(db, db->statements[SQL_BEGIN]);
}

enum err db_commit(struct database *db)
{
    return OK;
}
"""

ROWS = [
    {
        "name": "acknowledge-before-commit",
        "file": "src/store/sqlite/query.c",
        "old": COMMIT,
        "new": COMMIT_LATER,
        "test": "tests/program/test_torture.py::test_kill_at_random_moments",
        "tries": 3,
    },
    {
        "name": "resent-numbers-are-new",
        "file": "src/store/sqlite/messages.c",
        "old": "*maybe = *device == NULL || append->number <= (*device)->last_number;",
        "new": "*maybe = false;",
        "test": "tests/program/test_torture.py::test_kill_at_random_moments",
        "tries": 3,
    },
    {
        "name": "numbers-not-read-from-the-log",
        "file": "src/store/sqlite/state.c",
        "old": "db_bind(db, SQL_TAIL, (int64_t)state->numbers_through)",
        "new": "db_bind(db, SQL_TAIL, (int64_t)state->last_id)",
        "test": "store/test_crash",
    },
    {
        "name": "acknowledge-a-failed-commit",
        "file": "src/store/sqlite/group.c",
        "old": "return db_commit(db) == OK ? OK : ERR_NOT_STORED;",
        "new": "(void)db_commit(db);\n    return OK;",
        "test": "store/test_faults",
    },
    {
        "name": "synchronous-normal",
        "file": "src/store/sqlite/database.c",
        "old": "PRAGMA synchronous = FULL;",
        "new": "PRAGMA synchronous = NORMAL;",
        "test": "tests/program/test_power_cut.py::test_a_power_cut",
    },
    {
        "name": "certificate-not-synced",
        "file": "src/crypto/file.c",
        "old": "    return fsync(fd) == 0 ? OK : ERR_SYSTEM;\n}\n\nstatic enum err sync_folder_of",
        "new": "    return OK;\n}\n\nstatic enum err sync_folder_of",
        "test": "tests/program/test_power_cut.py::test_a_power_cut_after_the_first_start",
    },
]
