"""earshot as a program: arguments, exit codes, --json and --plain, where its password comes from, whom it trusts, how it ends."""
import json
import os
import re
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from harness import surroundings
from harness.memory import core_limits
from harness.server import password_of

USAGE, UNREACHABLE, UNTRUSTED, REFUSED, BY_SERVER = 1, 2, 3, 4, 5
ESCAPE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def run(world, *args, said="", env=None):
    done = subprocess.run([str(arg) for arg in (surroundings.EARSHOT, *args)], input=said, capture_output=True, text=True,
                          timeout=surroundings.PATIENCE, cwd=world.directory, start_new_session=True,
                          env=surroundings.environment(HOME=world.directory, **(env or {})))
    assert surroundings.sanitizer_report(done.stderr) is None, done.stderr
    return done


def plain(world, user, *args, said="", **options):
    return run(world, "--plain", *world.client_args(user, f"plain-{user}", *args, **options), said=said)


def nobody_listens():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


# ---- arguments ----


def test_help(world):
    done = run(world, "--help")
    assert done.returncode == 0 and not done.stderr
    for option in ("json", "plain", "password-file", "register", "ca", "trust", "state", "hide-address", "help", "version"):
        assert f"--{option}" in done.stdout


def test_version(world):
    done = run(world, "--version")
    assert done.returncode == 0 and re.search(r"earshot.*\d+\.\d+\.\d+", done.stdout)


@pytest.mark.parametrize("args", ((), ("--nonsense", "localhost"), ("--trust", "blindly", "localhost"), ("--password-file",),
                                  ("localhost:0",), ("localhost:70000",), ("localhost:x",), ("one", "two"), ("alice@",), ("@host",),
                                  ("bad name@localhost",), ("--json", "--plain", "localhost"), ("",)))
def test_wrong_arguments(world, args):
    done = run(world, *args)
    assert done.returncode == USAGE, done
    assert done.stderr and not done.stdout


def test_a_password_file_that_is_not_there(world):
    world.server()
    done = run(world, "--json", "--ca", world.servers[0].certificate, "--state", world.state("x"), "--password-file", "/nonexistent/pw",
               f"alice@{world.servers[0].address}")
    assert done.returncode == USAGE and "/nonexistent/pw" in done.stderr


def test_a_certificate_file_that_is_not_there(world):
    world.server()
    done = run(world, "--json", "--ca", "/nonexistent/ca.pem", "--state", world.state("x"), f"alice@{world.servers[0].address}",
               env={"EARSHOT_PASSWORD": "x"})
    assert done.returncode in (USAGE, UNTRUSTED) and "/nonexistent/ca.pem" in done.stderr + done.stdout


# ---- exit codes ----


def test_logged_out(world):
    world.server()
    client = world.client("alice")
    client.logout()


def test_cannot_connect(world):
    for address in (f"127.0.0.1:{nobody_listens()}", "no-such-host.invalid:4000"):
        done = run(world, "--json", "--state", world.state("x"), f"alice@{address}", env={"EARSHOT_PASSWORD": "x"})
        assert done.returncode == UNREACHABLE, done
        assert done.stderr or "error" in done.stdout


@pytest.mark.parametrize("address, told", (("192.0.2.1", "no way"), ("chat.example.org", "looked up")))
def test_without_a_network(world, address, told):
    alone = ("unshare", "--net", "--map-root-user")
    if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("network namespaces are not allowed here")
    argv = [*alone, surroundings.EARSHOT, "--json", "--state", world.state("x"), f"alice@{address}"]
    done = subprocess.run([str(word) for word in argv], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                          env=surroundings.environment(EARSHOT_PASSWORD="x"), timeout=6 * surroundings.PATIENCE)
    assert done.returncode == UNREACHABLE and told in done.stdout, done


@pytest.mark.parametrize("face", ("--json", "--plain"))
def test_not_trusted(world, face):
    server = world.server()
    done = run(world, face, *world.client_args("alice", "x", certificate=False))
    assert done.returncode == UNTRUSTED, done
    assert "alice" not in server.log, "no password goes to a stranger"


