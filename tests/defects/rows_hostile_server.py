"""What a hostile server must not get out of a client: its memory, its time, an answer that is none."""

CAPS = "tests/program/test_hostile_caps.py::"

ROWS = [
    {
        "name": "a-server-with-a-ca-is-new-without",
        "file": "src/client/trust.c",
        "old": "        remember(trust, fingerprint, true);\n",
        "new": "        (void)remember;\n",
        "test": "client/test_state",
    },
    {
        "name": "addresses-told-though-hidden",
        "file": "src/client/link.c",
        "old": "    link->tunnels.relay_only = options->hide_address;\n",
        "new": "",
        "test": "tests/program/test_private.py::test_who_hides_has_no_channel_without_a_relay",
    },
    {
        "name": "a-client-waits-for-the-end-of-a-frame",
        "file": "src/client/core.c",
        "old": "        core_start_timer(core, &core->deadline, CORE_FRAME_MS);\n",
        "new": "        (void)core->deadline;\n",
        "test": "client/test_hostile",
    },
    {
        "name": "a-logout-waits-for-ever",
        "file": "src/client/core.c",
        "old": "    if (core->outbox.count > 0)\n        core_start_timer(core, &core->giving_up,",
        "new": "    if (core->outbox.count > 1000)\n        core_start_timer(core, &core->giving_up,",
        "test": "client/test_hostile",
    },
    {
        "name": "requests-under-way-without-end",
        "file": "src/client/core_private.h",
        "old": "    CORE_IN_FLIGHT = 512, ",
        "new": "    CORE_IN_FLIGHT = 51200, ",
        "test": CAPS + "test_lines_that_are_never_acknowledged",
    },
    {
        "name": "lines-without-end",
        "file": "src/cli/dialog.c",
        "old": "dialog->held_n == 0 &&\n           dialog->passwords_n == 0 && map_count(&dialog->asked) < DIALOG_UNANSWERED_MAX;",
        "new": "true;",
        "test": CAPS + "test_lines_that_are_never_acknowledged",
    },
    {
        "name": "names-without-end",
        "file": "src/client/outbox.c",
        "old": "    if (outbox->users_bytes + len > OUTBOX_BYTES)\n",
        "new": "    if (outbox->users_bytes + len > 64 * (size_t)OUTBOX_BYTES)\n",
        "test": CAPS + "test_a_list_without_end",
    },
    {
        "name": "events-are-hoarded-for-a-reader",
        "file": "src/cli/output.c",
        "old": "        if (!may_write(output))\n",
        "new": "        if (poll(&(struct pollfd){.fd = output->fd, .events = POLLOUT}, 1, 0) == 0)\n            return;\n"
               "        if (!may_write(output))\n",
        "test": CAPS + "test_messages_to_a_reader_who_does_not_read",
    },
    {
        "name": "a-reader-holds-signals-up",
        "file": "src/cli/output.c",
        "old": "        if (told_to_end())\n            return false;\n",
        "new": "        (void)told_to_end();\n",
        "test": CAPS + "test_a_signal_ends_it_though_nobody_reads[15]",
    },
    {
        "name": "conversations-without-end",
        "file": "src/client/positions.c",
        "old": "    if (map_count(&positions->map) >= POSITIONS_MOST)\n        return ERR_MEMORY;\n",
        "new": "",
        "test": "client/test_positions",
    },
    {
        "name": "positions-go-back",
        "file": "src/client/positions.c",
        "old": "    if (id <= position->id)\n        return ERR_EXISTS;\n",
        "new": "    if (id == position->id)\n        return ERR_EXISTS;\n",
        "test": CAPS + "test_positions_do_not_go_back",
    },
    {
        "name": "texts-without-their-end",
        "file": "src/client/incoming.c",
        "old": "    copy[body.len] = '\\0';\n",
        "new": "",
        "test": "client/test_mutations",
    },
]
