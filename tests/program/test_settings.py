"""The settings: flags, file, --check, the original's three numbers; and the signals that an administrator sends."""
import hashlib
import json
import re
import shutil
import signal
import socket
import ssl
import subprocess

import pytest

from harness import surroundings
from harness.wire import Closed, client_context


def run(world, *args, **options):
    """earshotd until it ends by itself."""
    done = subprocess.run([str(arg) for arg in (surroundings.EARSHOTD, *args)], capture_output=True, text=True,
                          timeout=surroundings.PATIENCE, cwd=world.directory, env=surroundings.environment(), **options)
    assert surroundings.sanitizer_report(done.stderr) is None, done.stderr
    return done


def config(world, text):
    path = world.directory / "earshotd.conf"
    path.write_text(text)
    return path


# ---- --help, --version, --check ----

PROMISED = ("config", "listen", "data", "store", "bus", "block-duration", "timeout", "credentials", "registration", "threads", "check",
            "help", "version")


def test_help(world):
    done = run(world, "--help")
    assert done.returncode == 0 and not done.stderr
    for option in PROMISED:
        assert f"--{option}" in done.stdout


def test_version(world):
    done = run(world, "--version")
    assert done.returncode == 0
    assert re.search(r"earshotd.*\d+\.\d+\.\d+", done.stdout)


def test_check_says_nothing_is_wrong(world):
    path = config(world, "# a comment\nlisten = 127.0.0.1:0\ntimeout = 60\n")
    done = run(world, "--config", path, "--check")
    assert done.returncode == 0, done.stderr
    assert not (world.directory / "var").exists(), "it must not start anything"


def test_every_mistake_is_named_with_its_line(world):
    path = config(world, "timeout = 60\nnonsense = 1\ntimeout = soon\n\nlisten = nowhere\nregistration = maybe\nno equals sign\n")
    done = run(world, "--config", path, "--check")
    assert done.returncode == 1
    for line in (2, 3, 5, 6, 7):
        assert re.search(rf"earshotd\.conf:{line}\b", done.stderr + done.stdout), f"line {line} is not named: {done.stderr}"
    assert not re.search(r"earshotd\.conf:[14]\b", done.stderr + done.stdout)


@pytest.mark.parametrize("check", (("--check",), ()))
@pytest.mark.parametrize("lines", ("credentials = {0}", "certificate = {0}\nkey = {0}", "turn = turn:127.0.0.1:3478",
                                   "turn-secret-file = {0}\nturn = turn:127.0.0.1:3478"))
def test_what_a_setting_names_and_is_not_there_is_named_with_its_line(world, lines, check):
    missing = world.directory / "missing"
    path = config(world, "timeout = 60\n\n" + lines.format(missing) + "\n")
    arguments = ("--data", world.directory / "d", "--listen", "127.0.0.1:0", *check)
    done = run(world, "--config", path, *arguments)
    assert done.returncode == 1 and re.search(rf"^earshotd: \S*earshotd\.conf:3: {lines.split()[0]}\b", done.stderr, re.MULTILINE), done
    done = run(world, "--credentials", missing, *arguments)
    assert done.returncode == 1 and re.search(r"^earshotd: --credentials: cannot read ", done.stderr, re.MULTILINE), done


def test_mistakes_in_the_file_stop_the_start(world):
    path = config(world, "timeout = soon\n")
    done = run(world, "--config", path, "--data", world.directory / "d", "--listen", "127.0.0.1:0")
    assert done.returncode == 1 and "earshotd.conf:1" in done.stderr


@pytest.mark.parametrize("content", (b"\0\0\0\0", b"\xff\xfe", b"timeout = 5\0\n", b"=" * 5000, b"timeout" * 100000))
def test_files_that_are_no_settings(world, content):
    path = world.directory / "earshotd.conf"
    path.write_bytes(content)
    done = subprocess.run([surroundings.EARSHOTD, "--config", path, "--check"], capture_output=True, timeout=surroundings.PATIENCE,
                          env=surroundings.environment())
    assert done.returncode == 1 and b"earshotd.conf" in done.stderr


