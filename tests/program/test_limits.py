"""Caps and rates: whoever asks for too much is told, and nobody else notices."""
import contextlib

from harness import memory, surroundings
from harness.control import Control
from harness.server import password_of
from harness.wire import Closed, code_name, pb


def refused(world, source="127.0.0.1"):
    """True if a further connection is turned away."""
    try:
        peer = world.peer(source=source)
        peer.hello()
    except (Closed, OSError):
        return True
    except AssertionError:
        return True
    peer.close()
    return False


def test_connections_per_address(world):
    world.server("--max-connections-per-address", 3)
    peers = [world.peer(name) for name in ("alice", "bob", "carol")]
    assert refused(world)
    assert not refused(world, "127.0.0.9"), "another address is not concerned"
    for peer in peers:
        peer.fence()
    peers.pop().close()
    world.hub.wait(lambda: not refused(world), "the place that became free")


def test_connections_in_all(world):
    world.server("--max-connections", 3)
    peers = [world.peer(name) for name in ("alice", "bob", "carol")]
    assert refused(world) and refused(world, "127.0.0.9")
    for peer in peers:
        peer.fence()
    peers.pop().close()
    world.hub.wait(lambda: not refused(world, "127.0.0.9"), "the place that became free")


def test_who_connects_and_says_nothing_counts(world):
    world.server("--max-connections-per-address", 5)
    mute = [world.peer() for _ in range(5)]
    assert refused(world)
    for peer in mute:
        peer.close()
    world.hub.wait(lambda: not refused(world), "places again")


# ---- rates ----


def test_too_many_commands(world):
    """The answer says when to try again, and then it works."""
    world.server("--rate-limit", 10, "--rate-burst", 20)
    bob = world.peer("bob")
    alice = world.peer("alice")
    numbers = [alice.send("message", to="bob", body=f"{count}") for count in range(60)]
    frames = [alice.answer(number) for number in numbers]
    errors = [frame.error for frame in frames if frame.HasField("error")]
    accepted = [count for count, frame in enumerate(frames) if frame.HasField("accepted")]
    assert errors and len(accepted) >= 5
    assert {code_name(error.code) for error in errors} == {"rate_limited"}
    assert all(error.retry_after >= 1 and error.text for error in errors)
    bob.fence()
    world.hub.wait(lambda: alice.request("message", to="bob", body="later").HasField("accepted"), "the rate to allow one more")
    got = []
    while "later" not in got:
        got.append(bob.expect("event_message").body.decode())
    assert got == [*map(str, accepted), "later"], "what was refused does not arrive"


def test_numbers_that_are_looked_for_in_vain(world):
    """They cost the store a search, so they cost their sender as much. Those that are resent after a broken line are found at once."""
    world.server("--rate-limit", 1, "--rate-burst", 3200)
    alice = world.peer("alice")
    stored = {}
    for first in range(10000, 12000, 500):
        for number in range(first, first + 500):
            alice.send("message", number, to="bob", body="new")
        stored |= {number: alice.answer(number).accepted.id for number in range(first, first + 500)}
    for number in range(11950, 12000):
        assert alice.request("message", number, to="bob", body="new").accepted.id == stored[number]
    answers = [alice.request("message", number, to="bob", body="low") for number in range(100, 200)]
    refused = [frame.error for frame in answers if frame.HasField("error")]
    assert len(refused) > 40 and {code_name(error.code) for error in refused} == {"rate_limited"}


def test_one_users_rate_is_not_anothers(world):
    world.server("--rate-limit", 1, "--rate-burst", 20)
    alice, bob = world.peer("alice"), world.peer("bob")
    while alice.request("whoelse").HasField("users"):
        pass
    assert bob.request("whoelse").HasField("users")


def test_the_client_tells_it(world):
    world.server("--rate-limit", 1, "--rate-burst", 20)
    alice = world.client("alice")
    numbers = [alice.send("whoelse") for _ in range(60)]
    answers = [alice.answer(number) for number in numbers]
    limited = [answer for answer in answers if answer["event"] == "error"]
    assert limited and all(answer["code"] == "rate_limited" and answer["retry_after"] >= 1 for answer in limited)


def failed(world, user, source="127.0.0.1"):
    peer = world.peer(source=source)
    peer.hello()
    error = peer.request("login", user=user, password="not-the-password").error
    peer.close()
    return error


def test_failed_logins_per_address(world):
    """Guessing one password on many accounts is slowed down as well."""
    world.server("--max-logins-per-minute", 5, accounts=[f"user{count}" for count in range(12)])
    device = world.peer("user0")
    device.close()
    errors = [failed(world, f"user{count}") for count in range(12)]
    codes = [code_name(error.code) for error in errors]
    assert codes.count("wrong_password") <= 6 and "rate_limited" in codes
    limited = errors[-1]
    assert code_name(limited.code) == "rate_limited" and limited.retry_after >= 1
    assert code_name(failed(world, "user9", "127.0.0.7").code) == "wrong_password", "another address is not concerned"
    again = world.peer()
    again.resume(device.token)
    again.fence()


