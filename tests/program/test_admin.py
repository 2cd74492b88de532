"""What an administrator does to a running server with earshotctl, and how a database is backed up and brought back."""
import collections
import os
import random
import re
import shutil
import signal
import socket
import sqlite3
import stat
import struct
import subprocess
import threading
import time

import pytest

from harness import surroundings
from harness.attempts import attempt, attempt_token, revoked
from harness.control import Control
from harness.memory import core_limits
from harness.server import password_of
from harness.wire import Closed, Peer

NEW = "another-password"


# ---- looking ----


def test_status(world):
    control = Control(world.server())
    alice, bob = world.peer("alice"), world.peer("bob")
    world.peer("bob")
    message = alice.done("message", to="bob", body="hi")
    assert message.id
    bob.expect("event_message")
    status = control.status()
    assert status["accounts"] == 3 and status["users_online"] == 2 and status["sessions"] == 3
    assert status["connections"] == 3 and status["messages_accepted"] == 1
    assert 1 <= status["messages_delivered"] <= 3 and status["uptime"] >= 0
    assert status["passwords_hashed"] == 3
    shown = control.run("status").stdout
    assert "messages accepted    1\n" in shown and "version" in shown


@pytest.mark.parametrize("placement, used", (("fill", 1), ("spread", 3)))
def test_placement(world, placement, used):
    """Connections fill a loop before the next is used, unless they are to be spread. People on different loops hear of each other."""
    control = Control(world.server("--threads", 3, "--placement", placement))
    peers = [world.peer(name) for name in ("alice", "bob", "carol")]
    status = control.status()
    assert (status["threads"], status["threads_used"]) == (3, used)
    peers[0].done("message", to="carol", body="hi")
    peers[2].expect("event_message", body="hi")
    assert peers[1].done("broadcast", body="all").delivered == 2
    for peer in (peers[0], peers[2]):
        peer.expect("event_broadcast", body="all")
    for peer in peers:
        peer.close()
    world.hub.wait(lambda: control.status()["threads_used"] == 0, "nobody to be left")


def test_refused_connections_are_counted(world):
    server = world.server("--max-connections", 1)
    world.peer("alice")
    with pytest.raises((OSError, AssertionError)):
        world.peer("bob")
    assert Control(server).status()["connections_refused"] >= 1


def test_sessions(world):
    server = world.server("--threads", 4)
    control = Control(server)
    assert control.rows("sessions") == []
    for user in ("alice", "bob", "bob"):
        world.peer(user)
    rows = control.rows("sessions")
    assert sorted(row["user"] for row in rows) == ["alice", "bob", "bob"]
    assert len({row["device"] for row in rows}) == 3
    assert all(row["address"] == "127.0.0.1" and row["since"].endswith("Z") and row["idle"] >= 0 for row in rows)
    assert {row["user"] for row in control.rows("sessions", "Alice")} == {"alice"}
    assert control.rows("sessions", "nobody") == []
    table = control.run("sessions", "alice").stdout.splitlines()
    assert table[0].split() == ["USER", "DEVICE", "ADDRESS", "SINCE", "IDLE"] and table[1].startswith("alice ")


# ---- accounts ----


def test_add(world):
    control = Control(world.server("--registration", "closed"))
    control.rows("add", "Dave", password=NEW)
    assert attempt(world, "dave", NEW) == "ok"
    assert control.refused("add", "dave", password=NEW) == "name_taken"
    assert control.refused("add", "_dave", password=NEW) == "bad_name"
    assert control.refused("add", "erin", password="short") == "bad_password"
    world.peer("alice").done("message", to="dave", body="hi")


def test_a_password_with_blanks(world):
    control = Control(world.server())
    control.rows("add", "dave", password="  two  words ")
    assert attempt(world, "dave", "  two  words ") == "ok"


def test_a_password_from_windows(world):
    """As with files of credentials and of passwords, the end of the line is not part of it, nor the mark before it."""
    control = Control(world.server())
    control.rows("add", "dave", password=NEW + "\r")
    assert attempt(world, "dave", NEW) == "ok"
    control.rows("add", "erin", password="\r" + NEW + "\r\r")
    assert attempt(world, "erin", "\r" + NEW + "\r") == "ok"
    control.rows("add", "fay", password="\ufeff" + NEW + "\r")
    assert attempt(world, "fay", NEW) == "ok"