def test_a_file_that_is_not_there(world):
    done = run(world, "--config", "/nonexistent/earshotd.conf", "--check")
    assert done.returncode == 1 and "/nonexistent/earshotd.conf" in done.stderr


@pytest.mark.parametrize("args, named", (
    (("--nonsense",), "nonsense"),
    (("--timeout",), "timeout"),
    (("--timeout", "soon"), "timeout"),
    (("--timeout", "-1"), "timeout"),
    (("--timeout", "99999999999999999999"), "timeout"),
    (("--listen", "127.0.0.1"), "listen"),
    (("--listen", "127.0.0.1:70000"), "listen"),
    (("--listen", ":4000:"), "listen"),
    (("--store", "mysql:"), "store"),
    (("--bus", "carrier-pigeon:"), "bus"),
    (("--registration", "ajar"), "registration"),
    (("--threads", "many"), "threads"),
    (("--certificate", "/some/cert.pem"), "certificate"),
    (("4000", "60"), ""),
    (("4000", "60", "60", "60"), ""),
    (("port", "60", "60"), "port"),
    (("70000", "60", "60"), "70000"),
))
def test_wrong_arguments(world, args, named):
    done = run(world, *args)
    assert done.returncode == 1, done
    assert done.stderr and named in done.stderr.lower()


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def test_the_originals_form(world):
    """PORT BLOCK_DURATION TIMEOUT; data under ./var."""
    port = free_port()
    process = world.program(surroundings.EARSHOTD, port, 30, 1, name="earshotd", stdin=subprocess.DEVNULL)
    world.hub.wait(lambda: process.lines, "earshotd to be ready")
    assert process.lines == [f"ready 127.0.0.1:{port}"]
    server = world.new_server(data=world.directory / "var")
    server.port = port
    client = world.start_client("dave", "--register", server=server)
    client.expect("online")
    assert client.expect("disconnected")["reason"] == "timeout"
    assert client.exit_code() == 5
    process.signal(signal.SIGTERM)
    assert process.exit_code() == 0


# ---- what wins ----


def test_flags_win_over_the_file(world):
    path = config(world, "registration = closed\ntimeout = 1\n")
    server = world.server("--config", path, "--timeout", 0)
    refused = world.start_client("dave", "--register")
    refused.expect("error")
    assert refused.exit_code() == 4
    world.client("alice").fence()
    assert server.running


def test_several_listeners(world):
    server = world.new_server("--listen", "127.0.0.2:0")
    server.start()
    world.hub.wait(lambda: len(server.process.lines) == 2, "two listeners")
    assert [line.rsplit(":", 1)[0] for line in server.process.lines] == ["ready 127.0.0.1", "ready 127.0.0.2"]


def test_ipv6(world):
    server = world.new_server(accounts=("alice",))
    server.args = ["--listen", "[::1]:0"]
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            pass
    except OSError:
        pytest.skip("no IPv6 here")
    server.start()
    world.hub.wait(lambda: len(server.process.lines) == 2, "two listeners")
    address = next(line.removeprefix("ready ") for line in server.process.lines if line.startswith("ready ["))
    argv = world.client_args("alice", "alice")
    client = world.program(surroundings.EARSHOT, "--json", *argv[:-1], f"alice@{address}", name="alice")
    world.hub.wait(lambda: any('"online"' in line for line in client.lines), "alice to be online")
    client.end_input()
    assert client.exit_code() == 0


def test_the_database_elsewhere(world):
    path = world.directory / "elsewhere.db"
    server = world.server("--store", f"sqlite:{path}", accounts=())
    world.client("alice", "--register")
    assert path.exists() and not (server.data / "earshot.db").exists()


