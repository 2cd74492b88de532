"""Where the programs are and how patient the tests may be.

EARSHOT_BUILD  build directory (default: ./build of this checkout)
EARSHOT_SLOW   factor on every deadline, for sanitizers, valgrind and busy machines (default 1)
"""
import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILD = (ROOT / os.environ.get("EARSHOT_BUILD", "build")).resolve()
EARSHOTD = BUILD / "earshotd"
EARSHOT = BUILD / "earshot"
SLOW = float(os.environ.get("EARSHOT_SLOW", "1"))
PATIENCE = 10.0 * SLOW


def environment(**changes):
    """The environment for a child: nothing of the tester's own settings leaks in."""
    keep = ("PATH", "LANG", "LC_ALL", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "LD_LIBRARY_PATH",
            "LLVM_PROFILE_FILE")
    env = {name: os.environ[name] for name in keep if name in os.environ}
    env.setdefault("LANG", "C.UTF-8")
    env.setdefault("UBSAN_OPTIONS", "print_stacktrace=1:halt_on_error=1")
    env.update({name: str(value) for name, value in changes.items()})
    return env


def sanitizer_report(text):
    """The first line of a sanitizer's report in a program's standard error, or None."""
    marks = ("AddressSanitizer", "LeakSanitizer", "ThreadSanitizer", "runtime error:", "stack smashing", "Assertion `")
    for line in text.splitlines():
        if any(mark in line for mark in marks):
            return line
    return None


def sanitized():
    """Whether the programs were built with AddressSanitizer, which keeps freed memory for a while."""
    return b"__asan_init" in EARSHOTD.read_bytes()
