"""How much memory a process has, and how much it had at most. In bytes."""
import contextlib
import pathlib
import re


def field(pid, name):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"{name}:\s+(\d+) kB", status).group(1)) * 1024


def resident(process):
    return field(process.popen.pid, "VmRSS")


def peak(process):
    return field(process.popen.pid, "VmHWM")


def forget_peak(process):
    """From now on peak() is of what comes; of what was before, too, where only root may ask a process that hides its memory."""
    with contextlib.suppress(PermissionError):
        pathlib.Path(f"/proc/{process.popen.pid}/clear_refs").write_text("5")


def core_limits(pid):
    """Of what may be dumped: the limit, and how far it may be raised."""
    limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
    return next(line for line in limits.splitlines() if line.startswith("Max core")).split()[4:6]


def megabytes(count):
    return f"{count / (1 << 20):.1f} MiB"