@pytest.mark.parametrize("face", ("--json", "--plain"))
def test_nobody_to_ask_for_trust(world, face):
    server = world.server()
    done = run(world, face, "--trust", "ask", *world.client_args("alice", "x", certificate=False))
    fingerprint = re.search(r"fingerprint=(SHA256:[0-9a-f:]+)", server.log).group(1)
    assert done.returncode == UNTRUSTED and done.stdout.count("\n") == 1, done
    assert "no terminal" in done.stdout and fingerprint in done.stdout, done
    assert "alice" not in server.log, "no password goes to a stranger"


@pytest.mark.parametrize("face", ("--json", "--plain"))
def test_refused(world, face):
    world.server()
    done = run(world, face, *world.client_args("alice", "x", password="not-the-password"))
    assert done.returncode == REFUSED
    done = run(world, face, *world.client_args("nobody", "y"))
    assert done.returncode == REFUSED


def test_logged_out_by_the_server(world):
    server = world.server()
    client = world.client("alice")
    server.stop()
    assert client.expect("disconnected")["reason"] == "shutdown"
    assert client.exit_code() == BY_SERVER


def test_no_password_and_nobody_to_ask(world):
    server = world.server()
    done = run(world, "--json", "--ca", server.certificate, "--state", world.state("x"), f"alice@{server.address}")
    assert done.returncode in (USAGE, REFUSED)
    assert done.stderr or "error" in done.stdout


# ---- closed streams ----


def without(world, *descriptors, **options):
    """earshot --json with some of its standard streams closed: (exit code, output)."""
    def close():
        for descriptor in descriptors:
            os.close(descriptor)

    argv = [str(word) for word in (surroundings.EARSHOT, "--json", *world.client_args("alice", "x"))]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=world.directory, preexec_fn=close,
                          env=surroundings.environment(), timeout=surroundings.PATIENCE, check=False)
    return done.returncode, done.stdout


def test_no_standard_input_is_the_end_of_input(world):
    world.server()
    code, output = without(world, 0)
    assert code == 0 and '"goodbye"' in output, output


@pytest.mark.parametrize("descriptors", ((1,), (2,), (0, 1, 2)))
def test_no_standard_output(world, descriptors):
    server = world.server()
    assert without(world, *descriptors)[0] == 0
    server.wait_log("session_ended user=alice")


@pytest.mark.parametrize("face", ("--json", "--plain"))
def test_output_that_cannot_be_written_is_no_good_end(world, face):
    server = world.server()
    argv = [str(word) for word in (surroundings.EARSHOT, face, *world.client_args("alice", "x"))]
    with open("/dev/full", "wb") as full:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE, text=True, cwd=world.directory,
                              env=surroundings.environment(), timeout=surroundings.PATIENCE, check=False)
    assert done.returncode == 1 and done.stderr == "earshot: standard output: No space left on device\n", done
    server.wait_log("session_ended user=alice.*Logged out")


# ---- passwords and state ----


def test_password_from_the_environment(world):
    server = world.server()
    done = run(world, "--json", "--ca", server.certificate, "--state", world.state("x"), f"alice@{server.address}",
               env={"EARSHOT_PASSWORD": password_of("alice")})
    assert done.returncode == 0, done
    assert '"online"' in done.stdout and '"goodbye"' in done.stdout


def test_the_file_wins_over_the_environment(world):
    world.server()
    done = run(world, "--json", *world.client_args("alice", "x"), env={"EARSHOT_PASSWORD": "not-the-password"})
    assert done.returncode == 0


@pytest.mark.parametrize("ending", ("", "\n", "\r\n", "\nsecond line\n"))
def test_the_first_line_of_the_file_is_the_password(world, ending):
    server = world.server()
    path = world.directory / "pw"
    path.write_bytes((password_of("alice") + ending).encode())
    done = run(world, "--json", "--ca", server.certificate, "--state", world.state("x"), "--password-file", path,
               f"alice@{server.address}")
    assert done.returncode == 0, done


def test_state_in_the_xdg_directory(world):
    server = world.server()
    done = run(world, "--json", "--trust", "new", f"alice@{server.address}",
               env={"EARSHOT_PASSWORD": password_of("alice"), "XDG_STATE_HOME": world.directory / "xdg"})
    assert done.returncode == 0, done
    assert (world.directory / "xdg" / "earshot").is_dir()