def test_disable_and_enable(world):
    server = world.server("--threads", 4, "--registration", "closed")
    control = Control(server)
    peers = [world.peer("alice") for _ in range(3)]
    bob = world.peer("bob")
    assert control.rows("disable", "alice")[0]["sessions"] == 3
    for peer in peers:
        revoked(peer)
    bob.expect("event_presence", user="alice", online=False)
    assert attempt(world, "alice", password_of("alice")) == "wrong_password"
    assert attempt_token(world, peers[0].token) == "bad_token"
    server.restart()
    assert attempt(world, "alice", password_of("alice")) == "wrong_password"
    control.rows("enable", "alice")
    assert attempt_token(world, peers[0].token) == "bad_token"
    assert attempt(world, "alice", password_of("alice")) == "ok"
    assert control.refused("disable", "nobody") == "unknown_user"
    assert control.refused("enable", "nobody") == "unknown_user"


def test_unblock(world):
    server = world.server("--block-duration", 1000)
    control = Control(server)
    assert [attempt(world, "alice", "not-the-password") for _ in range(3)] == ["wrong_password"] * 3
    assert attempt(world, "alice", password_of("alice")) == "account_blocked"
    control.rows("unblock", "Alice")
    server.restart()
    assert attempt(world, "alice", password_of("alice")) == "ok"
    assert control.refused("unblock", "alice") == "not_blocked"
    assert control.refused("unblock", "nobody") == "unknown_user"


def test_password(world):
    server = world.server("--threads", 4)
    control = Control(server)
    peers = [world.peer("alice") for _ in range(2)]
    control.rows("password", "alice", password=NEW)
    for peer in peers:
        revoked(peer)
        assert attempt_token(world, peer.token) == "bad_token"
    assert attempt(world, "alice", password_of("alice")) == "wrong_password"
    server.restart()
    assert attempt(world, "alice", NEW) == "ok"
    assert control.refused("password", "nobody", password=NEW) == "unknown_user"


def test_kick(world):
    control = Control(world.server("--threads", 4))
    peers = [world.peer("alice") for _ in range(2)]
    bob = world.peer("bob")
    assert control.rows("kick", "alice")[0]["sessions"] == 2
    for peer in peers:
        revoked(peer)
    bob.fence()
    assert attempt_token(world, peers[0].token) == "ok"
    assert control.refused("kick", "carol") == "offline"
    assert control.refused("kick", "nobody") == "unknown_user"


def test_a_login_under_way_does_not_outlive_its_password(world):
    """Of logins that race with a change of the password, none is left with the old one."""
    control = Control(world.server("--threads", 4, "--hash-queue", 1000, "--max-logins-per-minute", 0))
    racers = [world.peer() for _ in range(12)]
    for peer in racers:
        peer.hello()
        peer.send("login", user="alice", password=password_of("alice"))
    control.rows("password", "alice", password=NEW)
    for peer in racers:
        while not peer.waiting("welcome") and not peer.waiting("error"):
            peer.inbox.append(peer.read())
        if peer.waiting("welcome"):
            revoked(peer)
    assert control.rows("sessions", "alice") == []


# ---- the program itself ----


def test_usage(world):
    control = Control(world.server())
    for words in ([], ["nonsense"], ["disable"], ["disable", "a", "b"], ["backup"], ["status", "x"], ["--nonsense", "status"],
                  ["disable", "a b"], ["disable", "a\nstatus"]):
        done = control.run(*words)
        assert (done.returncode, done.stdout) == (1, ""), words
        assert done.stderr.startswith("earshotctl: "), words
    assert control.run("add", "dave", password="").returncode == 1
    assert control.run("--help").stdout == control.run("help").stdout != ""
    assert control.run("--version").stdout.startswith("earshotctl ")


def test_no_server(world):
    server = world.server()
    socket_path = server.data / "control.sock"
    assert socket_path.exists()
    server.stop()
    assert not socket_path.exists()
    assert Control(server).run("status").returncode == 2
    server.start()
    server.kill9()
    assert socket_path.exists() and Control(server).run("status").returncode == 2
    server.start()
    assert Control(server).status()["accounts"] == 3


