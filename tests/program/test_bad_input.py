"""Anything a peer or a file can get wrong has a defined answer: never a crash, never silence, nothing lost."""
import contextlib
import os
import random
import re
import socket
import sqlite3
import ssl
import subprocess

import pytest

from harness import surroundings
from harness.server import password_of
from harness.wire import FRAME_MAX, Closed, client_context, code_name, framed, pb, varint


@pytest.fixture(scope="module")
def one(shared_world):
    """One server for all that peers do; it must be as good as new after each."""
    shared_world.server("--rate-limit", 0, "--max-logins-per-minute", 0)
    return shared_world


@pytest.fixture
def peers(one):
    """peer() and peer("alice") as on a world, closed after each test; then the server must still serve."""
    before = len(one.peers)
    yield one.peer
    for peer in one.peers[before:]:
        peer.close()
    check = one.peer("carol")
    check.fence()
    check.close()
    del one.peers[before:]


def plain(one, data):
    """What comes back on a connection that does not speak TLS."""
    with socket.create_connection(("127.0.0.1", one.servers[0].port), surroundings.PATIENCE) as sock:
        with contextlib.suppress(ConnectionError):
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            answer = b""
            while True:
                more = sock.recv(4096)
                if not more:
                    return answer
                answer += more
    return b""


def broken(peer):
    """The connection must end, with the reason."""
    frames = peer.closed()
    kinds = [frame.WhichOneof("body") for frame in frames]
    assert "goodbye" in kinds or "error" in kinds, f"no word of why: {kinds}"
    for frame in frames:
        if frame.HasField("goodbye"):
            assert frame.goodbye.reason == pb.Goodbye.REASON_PROTOCOL


# ---- not even TLS ----


@pytest.mark.parametrize("data", (b"", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\0" * 5000, os.urandom(5000), b"\x16\x03\x01",
                                  b"\x16\x03\x01\xff\xff" + b"x" * 200, b"\x80\x04.pickle"))
def test_not_tls(one, peers, data):
    answer = plain(one, data)
    assert b"HTTP" not in answer


def test_older_tls_is_refused(one, peers):
    context = client_context(one.servers[0].certificate)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with socket.create_connection(("127.0.0.1", one.servers[0].port), surroundings.PATIENCE) as sock:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            context.wrap_socket(sock)


def test_connections_that_end_at_once(one, peers):
    for _ in range(50):
        socket.create_connection(("127.0.0.1", one.servers[0].port), surroundings.PATIENCE).close()


# ---- frames ----

GARBAGE = {
    "too long": varint(FRAME_MAX + 1),
    "much too long": varint(2**31),
    "longest": b"\xff" * 9 + b"\x01",
    "endless length": b"\xff" * 40,
    "not the shortest length": b"\x81\x00" + b"\x00",
    "http": b"GET / HTTP/1.1\r\n\r\n",
    "pickle": b"\x80\x04\x95\x1d\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94.",
    "not protobuf": framed(b"\xff" * 20),
    "wrong wire type": framed(b"\x3a\xff\xff\xff\xff\x0f"),
    "cut inside a field": framed(b"\x12\x40abc"),
    "group": framed(b"\x0b" * 200),
}


@pytest.mark.parametrize("what", GARBAGE)
@pytest.mark.parametrize("when", ("first", "after hello", "logged in"))
def test_garbage(peers, what, when):
    peer = peers("alice") if when == "logged in" else peers()
    if when == "after hello":
        peer.hello()
    with contextlib.suppress(ConnectionError, OSError):
        peer.send_bytes(GARBAGE[what] + b"\xff" * 600)
    broken(peer)


@pytest.mark.parametrize("seed", range(5))
def test_random_bytes(peers, seed):
    """Whatever it is taken for, the server is there afterwards (see `peers`)."""
    chance = random.Random(seed)
    for _ in range(20):
        peer = peers()
        data = chance.randbytes(chance.randrange(1, 3000))
        with contextlib.suppress(ConnectionError, OSError, AssertionError):
            peer.hello()
            peer.send_bytes(b"".join(framed(data[start:start + 100]) for start in range(0, len(data), 100)))
        peer.close()


def valid_frames(peer):
    return [peer.frame("message", to="bob", body="x" * 300), peer.frame("whoelsesince", seconds=5),
            peer.frame("received", positions=[pb.Position(conversation=1, id=1)]), peer.frame("block", user="bob"),
            peer.frame("unblock", user="bob"), peer.frame("startprivate", user="bob"), peer.frame("ping")]