@pytest.mark.parametrize("spoil, told", (
    (lambda state: state.write_text("no folder"), "Not a directory"),
    (lambda state: (state.mkdir(mode=0o700), (state / "identity").write_text("")), "identity"),
))
def test_why_a_state_directory_cannot_be(world, spoil, told):
    world.server()
    argv = world.client_args("alice", "x")
    spoil(world.state("x"))
    done = run(world, "--json", *argv)
    error = json.loads(done.stdout)
    assert done.returncode == UNREACHABLE and error["code"] == "no_state" and told in error["text"], done


def test_a_state_directory_that_cannot_be(world):
    server = world.server()
    path = world.directory / "in-the-way"
    path.write_text("a file")
    done = run(world, "--json", "--ca", server.certificate, "--state", path, f"alice@{server.address}",
               env={"EARSHOT_PASSWORD": "x"})
    assert done.returncode not in (0, -signal.SIGABRT, -signal.SIGSEGV)
    assert "in-the-way" in done.stderr + done.stdout


# ---- trust ----


def trusting(world, trust, label, server=None, user="alice"):
    return run(world, "--json", *world.client_args(user, label, "--trust", trust, server=server, certificate=False))


def test_a_first_seen_server_is_pinned(world):
    server = world.server()
    assert trusting(world, "pinned", "x").returncode == UNTRUSTED
    assert trusting(world, "new", "x").returncode == 0
    assert trusting(world, "pinned", "x").returncode == 0
    assert trusting(world, "new", "x").returncode == 0
    server.stop()
    for name in ("cert.pem", "key.pem"):
        (server.data / name).unlink()
    server.start()
    for trust in ("new", "pinned"):
        done = trusting(world, trust, "x")
        assert done.returncode == UNTRUSTED, "a changed certificate is refused"
        assert '"online"' not in done.stdout
    assert trusting(world, "new", "y").returncode == 0, "another user of this machine has not seen it before"


def test_a_ca_does_not_undo_a_pin_and_is_not_silent(world):
    server = world.server()
    assert trusting(world, "new", "x").returncode == 0
    pins = Path(world.state("x"), "known_servers")
    before = pins.read_text()
    server.stop()
    for name in ("cert.pem", "key.pem"):
        (server.data / name).unlink()
    server.start()
    for _ in range(2):
        done = run(world, "--json", *world.client_args("alice", "x"), said="whoelse\n")
        assert done.returncode == 0, done
        events = [json.loads(line) for line in done.stdout.splitlines()]
        assert [event["event"] for event in events[:2]] == ["other_certificate", "online"]
        assert before.split()[1] in events[0]["text"] and str(pins) in events[0]["text"]
        assert pins.read_text() == before, "it stays"
    assert trusting(world, "new", "x").returncode == UNTRUSTED
    pins.unlink()
    assert "other_certificate" not in run(world, "--json", *world.client_args("alice", "x")).stdout


def test_a_server_with_a_ca_is_not_new_without(world):
    server = world.server()
    assert run(world, "--json", *world.client_args("alice", "x")).returncode == 0
    server.stop()
    for name in ("cert.pem", "key.pem"):
        (server.data / name).unlink()
    server.start()
    done = trusting(world, "new", "x")
    assert done.returncode == UNTRUSTED and "a CA vouched" in done.stdout + done.stderr, done
    assert run(world, "--json", *world.client_args("alice", "x")).returncode == 0, "one that is vouched for may change"
    assert trusting(world, "new", "x").returncode == 0, "and is the same, also for who does not know the CA"


def test_a_host_is_the_same_in_capitals(world):
    server = world.server()
    args = world.client_args("alice", "x", certificate=False)[:-1]
    assert run(world, "--json", *args, "--trust", "new", f"alice@LocalHost:{server.port}").returncode == 0
    done = run(world, "--json", *args, "--trust", "pinned", f"alice@localhost:{server.port}")
    assert done.returncode == 0, done
    assert f'"server":"localhost:{server.port}"' in done.stdout
    (pin,) = Path(world.state("x"), "known_servers").read_text().splitlines()
    assert pin.startswith(f"localhost:{server.port} SHA256:")


def test_a_token_is_for_a_host_however_it_is_spelled(world):
    server = world.server()
    args = world.client_args("alice", "x", "--trust", "new", certificate=False)[:-1]
    first = world.program(surroundings.EARSHOT, "--json", *args, f"alice@localhost:{server.port}")
    world.hub.wait(lambda: any('"online"' in line for line in first.lines), "alice to be online")
    first.kill()
    done = run(world, "--json", "--state", world.state("x"), f"alice@LOCALHOST:{server.port}")
    assert done.returncode == 0, done