def test_the_database_behind_a_link(world):
    """It is locked, logged and restored where it is, by whichever name: else two servers might serve it, or a log be overlooked."""
    place = world.directory / "place"
    place.mkdir()
    link = world.directory / "link.db"
    link.symlink_to(place / "real.db")
    server = world.server("--store", f"sqlite:{place}/real.db", accounts=())
    second = world.new_server("--store", f"sqlite:{link}", data=world.directory / "second")
    second.launch()
    assert second.process.exit_code() == 2 and "in use by another server" in second.log
    server.stop()
    second.start()
    alice, bob = (world.peer(server=second, label=name) for name in ("alice", "bob"))
    alice.register("alice")
    bob.register("bob")
    bob.close()
    identity = alice.done("message", to="bob", body="behind a link").id
    second.kill9()
    server.start()
    assert world.peer("bob", server=server).expect("event_message", body="behind a link").id == identity
    assert sorted(path.name for path in world.directory.glob("link.db*")) == ["link.db"]


def test_a_link_to_a_database_to_be_made(world):
    """Its log lies where it will be looked for when the database is there."""
    place = world.directory / "place"
    place.mkdir()
    (world.directory / "further.db").symlink_to("place/real.db")
    link = world.directory / "link.db"
    link.symlink_to(world.directory / "further.db")
    server = world.server("--store", f"sqlite:{link}", accounts=())
    alice, bob = (world.peer(server=server, label=name) for name in ("alice", "bob"))
    alice.register("alice")
    bob.register("bob")
    bob.close()
    identity = alice.done("message", to="bob", body="behind a link").id
    server.kill9()
    server.start()
    assert world.peer("bob", server=server).expect("event_message", body="behind a link").id == identity
    assert sorted(path.name for path in world.directory.glob("*.db*")) == ["further.db", "link.db"]


def test_systemd_is_told(world):
    """READY=1 when it serves, STOPPING=1 when it ends."""
    path = world.directory / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(path))
        sock.settimeout(surroundings.PATIENCE)
        server = world.server(env={"NOTIFY_SOCKET": path})
        assert "READY=1" in sock.recv(4096).decode().split("\n")
        server.stop()
        told = sock.recv(4096).decode().split("\n")
        assert "STOPPING=1" in told


def test_the_import_is_reported(world):
    """No progress bar in a log: a line every tenth, and how it ended."""
    server = world.new_server(prepared=False, accounts=[f"user{number}" for number in range(40)])
    server.start()
    lines = [line for line in server.log.splitlines() if "import" in line]
    assert 2 <= len(lines) <= 15 and "40" in lines[-1]
    assert "\r" not in server.log and "\x1b" not in server.log
    server.restart()


@pytest.mark.parametrize("threads", (1, 4))
def test_threads(world, threads):
    world.server("--threads", threads)
    clients = [world.client(name) for name in ("alice", "bob", "carol")]
    for client in clients:
        client.ok("broadcast hello")
    for client in clients:
        assert {client.expect("broadcast")["from"] for _ in range(2)} == {"alice", "bob", "carol"} - {client.name}


# ---- signals ----


def test_sigterm(world):
    """Everything accepted is on disk, clients are told, exit 0."""
    server = world.server()
    alice, bob = world.client("alice"), world.client("bob")
    numbers = [alice.send(f"message carol {count}") for count in range(50)]
    accepted = [alice.answer(number) for number in numbers[:10]]
    server.terminate()
    for client in (alice, bob):
        assert client.expect("disconnected")["reason"] == "shutdown"
        assert client.exit_code() == 5
    assert server.process.exit_code() == 0
    answered = [*accepted, *alice.waiting("ok")]
    server.start()
    carol = world.client("carol")
    got = [carol.expect("message")["body"] for _ in answered]
    assert got == [str(count) for count in range(len(got))]


def test_sigterm_while_a_login_is_under_way(world):
    server = world.server()
    peers = [world.peer() for _ in range(8)]
    for peer in peers:
        peer.hello()
    for peer in peers:
        peer.send("login", user="alice", password="alice-password")
    server.terminate()
    for peer in peers:
        peer.closed()
        peer.close()
    assert server.process.exit_code() == 0


def test_no_new_connections_while_stopping(world):
    server = world.server()
    server.stop()
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", server.port), 1).close()