def test_raw_requests(world):
    server = world.server()

    def ask(data):
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(surroundings.PATIENCE)
            link.connect(str(server.data / "control.sock"))
            link.sendall(data)
            answer = b""
            while chunk := link.recv(4096):
                answer += chunk
        return answer.decode()

    assert '"unknown_command"' in ask(b"nonsense\n")
    assert '"unknown_command"' in ask(b"\n")
    assert '"unknown_command"' in ask(b"\0\xff\n")
    for length in (1023, 1024, 1025, 5000, 500000):
        assert '"unknown_command"' in ask(b"x" * length + b"\n"), length
    assert '"unknown_command"' in ask(b"x" * 5000)
    assert '"version"' in ask(b"status\n" + b"x" * 100000)
    assert '"usage"' in ask(b"status x\n")
    assert '"bad_name"' in ask(b"disable\n") and '"bad_name"' in ask(b"disable  alice\n")
    assert '"usage"' in ask(b"disable alice bob\n")
    assert '"bad_password"' in ask(b"add dave\n") and '"bad_password"' in ask(b"add dave " + b"x" * 300 + b"\n")
    assert ask(b"status\ndisable alice\n").count("\n") == 2
    assert '"command":"backup"' in ask(b"help\n")
    assert attempt(world, "alice", password_of("alice")) == "ok"


HOSTILE = b"".join(bytes([c]) for c in (*range(1, 9), *range(11, 32), 127)) + "\x80\x9b31m\u202e\u200f".encode() + b"\xff"


