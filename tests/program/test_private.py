"""Private channels between real clients over loopback: consent, texts, trust, and what happens when something dies."""
import re
import signal

import pytest

from harness import surroundings
from harness.server import password_of
from harness.wire import pb
from test_terminal import at_prompt, open_terminal

SECRET = "between us and nobody else"
OPEN = {"path": "direct", "safety": re.compile(r"\d{4} \d{4} \d{4}").fullmatch, "verified": False}


def introduce(asker, answerer, **fields):
    """A channel from one to the other; both safety codes."""
    asker.ok(f"startprivate {answerer.name}")
    answerer.expect("private_request", sender=asker.name)
    answerer.ok(f"yes {asker.name}")
    fields = {**OPEN, **fields}
    codes = [asker.expect("private_open", **{"with": answerer.name}, **fields)["safety"],
             answerer.expect("private_open", **{"with": asker.name})["safety"]]
    assert codes[0] == codes[1]
    return codes[0]


def say(sender, receiver, text):
    sender.ok(f"private {receiver.name} {text}")
    receiver.expect("private", sender=sender.name, body=text)


def stop(sender, receiver):
    sender.ok(f"stopprivate {receiver.name}")
    sender.expect("private_closed", **{"with": receiver.name}, reason="stopped")
    receiver.expect("private_closed", **{"with": sender.name}, reason="stopped")


@pytest.fixture
def pair(world):
    world.server()
    return world.client("alice"), world.client("bob")


def test_both_talk_and_one_stops(pair):
    alice, bob = pair
    introduce(alice, bob)
    say(alice, bob, "hello")
    say(bob, alice, "hello yourself")
    stop(bob, alice)
    assert alice.refused("private bob still there", "no_private")["n"]
    bob.refused("stopprivate alice", "no_private")


def test_who_hides_has_no_channel_without_a_relay(world):
    world.server()
    alice, bob = world.client("alice", "--hide-address"), world.client("bob")
    asked = alice.send("startprivate bob")
    bob.expect("private_request", sender="alice")
    bob.send("yes alice")
    failed = alice.expect("error", n=asked)
    assert failed["code"] == "private_failed" and "relay" in failed["text"], failed
    bob.expect("error", code="private_failed")
    asked = bob.send("startprivate alice")
    alice.expect("private_request", sender="bob")
    alice.send("yes bob")
    alice.expect("error", code="private_failed")
    assert bob.expect("error", n=asked)["code"] == "private_failed"


def test_codes_differ_between_channels(pair):
    alice, bob = pair
    first = introduce(alice, bob)
    stop(alice, bob)
    assert introduce(bob, alice) != first


def test_a_thousand_texts_each_way_in_order(pair):
    alice, bob = pair
    introduce(alice, bob)
    asked = {client: [client.send(f"private {other.name} {i}: {SECRET}") for i in range(1000)]
             for client, other in ((alice, bob), (bob, alice))}
    for client, other in ((alice, bob), (bob, alice)):
        for number in asked[client]:
            assert client.answer(number)["event"] == "ok"
        other.expect("private", body=f"999: {SECRET}")  # each says what it has on a pipe of its own
        bodies = [event["body"] for event in other.seen if event["event"] == "private"]
        assert bodies == [f"{i}: {SECRET}" for i in range(1000)]


def test_the_longest_text_and_lines(pair):
    alice, bob = pair
    introduce(alice, bob)
    say(alice, bob, "x" * 16384)
    say(alice, bob, "gr\u00fc\u00df dich \U0001f600\ttab")
    alice.refused("private bob " + "x" * 16385, "too_long")
    alice.refused("private bob \x1b[2J", "bad_text")


def test_asking_again(pair):
    alice, bob = pair
    alice.ok("startprivate bob")
    assert "asked already" in alice.refused("startprivate bob", "usage")["text"]
    bob.expect("private_request", sender="alice")
    bob.ok("startprivate alice")  # a yes
    alice.expect("private_open")
    assert "open already" in alice.refused("startprivate bob", "usage")["text"]


def test_declined_with_the_number_of_the_line(pair):
    alice, bob = pair
    number = alice.send("startprivate bob")
    assert alice.answer(number)["event"] == "ok"
    bob.expect("private_request")
    bob.ok("no")
    assert alice.expect("error", code="declined")["n"] == number
    introduce(alice, bob)


def test_nobody_answers(world):
    world.server("--private-timeout", 5)
    alice, bob = world.client("alice"), world.client("bob")
    alice.ok("startprivate bob")
    assert "in time" in alice.expect("error", code="declined", n=1)["text"]
    bob.expect("private_request")
    bob.expect("private_closed", reason="expired", **{"with": "alice"})
    bob.refused("yes", "no_private")


def test_blocked(pair):
    alice, bob = pair
    bob.ok("block alice")
    alice.refused("startprivate bob", "blocked")
    bob.fence()
    bob.nothing("private_request")
    bob.ok("unblock alice")
    introduce(alice, bob)


