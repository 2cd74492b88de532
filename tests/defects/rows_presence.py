"""What presence and links must not do: lie, lose, double, ask twice, starve."""

ROWS = [
    {
        "name": "silence-for-a-minute",
        "file": "src/session/session.c",
        "old": "    .silence_ms = 43 * 1000,",
        "new": "    .silence_ms = 63 * 1000,",
        "test": "session/test_session",
    },
    {
        "name": "lost-connections-stay-seated",
        "file": "src/chat/participant.c",
        "old": "    shard_unseat(shard, participant->slot);\n    presence_rise(participant);\n    if (forget)",
        "new": "    shard_unseat(shard, participant->slot);\n    if (forget)\n        presence_rise(participant);\n    if (forget)",
        "test": "tests/program/test_presence_crowd.py::test_whoelse_is_the_set_of_live_sessions",
    },
    {
        "name": "some-are-not-listed",
        "file": "src/chat/directory.c",
        "old": "    for (size_t i = 0; i < DIRECTORY_STRIPES && err == OK; i++) {\n        pthread_mutex_lock(&directory->stripes[i].lock);\n"
               "        err = online_in(&directory->stripes[i], list);",
        "new": "    for (size_t i = 1; i < DIRECTORY_STRIPES && err == OK; i++) {\n        pthread_mutex_lock(&directory->stripes[i].lock);\n"
               "        err = online_in(&directory->stripes[i], list);",
        "test": "tests/program/test_presence_crowd.py::test_everybody_comes_back",
    },
    {
        "name": "history-without-bounds",
        "file": "src/chat/directory.c",
        "old": "(user->last_online > 0 && user->last_online >= since)",
        "new": "user->last_online > 0",
        "test": "tests/program/test_presence_crowd.py::test_nobody_is_online_after_a_kill",
    },
    {
        "name": "lost-announcements-stay-lost",
        "file": "src/chat/shard.c",
        "old": "    announcements_missed(shard);\n",
        "new": "",
        "test": "chat/test_presence",
    },
    {
        "name": "old-news-for-the-first",
        "file": "src/chat/shard.c",
        "old": "        announcements_begin(shard);\n",
        "new": "",
        "test": "chat/test_presence",
    },
    {
        "name": "lost-farewells-stay-lost",
        "file": "src/chat/shard.c",
        "old": "        if (presence_condemned(participant, &why) || ",
        "new": "        if (",
        "test": "chat/test_presence",
    },
    {
        "name": "presence-told-at-once-to-thousands",
        "file": "src/chat/announcement.c",
        "old": "uint32_t pause = shard->slot_count / TOLD_PER_MS;",
        "new": "uint32_t pause = 0;",
        "test": "chat/test_presence",
    },
    {
        "name": "all-handshakes-in-one-turn",
        "file": "src/net/handshakes.c",
        "old": "enum { HANDSHAKES_PER_TURN = 16 };",
        "new": "enum { HANDSHAKES_PER_TURN = 100000 };",
        "test": "net/test_listener",
    },
    {
        "name": "copies-left-out",
        "file": "src/chat/delivery.c",
        "old": "    return participant->pending && id > participant->catching->base;",
        "new": "    return false;",
        "test": "chat/test_delivery",
    },
    {
        "name": "copies-left-out-on-bad-links",
        "file": "src/chat/delivery.c",
        "old": "    return participant->pending && id > participant->catching->base;",
        "new": "    return false;",
        "test": "tests/program/test_links.py::test_bad_links",
        "tries": 3,
    },
    {
        "name": "resent-after-a-lost-answer-is-new",
        "file": "src/store/sqlite/messages.c",
        "old": "*maybe = *device == NULL || append->number <= (*device)->last_number;",
        "new": "*maybe = false;",
        "test": "tests/program/test_links.py::test_a_lost_answer_makes_no_second_message",
    },
    {
        "name": "resume-with-a-hash",
        "file": "src/client/login.c",
        "old": "    if (core->has_token && (core->was_online || core->password_len == 0))",
        "new": "    if (core->has_token && core->password_len == 0)",
        "test": "tests/program/test_links.py::test_a_resume_takes_one_round_trip",
    },
]
