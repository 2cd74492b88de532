"""A disk that is full, or fails: the sender is told, nothing is delivered that is not stored, service goes on, and it recovers."""
import os
import subprocess

import pytest

from harness import disk, surroundings
from harness.control import EARSHOTCTL, Control
from harness.server import password_of
from harness.traffic import Traffic
from harness.wire import code_name

ACCOUNTS = ("alice", "bob", "carol", "dave", "erin")


@pytest.fixture(params=["memory", "disk"])
def small(request, world):
    """A file system with room for little more than the server needs."""
    return disk.Memory(world, 96) if request.param == "memory" else disk.Disk(world, 128)


def until_refused(client, command, size=16000):
    """Sends until it is refused; how many were taken."""
    for count in range(3000):
        answer = client.ask(f"{command} {count} {'x' * size}")
        if answer["event"] == "error":
            assert answer["code"] == "not_stored" and answer["text"], answer
            return count
    raise AssertionError("a full disk takes everything")


def what_goes_on(world, alice, carol, token):
    """On a full disk: logins with a token, what is stored already, lists, broadcasts."""
    bob = world.peer()
    bob.resume(token)
    bob.expect("event_message", body="before")
    assert [name.decode() for name in bob.done("whoelse").users] == ["alice", "carol"]
    assert b"alice" in bob.done("whoelsesince", seconds=1000).users
    alice.expect("presence", user="bob", online=True)
    assert alice.ok("broadcast all of you")["delivered"] == 2
    carol.expect("broadcast", body="all of you")
    bob.expect("event_broadcast", body="all of you")
    bob.close()


def what_is_refused(world, alice, carol):
    """What needs a row of its own."""
    alice.refused(f"message carol {'y' * 16000}", "not_stored")
    assert "message" not in carol.refused("block alice", "not_stored")["text"], "it is not about one"
    carol.fence()
    carol.nothing("message")
    peer = world.peer()
    peer.hello()
    frame = peer.request("login", user="dave", password=password_of("dave"))
    assert frame.HasField("error") and code_name(frame.error.code) in ("not_stored", "unavailable"), frame
    peer.close()


def test_a_full_disk(world, small):
    server = world.server(accounts=ACCOUNTS, data=small.path / "data")
    bob = world.peer("bob")
    bob.close()
    alice, carol = world.client("alice"), world.client("carol")
    alice.ok("message bob before")
    ballast = disk.fill(small.path)
    kept = until_refused(alice, "message bob")
    until_refused(alice, "message erin", 10)
    what_is_refused(world, alice, carol)
    what_goes_on(world, alice, carol, bob.token)
    assert server.log.count("store_failing") == 1
    ballast.unlink()
    alice.ok("message carol again")
    assert carol.expect("message")["body"] == "again"
    server.wait_log("store_recovered")
    alice.ok("message bob after")
    carol.ok("block alice")
    world.peer("dave").close()
    server.kill9()
    server.start()
    bob = world.client("bob")
    got = [bob.expect("message")["body"].split()[0] for _ in range(kept + 2)]
    assert got == ["before", *map(str, range(kept)), "after"]
    bob.fence()
    bob.nothing("message")


def test_a_disk_that_fills_up_under_load(world, small, report):
    """And has room again, three times; what was taken arrives, once and in order, and nothing of what was refused."""
    world.server("--rate-limit", 0, accounts=ACCOUNTS, data=small.path / "data")
    traffic = Traffic(world, ("alice", "bob"), ("carol", "dave", "erin"), away=("erin",))
    for _ in range(3):
        traffic.run(100)
        ballast = disk.fill(small.path)
        before = traffic.refused.total()
        traffic.run_until(lambda: traffic.refused.total() > before + 50, "refusals", 3000)
        ballast.unlink()
        traffic.run(100)
    traffic.come()
    traffic.drain()
    found = traffic.found()
    report(f"{traffic.acknowledged} messages acknowledged, {dict(traffic.refused)} refused: {found}")
    assert not any(found.values()), found
    assert set(traffic.refused) == {"not_stored"}


def test_a_disk_that_fails(world, report):
    """Whose device answers with errors: it is an image that has no room to grow. Its file system may then be read-only, and its
    contents need not be what the kernel shows: so it is the machine's next start that counts."""
    memory = disk.Memory(world, 40)
    failing = disk.Disk(world, 200, folder=memory.path)
    server = world.server("--rate-limit", 0, accounts=ACCOUNTS, data=failing.path / "data")
    os.sync()  # what the accounts were copied from did not
    traffic = Traffic(world, ("alice", "bob"), ("carol", "erin"), away=("erin",))
    traffic.run(200)
    ballast = disk.fill(memory.path)
    traffic.run_until(lambda: traffic.refused.total() > 50, "refusals", 3000)
    alice = traffic.senders[0].client
    assert alice.users() == ["bob", "carol"]
    assert alice.ok("broadcast all of you")["delivered"] == 2
    server.wait_log("store_failing")
    server.process.pause()
    server.kill9()
    failing.close()
    ballast.unlink()
    failing.again()
    server.start()
    traffic.come()
    traffic.run(100)
    traffic.drain()
    found = traffic.found()
    report(f"{traffic.acknowledged} messages acknowledged, {dict(traffic.refused)} refused: {found}")
    assert not any(found.values()), found


def test_a_backup_without_room(world, small):
    """Neither where the copy is made nor where it is to go; nothing of it is left, and the server goes on."""
    server = world.server(data=small.path / "data")
    control = Control(server)
    alice = world.client("alice")
    for number in range(120):
        alice.ok(f"message bob {number} {'x' * 16000}")
    ballast = disk.fill(small.path)
    assert control.refused("backup", world.directory / "backup.db") == "not_stored"
    assert not list(server.data.glob("*.partial*")) and not list(world.directory.glob("backup*"))
    ballast.unlink()
    control.rows("backup", world.directory / "backup.db")
    elsewhere = disk.Memory(world, 1)
    assert control.run("backup", elsewhere.path / "backup.db").returncode not in (0, 1)
    assert list(elsewhere.path.iterdir()) == []
    assert alice.ok("message bob after")["id"]


def test_a_stop_while_a_backup_is_synced(world):
    """The copy is complete, and nobody is there any more to hand it over: it does not stay in the data directory."""
    note = world.directory / "syncing"
    preloaded = surroundings.BUILD / "tests" / "preload" / "slow_sync.so"
    server = world.server("--sandbox", "off",
                          env={"LD_PRELOAD": str(preloaded), "SLOW_SYNC": ".partial", "SLOW_SYNC_NOTE": str(note)})
    backup = world.program(EARSHOTCTL, "--data", server.data, "backup", world.directory / "backup.db", name="earshotctl")
    world.hub.wait(note.exists, "the copy to be synced")
    server.stop()
    assert backup.exit_code() == 3
    assert not list(server.data.glob("*.partial*")) and not (world.directory / "backup.db").exists()


def test_a_start_on_a_full_disk(world, small):
    disk.fill(small.path)
    done = subprocess.run([surroundings.EARSHOTD, "--listen", "127.0.0.1:0", "--data", small.path / "data"], capture_output=True,
                          text=True, env=surroundings.environment(), cwd=world.directory, timeout=60, check=False)
    assert done.returncode == 2 and str(small.path) in done.stderr