def test_too_many_logins_at_once(world):
    """Passwords are hashed by few threads, and only so many wait for them; the others are told to try again."""
    world.server("--hash-threads", 1, "--hash-queue", 2, "--max-logins-per-minute", 0)
    peers = [world.peer() for _ in range(16)]
    for peer in peers:
        peer.hello()
    numbers = [peer.send("login", user="alice", password=password_of("alice")) for peer in peers]
    frames = [peer.answer(number) for peer, number in zip(peers, numbers)]
    errors = [frame.error for frame in frames if frame.HasField("error")]
    assert any(frame.HasField("welcome") for frame in frames)
    assert all(code_name(error.code) in ("unavailable", "rate_limited") and error.retry_after >= 1 for error in errors), errors
    world.peer("bob").fence()


# ---- slow readers ----


def test_a_slow_reader_is_dropped_and_its_messages_are_safe(world):
    world.server("--rate-limit", 0, "--output-buffer", "256K")
    alice, carol = world.peer("alice"), world.peer("carol")
    bob = world.peer("bob", receive_buffer=4096)
    alice.expect("event_presence", user="bob", online=True)
    texts = []
    for count in range(40):
        texts.append(f"message {count}")
        alice.done("message", to="bob", body=texts[-1])
    gone = False
    for count in range(2000):
        alice.done("broadcast", body=f"{count} ".ljust(16000, "."))
        gone = bool(alice.waiting("event_presence", user="bob", online=False))
        carol.expect("event_broadcast")
        if gone:
            break
    assert gone, "a reader that reads nothing is kept for ever"
    texts.append("after")
    alice.done("message", to="bob", body="after")
    again = world.peer("bob")
    assert [again.expect("event_message").body.decode() for _ in texts] == texts
    bob.close()


def test_a_slow_reader_with_a_long_backlog(world):
    """What waits for somebody comes as fast as it is read: a backlog larger than every buffer is no reason to drop anyone."""
    world.server("--rate-limit", 0, "--output-buffer", "256K")
    alice = world.peer("alice")
    numbers = [alice.send("message", to="bob", body=f"{count} ".ljust(16000, ".")) for count in range(150)]
    for number in numbers:
        assert alice.answer(number).HasField("accepted")
    bob = world.peer("bob", receive_buffer=4096)
    for _ in range(3):
        alice.fence()
    for count in range(150):
        assert bob.expect("event_message").body.startswith(f"{count} ".encode())


def test_a_peer_that_asks_without_reading(world):
    """Requests whose answers nobody reads do not fill the server's memory: it stops taking them, or drops who sends them."""
    server = world.server("--rate-limit", 0, "--output-buffer", "256K")
    alice = world.peer("alice", receive_buffer=4096)
    other = world.peer("bob")
    before = memory.resident(server.process)
    request = pb.ClientFrame(number=7, whoelsesince=pb.WhoElseSince(seconds=60))
    data = b"".join([b"\x06" + request.SerializeToString()] * 2000)
    assert len(request.SerializeToString()) == 6
    alice.sock.settimeout(0.5)
    taken = 0
    with contextlib.suppress(TimeoutError, OSError):
        while taken < 64 << 20:
            alice.sock.sendall(data)
            taken += len(data)
            other.fence()
    other.fence()
    gone = b"alice" not in other.done("whoelse").users
    assert gone or taken < 64 << 20, "it takes everything and keeps the answers"
    if not surroundings.sanitized():
        assert memory.resident(server.process) - before < 32 << 20


def test_the_quota(world):
    """Messages that wait for one user are not without limit; the sender is told."""
    world.server("--quota-messages", 5)
    alice = world.peer("alice")
    answers = [alice.request("message", to="bob", body=f"{count}") for count in range(8)]
    kept = [count for count, frame in enumerate(answers) if frame.HasField("accepted")]
    assert kept == [0, 1, 2, 3, 4]
    assert all(frame.HasField("error") and frame.error.text for frame in answers[5:])
    bob = world.peer("bob")
    for count in kept:
        message = bob.expect("event_message", body=f"{count}")
    bob.received(message)
    bob.fence()
    world.hub.wait(lambda: alice.request("message", to="bob", body="room again").HasField("accepted"), "room again")
    assert bob.expect("event_message").body == b"room again"


def test_devices_per_account(world):
    """The longest unused goes first, and must log in with the password again."""
    world.server("--devices-per-account", 3)
    devices = []
    for _ in range(4):
        device = world.peer("alice")
        device.close()
        devices.append(device)
    again = world.peer()
    again.hello()
    again.refused("resume", "bad_token", token=devices[0].token)
    again.welcomed(again.done("login", user="alice", password=password_of("alice")))


def test_a_connected_device_is_in_use(world):
    """One that only listens does not make room for those that log in and are never seen again."""
    control = Control(world.server("--devices-per-account", 3, "--threads", 2))
    listener = world.peer("alice")
    devices = []
    for _ in range(5):
        device = world.peer("alice")
        device.close()
        devices.append(device)
        world.hub.wait(lambda: control.status()["sessions"] == 1, "its end to be seen")
    listener.fence()
    listener.nothing("goodbye")
    again = world.peer()
    again.hello()
    again.refused("resume", "bad_token", token=devices[0].token)
    again.welcomed(again.done("resume", token=devices[-1].token))
