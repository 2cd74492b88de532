"""Presence is true: who is here, who was, and who is gone without a word."""
import select
import signal

import pytest

from harness import surroundings
from harness.wire import pb


def quiet(peer, seconds):
    """Whether nothing has come for so long; a goodbye is what the caller waits for."""
    return not peer.buffer and not peer.sock.pending() and not select.select([peer.sock], [], [], seconds)[0]


def test_first_and_last_session(world):
    world.server()
    watcher = world.peer("carol")
    one, other = world.peer("alice"), world.peer("alice")
    watcher.expect("event_presence", user="alice", online=True)
    one.logout()
    watcher.fence()
    watcher.nothing("event_presence")
    other.logout()
    watcher.expect("event_presence", user="alice", online=False)
    watcher.fence()
    watcher.nothing("event_presence")


def test_not_to_oneself(world):
    world.server()
    one, other = world.peer("alice"), world.peer("alice")
    world.peer("bob")
    one.expect("event_presence", user="bob", online=True)
    other.expect("event_presence", user="bob", online=True)
    for peer in (one, other):
        peer.nothing("event_presence", user="alice")


def test_a_lost_connection_is_a_departure(world):
    world.server()
    watcher, peer = world.peer("carol"), world.peer("alice")
    watcher.expect("event_presence", user="alice", online=True)
    peer.close()
    watcher.expect("event_presence", user="alice", online=False)


def test_a_killed_client_is_a_departure(world):
    world.server()
    watcher = world.client("carol")
    client = world.client("alice")
    watcher.expect("presence", user="alice", online=True)
    client.kill()
    watcher.expect("presence", user="alice", online=False)


def test_quick_returns_end_with_the_truth(world):
    """Somebody who comes and goes faster than it can be told: steps may be left out, the last word may not be wrong."""
    world.server()
    watcher = world.peer("carol")
    peer = world.peer("alice")
    token = peer.token
    peer.close()
    for _ in range(10):
        peer = world.peer()
        peer.resume(token)
        peer.close()
    world.hub.wait(lambda: b"alice" not in watcher.done("whoelse").users, "alice to be gone")
    world.peer("bob")
    watcher.expect("event_presence", user="bob", online=True)
    told = [frame.event_presence.online for frame in watcher.waiting("event_presence", user="alice")]
    assert told and told[-1] is False, told


def test_login_without_a_session_is_not_presence(world):
    """Who has connected but not logged in is nobody."""
    world.server()
    watcher = world.peer("carol")
    stranger = world.peer()
    stranger.hello()
    stranger.done("identify", user="alice")
    assert list(watcher.done("whoelse").users) == []
    assert list(watcher.done("whoelsesince", seconds=3600).users) == []


@pytest.mark.parametrize("end", ("stop", "kill9"))
def test_history_survives_the_server(world, end):
    server = world.server()
    world.peer("alice").logout()
    bob = world.peer("bob")
    bob.done("message", to="alice", body="on disk, and so is all before")
    if end == "stop":
        bob.logout()
    getattr(server, end)()
    server.start()
    carol = world.peer("carol")
    assert list(carol.done("whoelse").users) == []
    assert list(carol.done("whoelsesince", seconds=3600).users) == [b"alice", b"bob"]


def test_history_has_bounds(world):
    """A session that ended before the window is not in it."""
    world.server()
    world.peer("alice").logout()
    bob = world.peer("bob")
    bob.expect("caught_up")
    world.hub.wait(lambda: list(bob.done("whoelsesince", seconds=1).users) == [], "alice to be more than a second ago")
    assert list(bob.done("whoelsesince", seconds=3600).users) == [b"alice"]


def test_a_session_that_lasts_is_in_every_window(world):
    world.server()
    world.peer("alice").logout()
    bob, carol = world.peer("bob"), world.peer("carol")
    world.hub.wait(lambda: list(carol.done("whoelsesince", seconds=1).users) == [b"bob"], "alice to be more than a second ago")
    bob.fence()


# ---- inactivity ----


def test_commands_count_and_heartbeats_do_not(world):
    world.server("--timeout", 1, "--rate-limit", 0)
    busy, idle = world.peer("bob"), world.peer("alice")
    goodbyes = []
    while not goodbyes:
        busy.fence()
        idle.send("ping")
        quiet(busy, 0.05)
        try:
            while not quiet(idle, 0.05):
                frame = idle.read()
                if frame.HasField("goodbye"):
                    goodbyes.append(frame.goodbye)
                    break
        except AssertionError as problem:
            raise AssertionError("logged out without a goodbye") from problem
    assert goodbyes[0].reason == pb.Goodbye.REASON_TIMEOUT
    busy.fence()
    busy.expect("event_presence", user="alice", online=False)


def test_what_arrives_does_not_count(world):
    """Only what one does oneself keeps a session alive."""
    world.server("--timeout", 1, "--rate-limit", 0)
    alice, bob = world.client("alice"), world.client("bob")
    count = 0
    while not alice.waiting("disconnected"):
        count += 1
        bob.ok(f"message alice {count}")
        world.hub.turn(0.05)
        assert count < 2000
    assert alice.expect("disconnected")["reason"] == "timeout"
    assert alice.exit_code() == 5


def test_no_timeout_is_the_default(world):
    server = world.server()
    assert "--timeout" not in server.args
    client = world.client("alice")
    client.fence()


# ---- silence ----


@pytest.mark.slow
def test_silent_death_shows_within_45_seconds(world):
    """A client that is stopped, and a peer whose network swallows everything, are gone within the bound."""
    world.server()
    watcher = world.client("carol")
    stopped = world.client("alice")
    silent = world.peer("bob")
    watcher.expect("presence", user="bob", online=True)
    stopped.signal(signal.SIGSTOP)
    try:
        watcher.expect("presence", user="alice", online=False, seconds=45 / surroundings.SLOW)
        watcher.expect("presence", user="bob", online=False, seconds=45 / surroundings.SLOW)
    finally:
        stopped.signal(signal.SIGCONT)
    assert silent.closed() is not None
    stopped.expect("online", seconds=30)


@pytest.mark.slow
def test_who_does_not_log_in_is_sent_away(world):
    world.server()
    mute, talker = world.peer(), world.peer()
    talker.hello()
    mute.closed(seconds=120)
    talker.closed(seconds=120)
