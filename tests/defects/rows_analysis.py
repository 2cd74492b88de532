"""What the fuzzers' corpora, failing allocations and ThreadSanitizer must notice."""

ROWS = [
    {
        "name": "a-frame-longer-than-what-is-there",
        "file": "src/wire/frame.c",
        "old": "    if (in.len - prefix < len)\n        return ERR_AGAIN;\n",
        "new": "",
        "test": "fuzz_frame",
        "sanitizer": "address,undefined",
    },
    {
        "name": "a-label-longer-than-its-message",
        "file": "src/peer/dcep.c",
        "old": " || bytes.len != HEAD + label + protocol)",
        "new": ")",
        "test": "fuzz_peer_dcep",
        "sanitizer": "address,undefined",
    },
    {
        "name": "escapes-of-one-byte-pass",
        "file": "src/base/printable.c",
        "old": "(c >= 0x7f && c <= 0x9f)",
        "new": "c == 0x7f",
        "test": "fuzz_printable",
    },
    {
        "name": "a-request-without-an-answer",
        "file": "src/session/cmd_private.c",
        "old": "    if (err == OK)\n        reply_done(session, request->number);\n",
        "new": "",
        "test": "fuzz_conversation",
    },
    {
        "name": "a-proof-that-is-not-checked-for-its-size",
        "file": "src/client/envelope.c",
        "old": " || description->key.len != IDENTITY_KEY ||\n        description->signature.len != IDENTITY_SIGNATURE)",
        "new": ")",
        "test": "fuzz_private",
        "sanitizer": "address,undefined",
    },
    {
        "name": "an-allocation-of-the-server-is-not-checked",
        "file": "src/session/cmd_who.c",
        "old": "    if (listing == NULL)\n        return ERR_UNAVAILABLE;\n",
        "new": "",
        "test": "fault_session",
        "sanitizer": "address,undefined",
        "environment": (("FAULTS", "all"),),
    },
    {
        "name": "an-allocation-of-the-client-is-not-checked",
        "file": "src/client/outbox.c",
        "old": "    struct request *request = calloc(1, sizeof *request + body.len);\n    if (request == NULL)\n        return ERR_MEMORY;\n",
        "new": "    struct request *request = calloc(1, sizeof *request + body.len);\n",
        "test": "fault_client_input",
        "sanitizer": "address,undefined",
    },
    {
        "name": "an-inbox-without-its-lock",
        "file": "src/bus/local.c",
        "old": "    struct inbox *inbox = (struct inbox *)task;\n    pthread_mutex_lock(&inbox->lock);\n    struct vector filled = inbox->waiting;\n"
               "    inbox->waiting = inbox->reading;\n",
        "new": "    struct inbox *inbox = (struct inbox *)task;\n    struct vector filled = inbox->waiting;\n"
               "    inbox->waiting = inbox->reading;\n    pthread_mutex_lock(&inbox->lock);\n",
        "test": "bus/test_local",
        "sanitizer": "thread",
    },
]