def test_private_texts_put_the_inactivity_timeout_off(world):
    """Though the server sees nothing of them. What arrives does not: bob, who only listens, is logged out."""
    world.server("--timeout", 1, "--rate-limit", 0)
    alice, bob = world.client("alice"), world.client("bob")
    introduce(alice, bob)
    while not bob.waiting("disconnected"):
        alice.ask("private bob still here")
    alice.fence()
    alice.nothing("disconnected")
    assert bob.expect("disconnected")["reason"] == "timeout"
    assert bob.exit_code() == 5


def test_private_texts_put_a_timeout_off_that_came_later(world):
    """With the first one after it, or if that was before, at once."""
    settings = world.directory / "earshotd.conf"
    settings.write_text("timeout = 0\n")
    server = world.server("--config", settings, "--rate-limit", 0)
    alice, bob = world.client("alice"), world.client("bob")
    introduce(alice, bob)
    settings.write_text("timeout = 1\n")
    server.process.signal(signal.SIGHUP)
    while not bob.waiting("disconnected"):
        alice.ask("private bob still here")
    alice.fence()
    alice.nothing("disconnected")
    assert bob.expect("disconnected")["reason"] == "timeout"


def test_who_blocks_may_ask(pair):
    alice, bob = pair
    bob.ok("block alice")
    introduce(bob, alice)
    say(bob, alice, "you may answer here")
    say(alice, bob, "and nowhere else")
    alice.refused("message bob psst", "blocked")
    stop(alice, bob)
    alice.refused("startprivate bob", "blocked")


def test_an_invitation_is_for_one_channel(world):
    """Who is blocked may signal on the channel that they were asked for, and learns no more by that than with it."""
    world.server()
    alice, bob = world.peer(), world.peer()
    for user, peer in (("alice", alice), ("bob", bob)):
        peer.hello(capabilities=[pb.CAPABILITY_PRIVATE])
        peer.welcomed(peer.done("login", user=user, password=password_of(user)))
    bob.done("block", user="alice")
    channel, nonce = b"c" * 16, b"n" * 16
    bob.done("startprivate", user="alice", channel=channel)
    device = alice.expect("private_request", channel=channel).device
    signal = {"user": "bob", "device": device, "payload": b"x"}
    alice.refused("signal", "blocked", channel=channel, **signal)
    alice.done("answerprivate", user="bob", accept=True, channel=channel, device=device, nonce=nonce)
    alice.expect("private_settled", channel=channel)
    alice.done("signal", channel=channel, **signal)
    bob.expect("signal", channel=channel, payload=b"x")
    alice.refused("signal", "blocked", channel=b"d" * 16, **signal)
    alice.done("signal", channel=channel, **{**signal, "device": device + 1000})
    bob.close()
    carol = world.peer("carol")
    world.hub.wait(lambda: b"bob" not in carol.done("whoelse").users, "bob to be gone")
    alice.done("signal", channel=channel, **signal)


def test_both_ask_at_once(pair):
    alice, bob = pair
    for client, other in ((alice, "bob"), (bob, "alice")):
        client.send(f"startprivate {other}")
    codes = [client.expect("private_open")["safety"] for client in pair]
    assert codes[0] == codes[1]
    say(alice, bob, "once")


def test_the_other_devices_are_told(world):
    world.server()
    alice, bob, phone = world.client("alice"), world.client("bob"), world.client("bob", label="phone")
    alice.ok("startprivate bob")
    for device in (bob, phone):
        device.expect("private_request", sender="alice")
    phone.ok("yes alice")
    phone.expect("private_open")
    assert "another device" in bob.expect("private_closed", **{"with": "alice"})["reason"]
    alice.ok("private bob hi")
    phone.expect("private", body="hi")
    bob.fence()
    bob.nothing("private")


def test_several_channels(world):
    world.server()
    alice, bob, carol = (world.client(user) for user in ("alice", "bob", "carol"))
    introduce(alice, bob)
    introduce(carol, alice)
    say(alice, bob, "for bob")
    say(alice, carol, "for carol")
    stop(alice, bob)
    say(carol, alice, "still here")
    bob.fence()
    bob.nothing("private")


# ---- what dies ----


def test_texts_go_on_while_the_server_is_dead(world):
    server = world.server()
    alice, bob = world.client("alice"), world.client("bob")
    introduce(alice, bob)
    early = [alice.send(f"private bob early {i}") for i in range(200)]
    server.kill9()
    alice.expect("disconnected")
    say(alice, bob, "without a server")
    say(bob, alice, "indeed")
    for number in early:
        assert alice.answer(number)["event"] == "ok"
    server.start()
    for client in (alice, bob):
        client.expect("online", seconds=30)
    say(alice, bob, "and with one again")
    bodies = [event["body"] for event in bob.seen if event["event"] == "private"]
    assert bodies == [f"early {i}" for i in range(200)] + ["without a server", "and with one again"]


