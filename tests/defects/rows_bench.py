"""What the load generator has to notice about a server."""

ROWS = [
    {
        "name": "relay-forgets-one-in-a-thousand",
        "file": "bench/limit.c",
        "old": "    if (relay.logs)\n        limit_log_append(",
        "new": "    if (relay.logs && relay.last % 1000 != 0)\n        limit_log_append(",
        "test": "tests/program/test_bench.py::test_what_waited_comes_once_and_in_order",
    },
    {
        "name": "relay-reads-the-same-twice",
        "file": "bench/limit_log.c",
        "old": "    log->waiting--;\n    bool ok",
        "new": "    if (--log->waiting % 100 == 0)\n        at = log->records[0];\n    bool ok",
        "test": "tests/program/test_bench.py::test_what_waited_comes_once_and_in_order",
    },
]
