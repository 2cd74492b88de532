"""What strangers must not get out of logins, and what logins must not cost."""

ROWS = [
    {
        "name": "unknown-names-are-not-hashed",
        "file": "src/chat/login.c",
        "old": "    if (err == OK || err == ERR_UNKNOWN_USER)\n        err = hash_off_loop(attempt, verify_work, verified);\n",
        "new": "    if (err == ERR_UNKNOWN_USER) {\n        attempt->verdict = ERR_WRONG_PASSWORD;\n        judge(attempt, GUARD_WRONG);\n"
               "        return;\n    }\n    if (err == OK)\n        err = hash_off_loop(attempt, verify_work, verified);\n",
        "test": "tests/program/test_strangers.py::test_they_are_the_same_work",
    },
    {
        "name": "unknown-names-are-not-stored",
        "file": "src/chat/guard.c",
        "old": "    if (record.changed)\n        keep(guard, failures, &record, now);\n",
        "new": "    record.changed &= guarded->known;\n    if (record.changed)\n        keep(guard, failures, &record, now);\n",
        "test": "chat/test_login",
    },
    {
        "name": "unknown-names-are-told",
        "file": "src/chat/login.c",
        "old": "    if (login->user == NULL && shard_settings(shard)->registration_open) {",
        "new": "    if (login->user == NULL) {",
        "test": "tests/program/test_strangers.py::test_refusals_are_the_same_to_the_byte[until it is cut off]",
    },
    {
        "name": "disabled-accounts-count-less-against-an-address",
        "file": "src/chat/login.c",
        "old": "    if (counts_against_address(err))\n",
        "new": "    if (counts_against_address(err) && (login->user == NULL || !login->user->disabled))\n",
        "test": "tests/program/test_strangers.py::test_they_count_alike_against_an_address",
    },
    {
        "name": "attempts-do-not-stand-in-line",
        "file": "src/chat/guard.c",
        "old": "    if (guarded->busy && !its_turn)\n        return wait_in_line(guarded, attempt, retry_after);\n",
        "new": "    (void)its_turn;\n    (void)wait_in_line;\n",
        "test": "tests/program/test_strangers.py::test_many_connections_from_everywhere",
    },
    {
        "name": "failures-are-not-stored",
        "file": "src/chat/guard.c",
        "old": "    if (record.changed)\n        keep(guard, failures, &record, now);\n",
        "new": "    record.changed = false;\n    if (record.changed)\n        keep(guard, failures, &record, now);\n",
        "test": "tests/program/test_strangers.py::test_nothing_in_between_helps",
    },
    {
        "name": "blocks-by-the-wall-clock",
        "file": "src/chat/login.c",
        "old": "    return world_mono_ms(attempt->shard->world);\n",
        "new": "    return world_wall_ms(attempt->shard->world);\n",
        "test": "chat/test_login",
    },
    {
        "name": "restored-blocks-without-end",
        "file": "src/chat/chat.c",
        "old": "(left < longest ? left : longest)",
        "new": "(left < longest ? left : left)",
        "test": "chat/test_login",
    },
    {
        "name": "a-block-bars-tokens",
        "file": "src/chat/login.c",
        "old": "    else if (login->user == NULL || find->disabled || login->user->disabled)\n        finish(attempt, ERR_BAD_TOKEN);\n",
        "new": "    else if (login->user == NULL || find->disabled || login->user->disabled ||\n"
               "             guard_begin(attempt->shard->chat->guard, user_name(login->user), true, &attempt->turn, now_of(attempt),\n"
               "                         &login->retry_after) != OK)\n        finish(attempt, ERR_BAD_TOKEN);\n",
        "test": "chat/test_login",
    },
    {
        "name": "hashes-without-bound",
        "file": "src/server/start.c",
        "old": "workers_new((unsigned)config->hash_threads,",
        "new": "workers_new(8 * (unsigned)config->hash_threads,",
        "test": "tests/program/test_login_storm.py::test_many_logins_at_once",
    },
    {
        "name": "a-queue-of-logins-without-end",
        "file": "src/net/workers.c",
        "old": "workers->queued >= workers->most",
        "new": "workers->queued >= workers->most + 100000",
        "test": "tests/program/test_login_storm.py::test_many_logins_at_once",
    },
    {
        "name": "waiting-as-told-is-a-failed-login",
        "file": "src/session/cmd_login.c",
        "old": "    if (!ours && ++session->failed_logins",
        "new": "    if ((ours || !ours) && ++session->failed_logins",
        "test": "session/test_session",
    },
    {
        "name": "all-come-back-at-once",
        "file": "src/chat/surplus.c",
        "old": "+ HASH_MS;",
        "new": "+ 0 * HASH_MS;",
        "test": "chat/test_login",
    },
    {
        "name": "blocks-are-forgotten-with-the-rest",
        "file": "src/chat/guard.c",
        "old": "    } else if (!guarded->known || guarded->blocked_until == 0) {\n",
        "new": "    } else {\n",
        "test": "chat/test_guard",
    },
    {
        "name": "a-record-that-failed-is-lost",
        "file": "src/chat/housekeeping.c",
        "old": "    if (op->err == OK && !((struct failures_op *)shard->failures)->under_way)\n",
        "new": "    if (op->err != OK && !((struct failures_op *)shard->failures)->under_way)\n",
        "test": "chat/test_login",
    },
    {
        "name": "an-old-password-comes-back",
        "file": "src/chat/login.c",
        "old": ".replaces = attempt->hash}",
        "new": ".replaces = NULL}",
        "test": "chat/test_login",
    },
]