def test_a_stopping_server_ends_channels_in_order(world):
    server = world.server()
    alice, bob = world.client("alice"), world.client("bob")
    introduce(alice, bob)
    server.stop()
    for client in (alice, bob):
        client.expect("private_closed")
        client.expect("goodbye")
        assert client.exit_code() == 5


def test_logout_is_told(pair):
    alice, bob = pair
    introduce(alice, bob)
    alice.ok("private bob last words")
    alice.logout()
    bob.expect("private", body="last words")
    bob.expect("private_closed", **{"with": "alice"}, reason="logged out")


def test_end_of_input_waits_for_the_texts(pair):
    alice, bob = pair
    introduce(alice, bob)
    for i in range(100):
        alice.send(f"private bob {i}")
    alice.end_input()
    assert alice.exit_code() == 0
    for i in range(100):
        bob.expect("private", body=str(i))
    assert len([event for event in alice.seen if event.get("command") == "private" and event["event"] == "ok"]) == 100


@pytest.mark.slow
def test_a_killed_client_is_noticed(pair):
    alice, bob = pair
    introduce(alice, bob)
    bob.kill()
    lost = alice.send("private bob into the void")
    assert alice.answer(lost, seconds=35)["code"] == "private_failed"
    assert alice.expect("private_closed")["reason"] == "lost"
    alice.refused("private bob anybody", "no_private")


def test_a_killed_client_comes_back_and_asks(world):
    world.server()
    alice, bob = world.client("alice"), world.client("bob")
    introduce(alice, bob)
    bob.signal(signal.SIGKILL)
    bob = world.client("bob")
    bob.ok("startprivate alice")
    alice.expect("private_request", sender="bob")
    alice.ok("yes")
    alice.expect("private_closed", reason="replaced")
    alice.expect("private_open")
    say(bob, alice, "back again")


# ---- trust ----


def test_verified_is_kept(world):
    world.server()
    alice, bob = world.client("alice"), world.client("bob")
    introduce(alice, bob)
    alice.ok("verify bob")
    stop(alice, bob)
    introduce(alice, bob, verified=True)
    stop(alice, bob)
    alice.logout()
    alice = world.client("alice")
    introduce(alice, bob, verified=True)


def test_a_changed_key_stops_the_channel_until_it_is_trusted(world):
    world.server()
    alice, bob = world.client("alice"), world.client("bob")
    introduce(alice, bob)
    stop(alice, bob)
    bob.logout()
    identity = world.state("bob") / "identity"
    assert identity.stat().st_mode & 0o777 == 0o600
    identity.unlink()
    bob = world.client("bob")
    alice.refused("trust bob", "usage")
    for _ in range(2):
        alice.ok("startprivate bob")
        bob.expect("private_request")
        bob.ok("yes")
        error = alice.expect("error", code="private_failed")
        assert "key of bob has changed" in error["text"] and "trust bob" in error["text"]
        shown = bob.expect("error", code="private_failed")
        known, offered = re.findall("SHA256:[0-9a-f:]+", error["text"])
        assert known != offered
        assert offered in shown["text"], "the two must be able to compare it"
    assert len([event for event in alice.seen if event["event"] == "private_open"]) == 1
    assert alice.ok("trust bob")["fingerprint"] == offered
    introduce(alice, bob)


# ---- nothing of it reaches the server ----


def test_the_server_never_has_the_text(world):
    server = world.server("--log-level", "debug")
    alice, bob, carol = (world.client(user) for user in ("alice", "bob", "carol"))
    introduce(alice, bob)
    for i in range(50):
        say(alice, bob, f"{i} {SECRET}")
    server.kill9()
    say(bob, alice, f"while it is dead {SECRET}")
    server.start()
    for client in (alice, bob):
        client.expect("online", seconds=30)
    stop(alice, bob)
    alice.refused(f"private bob {SECRET}", "no_private")
    alice.ok("message carol not a secret")
    carol.expect("message", body="not a secret", seconds=30)
    server.stop()
    kept = b"".join(path.read_bytes() for path in server.directory.glob("**/*") if path.is_file())
    assert b"not a secret" in kept and SECRET.encode() not in kept


# ---- at a terminal ----


def test_at_a_terminal(world):
    world.server()
    bob = world.client("bob")
    alice = open_terminal(world, "alice")
    question = "bob asks for a private channel: yes or no?"
    bob.ok("startprivate alice")
    alice.wait_text(question)
    alice.type("n")
    bob.expect("error", code="declined")
    bob.ok("startprivate alice")
    alice.wait(lambda screen: screen.text.count(question) == 2, "the question once more")
    alice.wait(at_prompt("alice"), "an empty prompt")
    alice.type("y")
    code = bob.expect("private_open")["safety"]
    alice.wait_text(code)
    bob.ok("private alice psst")
    alice.wait_text("[private] bob: psst")
    alice.type("private bob what")
    bob.expect("private", body="what")
    bob.ok("stopprivate alice")
    alice.wait_text("[private] closed with bob: stopped")
