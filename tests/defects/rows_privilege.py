"""What a server that keeps rights would be noticed by."""

ROWS = [
    {
        "name": "only-the-first-thread-is-filtered",
        "file": "src/sandbox/seccomp.c",
        "old": "seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) == 0",
        "new": "seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 0) == 0",
        "test": "sandbox/test_sandbox",
    },
    {
        "name": "a-key-that-others-read",
        "file": "src/net/tls_context.c",
        "old": "    return check_secret(key_path, why);",
        "new": "    (void)check_secret;\n    return OK;",
        "test": "tests/program/test_sandbox.py::test_a_key_that_others_can_read_is_refused",
    },
]