def ask_impostor(world, words, answer):
    """earshotctl with these words, of a socket that says what answer(link) returns."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(world.directory / "control.sock"))
        listener.listen()

        def serve():
            link, _ = listener.accept()
            with link:
                link.recv(4096)
                link.sendall(answer(link))

        server = threading.Thread(target=serve)
        server.start()
        argv = [surroundings.BUILD / "earshotctl", "--data", world.directory, *words]
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=surroundings.PATIENCE, check=False,
                              env=surroundings.environment())
        server.join()
    return done


def test_passwords_are_in_no_core_dump(world):
    limits = []

    def look(link):
        pid, _, _ = struct.unpack("3i", link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        limits.append(core_limits(pid))
        return b'{"done":true}\n'

    assert ask_impostor(world, ("status",), look).returncode == 0
    assert limits == [["0", "0"]]


@pytest.mark.parametrize("words, answer", (
    (("status",), b'{"evil":"%s"}\n{"done":true}\n'),
    (("status",), b'{"%s":"evil"}\n{"done":true}\n'),
    (("sessions",), b'{"user":"%s","device":"%s"}\n{"done":true}\n'),
    (("sessions", "--json"), b'{"user":"evil%s"}\n{"done":true}\n'),
    (("disable", "alice"), b'{"error":"evil","text":"%s"}\n'),
    (("disable", "alice"), b'{"error":"%s"}\n'),
))
def test_a_server_cannot_reach_the_terminal(world, words, answer):
    """Not even one that has been taken over: what it sends is made printable."""
    done = ask_impostor(world, words, lambda link: answer.replace(b"%s", HOSTILE))
    text = (done.stdout + done.stderr).decode()
    assert "evil" in text or "\ufffd" in text, done
    assert all(c in "\t\n" or (c.isprintable() and not 0x80 <= ord(c) < 0xa0) for c in text), done


def test_many_idle_connections(world):
    """They take no more than their places, and those who follow are told so."""
    server = world.server()
    idle = [socket.socket(socket.AF_UNIX) for _ in range(8)]
    for link in idle:
        link.connect(str(server.data / "control.sock"))
    assert Control(server).refused("status") == "unavailable"
    for link in idle:
        link.close()
    world.hub.wait(lambda: Control(server).run("status").returncode == 0, "a free place")


def test_who_may(world):
    server = world.server()
    mode = os.stat(server.data / "control.sock").st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600
    if os.geteuid() != 0:
        pytest.skip("only root can be somebody else")
    somebody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    control = Control(server)
    assert subprocess.run([*somebody, "true"], check=False).returncode == 0
    outside = [world.directory, *world.directory.parents]
    script = "import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); print(s.recv(1000).decode())"

    def connect():
        return subprocess.run([*somebody, "/usr/bin/python3", "-c", script, str(server.data / "control.sock")],
                              capture_output=True, text=True, check=False)

    assert "PermissionError" in connect().stderr
    # Even if somebody opened the doors, the kernel says who it is.
    for folder in (*outside[:1], server.directory, server.data):
        folder.chmod(0o755)
    (server.data / "control.sock").chmod(0o666)
    assert '"refused"' in connect().stdout
    assert control.status()["accounts"] == 3


# ---- backups ----


def restore(world, backup, data, *args):
    return subprocess.run([surroundings.EARSHOTD, "--restore", backup, "--data", data, *args], capture_output=True, text=True,
                          env=surroundings.environment(), cwd=world.directory, timeout=60, check=False)


class Sender(threading.Thread):
    """Sends at full speed and notes what was acknowledged: (id, text)."""

    def __init__(self, world, user, to):
        super().__init__(daemon=True)
        self.peer = world.peer(user)
        self.peer.hub = Quiet()
        self.to = to
        self.acknowledged = []
        self.under_way = {}

    def run(self):
        count = 0
        try:
            while True:
                while len(self.under_way) < 50:
                    text = f"{self.peer.user} {count}"
                    self.under_way[self.peer.send("message", to=self.to, body=text)] = text
                    count += 1
                frame = self.peer.read()
                if frame.answers in self.under_way and frame.WhichOneof("body") == "accepted":
                    self.acknowledged.append((frame.accepted.id, self.under_way.pop(frame.answers)))
        except (Closed, OSError):
            pass


class Quiet:
    def note(self, *_words):
        pass


def texts_in(path):
    with sqlite3.connect(path) as database:
        return {identity: body.decode() for identity, body in database.execute("SELECT id, body FROM message")}


def test_backup_under_full_load(world):
    server = world.server("--rate-limit", 0, "--threads", 2, accounts=("alice", "bob", "carol", "dave", "erin"))
    control = Control(server)
    senders = [Sender(world, user, "erin") for user in ("alice", "bob", "carol", "dave")]
    for sender in senders:
        sender.start()
    world.hub.wait(lambda: all(len(sender.acknowledged) > 200 for sender in senders), "some load")
    marks = []
    for number in range(3):
        before = [list(sender.acknowledged) for sender in senders]
        backup = world.directory / f"backup{number}.db"
        row = control.rows("backup", backup)[0]
        marks.append(row["mark"])
        have = texts_in(backup)
        assert max(have, default=0) == row["mark"] and stat.S_IMODE(os.stat(backup).st_mode) == 0o600
        for acknowledged in before:
            assert all(have.get(identity) == text for identity, text in acknowledged), "acknowledged before, and not in it"
    server.kill9()
    for sender in senders:
        sender.join(surroundings.PATIENCE)
    everything = [pair for sender in senders for pair in sender.acknowledged]
    print(f"{len(everything)} messages acknowledged, marks {marks}")
    elsewhere = world.directory / "elsewhere"
    done = restore(world, world.directory / "backup2.db", elsewhere / "data")
    assert done.returncode == 0, done
    have = texts_in(elsewhere / "data" / "earshot.db")
    assert all(have[identity] == text for identity, text in everything if identity <= marks[-1])
    other = world.new_server("--rate-limit", 0, data=elsewhere / "data").start()
    erin = Peer(world.hub, "erin", other)
    world.peers.append(erin)
    erin.login("erin")
    assert erin.expect("event_message").body.decode() in have.values()
    assert not list(server.data.glob("*.partial*"))


def test_backup_refusals(world):
    server = world.server()
    control = Control(server)
    there = world.directory / "there"
    there.write_text("mine")
    done = control.run("backup", there)
    assert done.returncode == 3 and "exists" in done.stderr and there.read_text() == "mine"
    assert control.run("backup", world.directory / "no" / "folder.db").returncode == 3
    control.rows("backup", world.directory / "good.db")
    assert sorted(path.name for path in world.directory.glob("*.db*")) == ["good.db"]
    assert not list(server.data.glob("*.partial*"))


def test_a_backup_that_is_killed_leaves_nothing(world):
    """By whatever signal, in the middle of storing its file."""
    server = world.server()
    copies = world.directory / "copies"
    copies.mkdir()
    limit = ("sh", "-c", 'ulimit -f 8; exec "$@"', "sh")
    done = Control(server).run("backup", copies / "backup.db", prefix=limit)
    assert done.returncode == -signal.SIGXFSZ
    assert list(copies.iterdir()) == []


def test_restore_moves_aside_what_is_there(world):
    server = world.server()
    Control(server).rows("backup", world.directory / "old.db")
    world.peer("alice").done("message", to="bob", body="after the backup")
    running = restore(world, world.directory / "old.db", server.data)
    assert running.returncode == 2 and "in use" in running.stderr
    server.stop()
    done = restore(world, world.directory / "old.db", server.data)
    assert done.returncode == 0, done
    aside = list(server.data.glob("earshot.db.before-restore-*"))
    assert len(aside) == 1 and list(texts_in(aside[0]).values()) == ["after the backup"]
    assert stat.S_IMODE(os.stat(server.data / "earshot.db").st_mode) == 0o600
    server.start()
    assert attempt(world, "bob", password_of("bob")) == "ok"
    assert texts_in(server.data / "earshot.db") == {}


def test_clients_that_remember_more_than_a_backup(world):
    """They stay connected over a restore. What is stored after it reaches them, though they have seen as many messages before."""
    server = world.server()
    alice, bob = world.client("alice"), world.client("bob")
    backup = world.directory / "backup.db"
    Control(server).rows("backup", backup)
    for attempt_number in (1, 2):
        for number in range(5):
            alice.ok(f"message bob {number} of {attempt_number}")
        bob.expect("message", body=f"4 of {attempt_number}")
        server.kill9()
        assert restore(world, backup, server.data).returncode == 0
        server.start()
        alice.expect("online")
        alice.ok(f"message bob stored after restore {attempt_number}")
        bob.expect("message", body=f"stored after restore {attempt_number}")


@pytest.mark.parametrize("part", ["", "-redo"])
def test_restores_in_the_same_second(world, part):
    """What was moved aside before stays, however quickly one restore follows another."""
    server = world.server()
    Control(server).rows("backup", world.directory / "old.db")
    world.peer("alice").done("message", to="bob", body="after the backup")
    server.stop()
    now = int(time.time())
    before = [server.data / time.strftime(f"earshot.db.before-restore-%Y%m%dT%H%M%SZ{part}", time.gmtime(now + later))
              for later in range(int(3 * surroundings.PATIENCE))]
    for path in before:
        path.write_text("of an earlier one")
    for number in (2, 3):
        done = restore(world, world.directory / "old.db", server.data)
        assert done.returncode == 0, done
        moved = re.match("what was there is now (.*)", done.stdout).group(1)
        assert moved.endswith(f"Z.{number}") or number == 3
        assert len(texts_in(moved)) == (1 if number == 2 else 0)
    assert {path.read_text() for path in before} == {"of an earlier one"}
    server.start()


@pytest.mark.parametrize("kind", ["missing", "empty", "text", "damaged", "foreign", "newer", "with-log", "folder"])
def test_restore_refuses(world, kind):
    server = world.server()
    backup = world.directory / "backup.db"
    Control(server).rows("backup", backup)
    server.stop()
    before = (server.data / "earshot.db").read_bytes()
    if kind == "missing":
        backup.unlink()
    elif kind == "empty":
        backup.write_bytes(b"")
    elif kind == "text":
        backup.write_text("not a database, but long enough to be looked at\n" * 1000)
    elif kind == "damaged":
        damage(backup)
    elif kind == "foreign":
        backup.unlink()
        sqlite3.connect(backup).executescript("CREATE TABLE a(b)")
    elif kind == "newer":
        sqlite3.connect(backup).executescript("PRAGMA user_version = 99")
    elif kind == "with-log":
        (world.directory / "backup.db-wal").write_bytes(b"x" * 100)
    elif kind == "folder":
        backup.unlink()
        backup.mkdir()
    done = restore(world, backup, server.data)
    assert done.returncode == 2 and done.stderr.startswith("earshotd: ") and not done.stdout, done
    assert (server.data / "earshot.db").read_bytes() == before
    assert not list(server.data.glob("earshot.db.*restor*"))
    server.start()


def damage(path):
    """Overwrites a good part of the middle."""
    data = bytearray(path.read_bytes())
    for place in range(len(data) // 3, 2 * len(data) // 3):
        data[place] ^= 0xA5
    path.write_bytes(data)


def truncate(path):
    os.truncate(path, os.path.getsize(path) // 2)


@pytest.mark.parametrize("harm", [damage, truncate])
def test_a_damaged_database_is_refused_and_restored(world, harm):
    server = world.server()
    alice, bob = world.peer("alice"), world.peer("bob")
    for number in range(100):
        alice.done("message", to="bob", body=f"{number} " + "x" * 1000)
    backup = world.directory / "backup.db"
    Control(server).rows("backup", backup)
    alice.close()
    bob.close()
    server.stop()
    harm(server.data / "earshot.db")
    server.launch()
    assert server.process.exit_code() == 2
    assert "damaged" in server.log or "not a database" in server.log
    assert re.search(r"^earshotd: cannot open .*earshotd --restore FILE", server.log, re.MULTILINE), "one line that says it all"
    assert restore(world, backup, server.data).returncode == 0
    server.start()
    assert len(texts_in(server.data / "earshot.db")) == 100


def test_a_restore_that_was_cut_short(world):
    """The old database has been moved, the new one is not in its place yet: no server begins with an empty one."""
    server = world.server()
    world.peer("alice").done("message", to="bob", body="in the backup")
    backup = world.directory / "backup.db"
    Control(server).rows("backup", backup)
    server.stop()
    (server.data / "earshot.db").rename(server.data / "earshot.db.before-restore-now")
    (server.data / "earshot.db.restoring").write_bytes(backup.read_bytes()[:4096])
    server.launch()
    assert server.process.exit_code() == 2 and "earshotd --restore FILE" in server.log
    assert not (server.data / "earshot.db").exists()
    assert restore(world, backup, server.data).returncode == 0
    server.start()
    assert list(texts_in(server.data / "earshot.db").values()) == ["in the backup"]


@pytest.mark.slow
def test_restores_killed_at_random_moments(world, report):
    """What is found is the old database, the new one, or a refusal to serve; never another, and restoring again always works."""
    chance = random.Random()
    server = world.server()
    backup = world.directory / "backup.db"
    Control(server).rows("backup", backup)
    alice = world.peer("alice")
    for number in range(200):
        alice.done("message", to="bob", body=f"{number} {'x' * 5000}")
    alice.close()
    server.stop()
    kept = world.directory / "kept.db"
    shutil.copy(server.data / "earshot.db", kept)
    began = time.monotonic()
    assert restore(world, backup, server.data).returncode == 0
    taken = time.monotonic() - began
    counts = collections.Counter()
    for _ in range(60):
        for path in server.data.glob("earshot.db*"):
            path.unlink()
        shutil.copy(kept, server.data / "earshot.db")
        process = world.program(surroundings.EARSHOTD, "--restore", backup, "--data", server.data, name="restore")
        end = time.monotonic() + chance.random() * taken
        while time.monotonic() < end:
            world.hub.turn(0.0005)
        process.kill()
        world.others.remove(process)
        server.launch()
        world.hub.wait(lambda: server.process.ended or server.process.lines, "the server to serve or to end")
        if server.process.ended:
            assert server.process.reap() == 2 and "earshotd --restore FILE" in server.log
            assert restore(world, backup, server.data).returncode == 0
            server.start()
            counts["refused"] += 1
            found = 0
        else:
            found = len(texts_in(server.data / "earshot.db"))
            counts["old" if found else "new"] += 1
        assert found in (0, 200)
        assert Control(server).status()["accounts"] == 3
        server.kill9()
    report(f"60 restores killed: {dict(counts)}")


def test_what_a_crash_leaves_of_a_backup_goes(world):
    server = world.server()
    server.stop()
    (server.data / "backup-1-1.partial").write_bytes(b"half")
    shutil.copy(server.data / "earshot.db", server.data / "backup-mine.db")
    server.start()
    assert not (server.data / "backup-1-1.partial").exists() and (server.data / "backup-mine.db").exists()


def test_a_stop_waits_for_no_administrator(world):
    """One who says nothing, one who does not read, and a copy that is being made."""
    server = world.server()
    alice = world.peer("alice")
    for number in range(300):
        alice.send("message", to="bob", body="x" * 16000)
    alice.fence()
    links = [socket.socket(socket.AF_UNIX) for _ in range(3)]
    for link, request in zip(links, (b"stat", b"backup\n", b"backup\n")):
        link.connect(str(server.data / "control.sock"))
        link.sendall(request)
    server.stop()
    for link in links:
        link.close()
    server.start()
    assert not list(server.data.glob("*.partial*"))
