"""What a crash must not do: acknowledged and lost, doubled."""

ROWS = [
    {
        "name": "acknowledge-before-writing",
        "file": "src/store/sqlite/redo.c",
        "old": "int code = write_at(redo, buf_data(&redo->frame), len, redo->end);",
        "new": "int code = SQLITE_OK;",
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
        "test": "store/test_redo",
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
    {
        "name": "frames-without-a-hash",
        "file": "src/store/sqlite/redo.c",
        "old": "return get_u64(head + 16) == hash_of(redo, at, buf_slice(records)) ? OK : ERR_NOT_FOUND;",
        "new": "return OK;",
        "test": "store/test_redo",
    },
    {
        "name": "the-next-generation-is-the-same",
        "file": "src/store/sqlite/query.c",
        "old": "return generation & INT64_MAX;",
        "new": "return 1;",
        "test": "store/test_redo",
    },
    {
        "name": "log-on-after-a-failed-commit",
        "file": "src/store/sqlite/redo.c",
        "old": "redo->barred = redo->stray = true;",
        "new": "redo->stray = true;",
        "test": "store/test_redo",
    },
]