@pytest.mark.parametrize("seed", range(5))
def test_valid_frames_with_flipped_bits(peers, seed):
    chance = random.Random(seed)
    for _ in range(10):
        peer = peers("alice")
        for frame in valid_frames(peer):
            data = bytearray(frame.SerializeToString())
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
            with contextlib.suppress(ConnectionError, OSError):
                peer.send_bytes(framed(bytes(data)))
        peer.close()


@pytest.mark.parametrize("at", (1, 2, 3, 10, 300))
def test_cut(peers, at):
    """A connection that ends inside a frame did not say it."""
    alice, bob = peers("alice"), peers("bob")
    alice.send_bytes(framed(alice.frame("message", to="bob", body="x" * 400))[:at])
    alice.close()
    other = peers("alice")
    other.done("message", to="bob", body="fence")
    bob.expect("event_message", body="fence")
    bob.nothing("event_message", body="x" * 400)


def test_one_byte_at_a_time(peers):
    peer = peers()
    for frame in (peer.frame("hello", version=1), peer.frame("login", user="alice", password=password_of("alice")),
                  peer.frame("whoelse")):
        for byte in framed(frame):
            peer.sock.sendall(bytes([byte]))
    peer.expect("welcome")
    peer.expect("users")


def test_everything_in_one_write(peers):
    """hello, the login and the first commands may come together."""
    peer = peers()
    frames = [peer.frame("hello", version=1), peer.frame("login", user="alice", password=password_of("alice"))]
    peer.sock.sendall(b"".join(framed(frame) for frame in frames))
    peer.expect("welcome", number=2)
    frames = [peer.frame("message", to="bob", body=f"{count}") for count in range(100)]
    peer.sock.sendall(b"".join(framed(frame) for frame in frames))
    for frame in frames:
        assert peer.answer(frame.number).HasField("accepted")


def test_the_longest_frame(peers):
    """64 KiB is a frame, though none of the requests needs so much; one byte more is not."""
    peer = peers("alice")
    number = peer.number + 1
    frame = pb.ClientFrame(number=number, ping=pb.Ping()).SerializeToString()
    padding = FRAME_MAX - len(frame) - 5
    frame += b"\xfa\x3f" + varint(padding) + b"x" * padding
    assert len(frame) == FRAME_MAX
    peer.number = number
    peer.send_bytes(framed(frame))
    answer = peer.answer(number)
    assert answer.HasField("pong") or code_name(answer.error.code) == "too_long"
    peer.fence()
    with contextlib.suppress(ConnectionError, OSError):
        peer.send_bytes(framed(frame + b"x"))
    broken(peer)


def test_unknown_requests_are_answered_and_tolerated(peers):
    peer = peers("alice")
    peer.send_bytes(framed(b"\x08\x4d" + b"\xa2\x06\x03abc"))
    answer = peer.answer(77)
    assert code_name(answer.error.code) == "unknown_command"
    peer.send_bytes(framed(b""))
    peer.send_bytes(framed(b"\xa2\x06\x03abc"))
    peer.fence()


def test_unknown_fields_are_tolerated(peers):
    peer = peers("alice")
    frame = peer.frame("whoelse").SerializeToString() + b"\xa2\x06\x03abc" + b"\xa8\x06\x05"
    peer.send_bytes(framed(frame))
    assert peer.answer(peer.number).HasField("users")


def test_before_hello(peers):
    """The first frame says hello; anything else is told so."""
    peer = peers()
    peer.send("whoelse")
    try:
        frame = peer.read()
    except Closed:
        pytest.fail("closed without a word")
    assert frame.WhichOneof("body") in ("error", "goodbye")


def test_a_version_from_the_future(peers):
    """An answer, whatever it is: ours, or that we do not speak it."""
    peer = peers()
    frame = peer.request("hello", version=99, client="future")
    assert frame.WhichOneof("body") in ("greeting", "error", "goodbye")


def test_a_login_is_under_way(peers):
    """What comes while a password is being checked is neither lost nor taken for logged in."""
    peer = peers()
    peer.hello()
    login = peer.send("login", user="alice", password="not-the-password")
    command = peer.send("whoelse")
    assert peer.answer(login).HasField("error")
    assert code_name(peer.answer(command).error.code) == "wrong_state"


def test_numbers_need_not_rise_for_queries(peers):
    peer = peers("alice")
    for number in (9, 9, 3, 2**63, 2**64 - 1):
        assert peer.request("whoelse", number).HasField("users")


# ---- files ----


