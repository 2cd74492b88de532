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
    {
        "name": "threads-started-before-rights-are-given-up",
        "file": "src/server/start.c",
        "old": "    return confine(&server->config, why);",
        "new": "    enum err err = workers_new(1, 1, &server->workers);\n    return err == OK ? confine(&server->config, why) : err;",
        "test": "tests/program/test_sandbox.py::test_no_thread_keeps_a_right",
    },
    {
        "name": "settings-can-be-written",
        "file": "src/sandbox/landlock.c",
        "old": "[SANDBOX_READ] = READ_FILE,",
        "new": "[SANDBOX_READ] = READ_FILE | WRITE_FILE | TRUNCATE,",
        "test": "sandbox/test_sandbox",
    },
    {
        "name": "every-file-can-be-read",
        "file": "src/server/confine.c",
        "old": "add_folder_of(places, file, SANDBOX_READ);",
        "new": "add(places, \"/\", SANDBOX_READ);",
        "test": "tests/program/test_sandbox.py::test_a_file_elsewhere_needs_a_restart",
    },
    {
        "name": "links-are-not-followed-to-their-directory",
        "file": "src/server/confine.c",
        "old": "if (realpath(file, real) != NULL)",
        "new": "if (false)",
        "test": "tests/program/test_sandbox.py::test_a_certificate_is_renewed_by_renaming",
    },
    {
        "name": "memory-may-become-executable",
        "file": "src/sandbox/syscalls.c",
        "old": "IF_BITS(2, PROT_EXEC, 0)",
        "new": "IF_BITS(2, 0, 0)",
        "test": "sandbox/test_sandbox",
    },
    {
        "name": "a-process-may-be-made",
        "file": "src/sandbox/syscalls.c",
        "old": "IF_BITS(0, CLONE_THREAD, CLONE_THREAD)",
        "new": "IF_BITS(0, 0, 0)",
        "test": "sandbox/test_sandbox",
    },
    {
        "name": "the-groups-of-root-stay",
        "file": "src/sandbox/user.c",
        "old": "initgroups(user->name, user->gid) != 0 || ",
        "new": "",
        "test": "sandbox/test_sandbox",
    },
    {
        "name": "connections-made-by-sending",
        "file": "src/sandbox/syscalls.c",
        "old": "IF_BITS(3, MSG_FASTOPEN, 0), {CALL(sendto), END}",
        "new": "ALWAYS, {CALL(sendto), END}",
        "test": "sandbox/test_sandbox",
    },
]