def test_a_certificate_for_another_server_is_not_enough(world):
    world.server()
    other = world.new_server().start()
    done = run(world, "--json", "--ca", other.certificate, *world.client_args("alice", "x", certificate=False))
    assert done.returncode == UNTRUSTED


# ---- --json ----


def test_passwords_are_in_no_core_dump(world):
    world.server()
    assert core_limits(world.client("alice").popen.pid) == ["0", "0"]


def test_online_names_user_and_server(world):
    server = world.server()
    client = world.start_client("alice")
    online = client.expect("online")
    assert online["user"] == "alice" and str(server.port) in online["server"]


def test_lines_are_numbered_from_one(world):
    world.server()
    client = world.client("alice")
    client.send("")
    client.send("nonsense")
    client.send("   ")
    client.send("whoelse")
    client.send("message bob hello\r")
    assert client.expect("error", code="unknown_command")["n"] == 2
    assert client.expect("users")["n"] == 4
    answer = client.expect("ok")
    assert answer["n"] == 5
    world.peer("bob").expect("event_message", body="hello")


def test_lines_sent_before_the_login_are_not_lost(world):
    world.server()
    client = world.start_client("alice")
    numbers = [client.send(f"message bob {count}") for count in range(5)]
    client.end_input()
    assert [client.answer(number)["event"] for number in numbers] == ["ok"] * 5
    client.expect("goodbye")
    assert client.exit_code() == 0
    bob = world.peer("bob")
    assert [bob.expect("event_message").body for _ in numbers] == [b"%d" % count for count in range(5)]


def test_a_last_line_without_its_end(world):
    world.server()
    client = world.client("alice")
    client.write(b"message bob no newline")
    client.end_input()
    assert client.expect("ok")["n"] == 1
    assert client.exit_code() == 0


def test_a_line_that_is_too_long(world):
    world.server()
    client = world.client("alice")
    number = client.send("message bob " + "x" * 200000)
    assert client.answer(number)["code"] == "too_long"
    client.ok("message bob short")
    bob = world.client("bob")
    assert bob.expect("message")["body"] == "short"
    bob.fence()
    bob.nothing("message")


def test_zero_bytes_in_a_line(world):
    world.server()
    client = world.client("alice")
    assert client.answer(client.send(b"message bob nul \0 here"))["code"] == "bad_text"
    client.fence()


def test_many_lines_at_once(world):
    world.server("--rate-limit", 0)
    bob, client = world.client("bob"), world.client("alice")
    client.write(b"".join(b"message bob %d\n" % count for count in range(2000)))
    client.count += 2000
    client.end_input()
    assert client.exit_code() == 0
    assert [event["n"] for event in client.waiting("ok")] == list(range(1, 2001))
    world.hub.wait(lambda: len(bob.waiting("message")) == 2000, "two thousand messages")
    assert [event["body"] for event in bob.waiting("message")] == [str(count) for count in range(2000)]


def test_output_is_json_whatever_was_written(world):
    world.server()
    bob, client = world.client("bob"), world.client("alice")
    text = 'quote " backslash \\ tab \t \u202e rtl \U0001f642 \u2028 line'
    client.ok(f"message bob {text}")
    assert bob.expect("message")["body"] == text
    peer = world.peer("carol")
    peer.done("message", to="bob", body="two\nlines")
    assert bob.expect("message")["body"] == "two\nlines"


def test_events_have_rfc3339_times(world):
    world.server()
    bob, client = world.client("bob"), world.client("alice")
    client.ok("message bob x")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", bob.expect("message")["time"])


# ---- connections that drop ----


def test_reconnects_by_itself(world):
    server = world.server()
    client = world.client("alice")
    server.kill9()
    lost = client.expect("disconnected")
    assert lost["reason"] == "network" and lost["retry_after"] >= 0
    server.start()
    client.expect("online", user="alice")
    client.fence()


def test_a_message_into_a_lost_connection(world):
    server = world.server()
    alice = world.client("alice")
    server.kill9()
    alice.expect("disconnected")
    number = alice.send("message bob waits")
    server.start()
    assert alice.answer(number)["event"] == "ok"
    assert world.client("bob").expect("message")["body"] == "waits"