def earshotd(world, *args, directory=None):
    """Runs it until it ends by itself: exit code and what it said."""
    process = world.program(surroundings.EARSHOTD, *args, name=f"earshotd-{len(world.others)}", stdin=subprocess.DEVNULL)
    code = process.exit_code()
    return code, process.stderr


def test_bad_lines_in_the_credentials(world):
    """Each is named by its number, without the password; the good ones are imported."""
    server = world.new_server()
    lines = [b"alice alice-password", b"", b"justaname", b"bad!name secret-one", b"bob bob-password", b"x" * 33 + b" secret-two",
             b"nul\0name secret-three", b"latin \xff\xfe", b"long " + b"p" * 257, b"carol carol-password"]
    server.credentials.write_bytes(b"\n".join(lines) + b"\n")
    server.start()
    for user in ("alice", "bob", "carol"):
        world.client(user)
    for number in (3, 4, 6, 7, 8, 9):
        assert re.search(rf"credentials\.txt:{number}\b|line[= ]{number}\b", server.log), f"line {number} is not named"
    for secret in ("secret-one", "secret-two", "secret-three", "alice-password"):
        assert secret not in server.log


@pytest.mark.parametrize("ending", ("\r\n", "\n"))
def test_credentials_from_other_systems(world, ending):
    server = world.new_server()
    server.credentials.write_bytes(ending.join(["alice alice-password", "bob bob-password"]).encode())
    server.start()
    world.client("alice")
    world.client("bob")


def test_credentials_that_are_not_there(world):
    code, said = earshotd(world, "--listen", "127.0.0.1:0", "--data", world.directory / "d", "--credentials", "/nonexistent/file")
    assert code in (1, 2) and "/nonexistent/file" in said


def test_port_in_use(world):
    server = world.server()
    code, said = earshotd(world, "--listen", server.address, "--data", world.directory / "other")
    assert code == 2
    assert str(server.port) in said and "in use" in said.lower()


def test_data_directory_in_use(world):
    """Two servers on one database would deliver twice; whatever the second does, the first stays whole."""
    server = world.server()
    code, said = earshotd(world, "--listen", "127.0.0.1:0", "--data", server.data)
    assert code == 2 and str(server.data) in said
    world.client("alice").fence()


def test_data_directory_is_a_file(world):
    path = world.directory / "file"
    path.write_text("in the way")
    code, said = earshotd(world, "--listen", "127.0.0.1:0", "--data", path)
    assert code == 2 and str(path) in said
    assert path.read_text() == "in the way"


def test_data_directory_not_writable(world):
    """Root may write everywhere, so this is somebody else's program then."""
    path = world.directory / "locked"
    path.mkdir()
    command = [surroundings.EARSHOTD, "--listen", "127.0.0.1:0", "--data", path]
    if os.geteuid() == 0:
        world.directory.chmod(0o755)
        if subprocess.run(["setpriv", "--reuid", "65534", "--clear-groups", "--", "test", "-x", command[0]]).returncode:
            pytest.skip("the build directory is closed to others")
        command = ["setpriv", "--reuid", "65534", "--clear-groups", "--", *command]
    path.chmod(0o555)
    process = world.program(*command, stdin=subprocess.DEVNULL)
    assert process.exit_code() == 2
    assert str(path) in process.stderr


def test_a_database_from_a_newer_version(world):
    server = world.server()
    server.stop()
    with contextlib.closing(sqlite3.connect(server.data / "earshot.db")) as database:
        version = database.execute("pragma user_version").fetchone()[0]
        database.execute(f"pragma user_version = {version + 1000}")
        database.commit()
    code, said = earshotd(world, "--listen", "127.0.0.1:0", "--data", server.data)
    assert code == 2
    assert "newer" in said or "version" in said


def test_a_database_that_is_none(world):
    server = world.server()
    server.stop()
    database = server.data / "earshot.db"
    for extra in server.data.glob("earshot.db-*"):
        extra.unlink()
    database.write_bytes(b"this is not a database, and long enough to be taken for a header of one" * 100)
    code, said = earshotd(world, "--listen", "127.0.0.1:0", "--data", server.data)
    assert code == 2 and "earshot.db" in said
    assert database.read_bytes().startswith(b"this is not")


def test_a_broken_certificate(world):
    server = world.server()
    server.stop()
    server.certificate.write_text("-----BEGIN CERTIFICATE-----\nbm90IG9uZQ==\n-----END CERTIFICATE-----\n")
    code, said = earshotd(world, "--listen", "127.0.0.1:0", "--data", server.data)
    assert code == 2 and "cert.pem" in said
