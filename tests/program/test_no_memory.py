"""One allocation fails, somewhere between a program's first instruction and its last: its own, OpenSSL's, libuv's, SQLite's.

A program that cannot begin says so and exits; one that runs ends a connection or answers with an error, and goes on. None crashes,
and nothing that was acknowledged is lost. Without the sandbox, for libseccomp (2.5) then loops for ever. (Every allocation of sessions and stores alone: docs/TESTING.md, "Failing allocations".)
"""
import signal

import pytest

from harness import surroundings
from harness.control import Control

PRELOADED = surroundings.BUILD / "tests" / "preload" / "no_memory.so"
TRIES = 3  # only one allocation fails

SHORT, LONG = 40, 800


def without_memory(program, number, count):
    return {"LD_PRELOAD": str(PRELOADED), "NO_MEMORY_IN": program, "NO_MEMORY_AT": str(number), "NO_MEMORY_COUNT": str(count)}


def spread(total, samples):
    """So many of 1 to `total`."""
    return sorted({1 + total * sample // samples for sample in range(samples)})


def refused(process):
    """What could not begin says why."""
    code = process.exit_code()
    assert 0 < code < 64, f"exit code {code}:\n{process.stderr[-2000:]}"
    assert process.stderr.strip() or process.lines, "it said nothing"


# ---- the server ----


def logged_in(world, server, user, label):
    for attempt in range(TRIES):
        client = world.start_client(user, label=f"{label}-{attempt}", server=server)
        world.hub.wait(lambda client=client: client.ended or client.waiting("online"), f"{user} to be in, or not")
        if not client.ended:
            return client
        refused(client)
    raise AssertionError(f"{user} does not get in")


def answered(client, line):
    for _ in range(TRIES):
        answer = client.ask(line)
        if answer["event"] != "error":
            return answer
    raise AssertionError(f"{line}: {answer}")


def converse(world, number, data):
    """One life of a server. True if it began."""
    environment = without_memory("earshotd", number, data / "count")
    server = world.new_server("--sandbox", "off", accounts=("alice", "bob"), env=environment, data=data)
    server.launch()
    world.hub.wait(lambda server=server: server.process.ended or server.process.lines, "the server to be ready, or not")
    if not server.process.lines:
        refused(server.process)
        return False
    server.ready()
    alice, bob = (logged_in(world, server, user, f"{user}-{number}") for user in ("alice", "bob"))
    answered(alice, f"message bob {number}")
    bob.expect("message", sender="alice", body=str(number))
    answered(bob, "whoelse")
    answered(bob, "message alice and back")
    alice.expect("message", sender="bob", body="and back")
    assert 0 in [Control(server).run("status").returncode for _ in range(TRIES)]
    for client in (alice, bob):
        assert not client.waiting("message"), "it came twice"
        client.end_input()
        assert client.exit_code() == 0
    server.stop()
    return True


@pytest.mark.parametrize("samples", [SHORT, pytest.param(LONG, marks=pytest.mark.slow)])
def test_a_server_without_memory(world, report, tmp_path, samples):
    assert converse(world, 0, tmp_path / "0")
    total = int((tmp_path / "0" / "count").read_text())
    assert total > 1000
    began = sum(converse(world, number, tmp_path / str(number)) for number in spread(total, samples))
    report(f"a server of {total} allocations, {samples} of which failed: {began} served nevertheless, {samples - began} did not begin")
    assert 0 < began < samples


# ---- the client ----


def talk(world, server, number, count):
    """One life of a client. True if it got in."""
    label = f"client-{number}"
    own_only = {"SSL_CERT_FILE": "/dev/null", "SSL_CERT_DIR": "/dev/null"}  # else reading the system's certificates is nearly all
    environment = surroundings.environment(**own_only, **without_memory("earshot", number, count))
    client = world.start_client("alice", label=label, server=server, env=environment)
    world.hub.wait(lambda: client.ended or client.waiting("online"), "the client to be in, or not")
    got_in = bool(client.waiting("online"))
    if got_in and not client.ended:
        client.send(f"message bob {number}")
        client.send("whoelse")
        client.end_input()
    code = client.exit_code()
    if code in (-signal.SIGTRAP, -signal.SIGABRT) and "GLib" in client.stderr:
        return False  # so libnice's library ends every program
    assert 0 <= code < 64, f"exit code {code}:\n{client.stderr[-2000:]}"
    assert code == 0 or client.stderr.strip() or client.seen, "it said nothing"
    return code == 0


@pytest.mark.parametrize("samples", [SHORT, pytest.param(LONG, marks=pytest.mark.slow)])
def test_a_client_without_memory(world, report, tmp_path, samples):
    server = world.server("--rate-limit", 0, accounts=("alice", "bob"))
    count = tmp_path / "count"
    assert talk(world, server, 0, count)
    total = int(count.read_text())
    assert total > 1000
    fine = sum(talk(world, server, number, count) for number in spread(total, samples))
    report(f"a client of {total} allocations, {samples} of which failed: {fine} did all the same")
    assert fine > 0
    world.peer("bob", server=server).fence()