def test_sigint_is_sigterm(world):
    server = world.server()
    server.process.signal(signal.SIGINT)
    assert server.process.exit_code() == 0


def presented(server, trusted):
    """Whether a new connection is shown a certificate that `trusted` vouches for."""
    with socket.create_connection(("127.0.0.1", server.port), surroundings.PATIENCE) as sock:
        try:
            client_context(trusted).wrap_socket(sock).close()
            return True
        except ssl.SSLError:
            return False


def test_sighup_reloads_the_certificate(world):
    """New connections get the new one, and who is connected stays so."""
    server = world.server()
    other = world.new_server().start()
    other.stop()
    client = world.client("alice")
    old = world.directory / "old.pem"
    shutil.copy(server.certificate, old)
    for name in ("cert.pem", "key.pem"):
        shutil.copy(other.data / name, server.data / name)
    server.process.signal(signal.SIGHUP)
    world.hub.wait(lambda: presented(server, other.certificate), "the new certificate")
    assert not presented(server, old)
    client.fence()
    client.nothing("disconnected")


def test_sighup_with_a_broken_certificate_keeps_the_old(world):
    server = world.server()
    old = world.directory / "old.pem"
    shutil.copy(server.certificate, old)
    server.certificate.write_text("broken")
    server.process.signal(signal.SIGHUP)
    server.wait_log("cert.pem")
    assert presented(server, old)


def test_sighup_reloads_the_settings(world):
    path = config(world, "registration = open\n")
    server = world.server("--config", path)
    client = world.client("alice")
    path.write_text("registration = closed\n")
    server.process.signal(signal.SIGHUP)

    def closed():
        peer = world.peer()
        peer.hello()
        frame = peer.request("register", user="bob", password="long enough")
        peer.close()
        return frame.error.code and frame.error.code != 25

    world.hub.wait(closed, "the new setting")
    client.fence()


def test_sighup_with_mistakes_keeps_the_old_settings(world):
    path = config(world, "registration = closed\n")
    server = world.server("--config", path)
    path.write_text("registration = open\ntimeout = soon\n")
    server.process.signal(signal.SIGHUP)
    server.wait_log(r"earshotd\.conf:2")
    refused = world.start_client("dave", "--register")
    refused.expect("error")
    assert refused.exit_code() == 4


def test_without_standard_streams(world):
    """What would be said goes nowhere, and not into what is opened in their place."""
    server = world.new_server(accounts=("alice",), prefix=("sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"))
    server.launch()
    world.hub.wait((server.data / "control.sock").exists, "the server to serve")
    locks = [path for path in server.data.iterdir() if path.name.endswith(".lock")]
    assert locks and all(re.fullmatch(r"(\d+\n?)?", path.read_text()) for path in locks), [path.read_text() for path in locks]
    server.process.signal(signal.SIGTERM)
    assert server.process.reap() == 0
    server.prefix = ()
    server.start()
    world.client("alice").logout()


# ---- logs ----


def test_json_log(world):
    server = world.server("--log-format", "json")
    world.client("alice").logout()
    server.stop()
    lines = server.log.splitlines()
    assert lines
    for line in lines:
        assert isinstance(json.loads(line), dict)


def test_the_fingerprint_is_logged(world):
    server = world.server()
    der = ssl.PEM_cert_to_DER_cert(server.certificate.read_text())
    digest = hashlib.sha256(der).hexdigest()
    assert digest in server.log.lower().replace(":", ""), "an administrator compares it"


def test_names_cannot_forge_log_lines(world):
    server = world.server()
    peer = world.peer()
    peer.hello(client="evil\n2026-01-01T00:00:00Z error disk_on_fire\x1b[2J")
    try:
        peer.request("login", user="x\n2026 error forged", password="pass\nword")
    except Closed:
        pass
    peer.close()
    server.stop()
    assert not any(line.startswith("2026-01-01T00:00:00Z") for line in server.log.splitlines())
    assert "\x1b" not in server.log
