"""Caps on what a hostile peer can have the server do or keep: each taken away."""

ROWS = [
    {
        "name": "half-a-frame-for-ever",
        "file": "src/session/patience.c",
        "old": "if (session->frame_ms > 0 && now >= session->frame_ms + FRAME_MS)",
        "new": "if (false)",
        "test": "session/test_patience",
    },
    {
        "name": "who-pings-need-not-read",
        "file": "src/session/patience.c",
        "old": "return session->goal_ms == 0 || now < session->goal_ms + READ_MS;",
        "new": "return true;",
        "test": "session/test_patience",
    },
    {
        "name": "light-requests-without-end",
        "file": "src/session/gate.c",
        "old": "    session->resting = true;\n",
        "new": "",
        "test": "session/test_patience",
    },
    {
        "name": "logout-answers-nothing",
        "file": "src/session/session.c",
        "old": "session->leaving && session->state != STATE_ENDING && !has_unanswered(session)",
        "new": "session->leaving && session->state != STATE_ENDING",
        "test": "session/test_patience",
    },
    {
        "name": "large-hellos-make-room",
        "file": "src/net/tls_filter.c",
        "old": "filter->server && !tls_gauge_feed(&filter->gauge, filter->input)",
        "new": "false",
        "test": "net/test_tls_floods",
    },
    {
        "name": "every-key-exchange",
        "file": "src/net/tls_context.c",
        "old": '#define GROUPS "X25519:P-256"',
        "new": '#define GROUPS "X25519:P-256:ffdhe8192"',
        "test": "net/test_tls_floods",
    },
    {
        "name": "key-updates-without-end",
        "file": "src/net/tls_filter.c",
        "old": "    if (filter->key_updates > KEY_UPDATES_MAX)\n        return -1;\n",
        "new": "",
        "test": "net/test_tls_floods",
    },
]