def test_end_of_input_while_the_connection_is_down(world):
    """Nothing waits for an answer: it ends at once."""
    server = world.server()
    client = world.client("alice")
    server.kill9()
    client.expect("disconnected")
    client.end_input()
    client.exit_code()


def test_twice_on_one_machine(world):
    """Two windows of one user, one state directory: both are there, as two devices."""
    world.server()
    one = world.client("alice", label="alice")
    other = world.client("alice", label="alice")
    bob = world.client("bob")
    bob.ok("message alice hello")
    for client in (one, other):
        assert client.expect("message")["body"] == "hello"
        client.nothing("disconnected")


# ---- ends ----


@pytest.mark.parametrize("number", (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
def test_signals_log_out(world, number):
    world.server()
    watcher, client = world.client("bob"), world.client("alice")
    watcher.expect("presence", user="alice", online=True)
    client.signal(number)
    code = client.exit_code()
    assert code in (0, 128 + number), code
    watcher.expect("presence", user="alice", online=False)


def test_nobody_reads_its_output(world):
    """A closed pipe ends it quietly."""
    world.server()
    watcher = world.client("bob")
    reading, writing = os.pipe()
    argv = [surroundings.EARSHOT, "--json", *world.client_args("alice", "alice")]
    with subprocess.Popen([str(arg) for arg in argv], stdin=subprocess.PIPE, stdout=writing, stderr=subprocess.PIPE,
                          env=surroundings.environment()) as process:
        os.close(writing)
        watcher.expect("presence", user="alice", online=True)
        os.close(reading)
        watcher.ok("message alice hello")
        process.wait(surroundings.PATIENCE)
        said = process.stderr.read()
    assert b"Sanitizer" not in said
    watcher.expect("presence", user="alice", online=False)


def test_output_is_a_full_disk(world):
    world.server()
    with open("/dev/full", "wb") as full:
        done = subprocess.run([str(arg) for arg in (surroundings.EARSHOT, "--json", *world.client_args("alice", "x"))],
                              input=b"whoelse\n", stdout=full, stderr=subprocess.PIPE, timeout=surroundings.PATIENCE,
                              env=surroundings.environment())
    assert done.returncode not in (-signal.SIGSEGV, -signal.SIGABRT)


# ---- --plain ----


def test_plain_is_plain(world):
    world.server()
    bob = world.client("bob")
    done = plain(world, "alice", said="message bob hello\nbroadcast all\nwhoelse\nwhoelsesince 60\nblock bob\nunblock bob\nhelp\nnonsense\n")
    assert done.returncode == 0, done
    assert not ESCAPE.search(done.stdout) and not ESCAPE.search(done.stderr)
    assert "bob" in done.stdout
    assert bob.expect("message")["body"] == "hello"
    assert bob.expect("broadcast")["body"] == "all"


def test_plain_is_chosen_by_itself(world):
    world.server()
    done = run(world, *world.client_args("alice", "x"), said="whoelse\n")
    assert done.returncode == 0 and done.stdout
    assert not ESCAPE.search(done.stdout) and not done.stdout.startswith("{")


def test_plain_shows_what_arrives(world):
    world.server()
    peer = world.peer("bob")
    peer.done("message", to="alice", body="stored\nsecond line\twith tab")
    done = plain(world, "alice")
    assert "bob" in done.stdout and "stored" in done.stdout and "second line" in done.stdout
    assert done.returncode == 0


def test_a_second_line_cannot_pass_for_another_message(world):
    """Somebody's line break must not forge what somebody else seems to have said."""
    world.server()
    carol, mallory = world.peer("carol"), world.peer("bob")
    carol.done("message", to="alice", body="marker")
    honest = plain(world, "alice").stdout
    line = next(line for line in honest.splitlines() if "marker" in line)
    mallory.done("message", to="alice", body="x\n" + line.replace("marker", "forged"))
    shown = plain(world, "alice").stdout
    assert "forged" in shown
    assert line.replace("marker", "forged") not in shown.splitlines()


def test_plain_without_register(world):
    world.server()
    done = plain(world, "nobody")
    assert done.returncode == REFUSED and (done.stderr or done.stdout)
