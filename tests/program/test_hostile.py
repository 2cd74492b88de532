"""What a hostile or unlucky peer might try, found by looking for it."""

import contextlib
import sqlite3
import time

from harness.wire import framed, pb

CAN_PRIVATE = [pb.CAPABILITY_PRIVATE]


def private_peer(world, user):
    peer = world.peer()
    peer.hello(capabilities=CAN_PRIVATE)
    peer.welcomed(peer.done("login", user=user, password=f"{user}-password"))
    return peer


def test_an_answer_does_not_tell_the_blocked_who_is_here(world):
    """alice, blocked by bob, answers a request that was never made: the same happens whether bob is online or not."""
    world.server()
    alice, bob = private_peer(world, "alice"), private_peer(world, "bob")
    bob.done("startprivate", user="alice", channel=b"c" * 16)
    device = alice.expect("private_request").device
    bob.done("stopprivate", user="alice", channel=b"c" * 16)
    alice.expect("private_settled", outcome=pb.PrivateSettled.OUTCOME_CANCELLED)
    bob.done("block", user="alice")

    def probe(channel):
        answer = alice.request("answerprivate", user="bob", channel=channel, device=device, accept=False)
        assert answer.WhichOneof("body") == "done", answer
        alice.expect("private_settled", channel=channel, outcome=pb.PrivateSettled.OUTCOME_EXPIRED)

    probe(b"d" * 16)
    carol = world.peer("carol")
    bob.logout()
    carol.expect("event_presence", user="bob", online=False)
    probe(b"e" * 16)


def test_signals_do_not_throw_anybody_out(world):
    """Signals go to whom the sender likes: a flood of them must not cost the other end its session."""
    world.server("--rate-limit", 0)
    bob = world.peer(receive_buffer=4096)
    bob.hello(capabilities=CAN_PRIVATE)
    bob.welcomed(bob.done("login", user="bob", password="bob-password"))
    alice = private_peer(world, "alice")
    bob.done("startprivate", user="alice", channel=b"c" * 16)
    device = alice.expect("private_request").device
    for _ in range(500):  # 10 MB, of which bob reads nothing
        alice.send("signal", 0, user="bob", device=device, channel=b"c" * 16, payload=bytes(20000))
    alice.fence()
    alice.done("message", to="bob", body="still there?")
    bob.expect("event_message", body="still there?")
    bob.fence()
    bob.nothing("goodbye")


def crowd(server, count):
    """Accounts that were here a minute ago, written into the database of a server that is not running."""
    now = int(time.time() * 1000)
    with contextlib.closing(sqlite3.connect(server.data / "earshot.db")) as base:
        password = base.execute("SELECT password FROM account").fetchone()[0]
        for number in range(count):
            name = f"somebody-with-a-long-name-{number:06}"
            account = base.execute("INSERT INTO account(name, password, created) VALUES(?, ?, ?)", (name, password, now))
            base.execute("INSERT INTO login(account, began, ended) VALUES(?, ?, ?)",
                         (account.lastrowid, now - 60000, now - 30000))
        base.commit()


def test_a_list_longer_than_the_output(world):
    """The answer is written as the reader takes it: nobody is thrown out for asking who was here."""
    server = world.server("--output-buffer", 256 * 1024)
    server.stop()
    crowd(server, 30000)
    server.start()
    alice = world.peer("alice", receive_buffer=4096)
    bob = world.peer("bob")
    number = alice.send("whoelsesince", seconds=3600)
    after = alice.send("message", to="bob", body="afterwards")
    names, more = [], True
    while more:
        users = alice.answer(number).users
        names += users.users
        more = users.more
    assert len(names) == len(set(names)) == 30001 and names == sorted(names)
    assert alice.answer(after).WhichOneof("body") == "accepted"
    bob.expect("event_message", body="afterwards")


def test_long_lists_cost_what_they_are(world):
    """Nobody can keep the server busy with lists for all that come after."""
    server = world.server("--threads", 1, "--rate-limit", 500)
    server.stop()
    crowd(server, 30000)
    server.start()
    alice, bob = world.peer("alice"), world.peer("bob")
    alice.send_bytes(framed(alice.frame("whoelsesince", 0, seconds=3600)) * 3000)
    bob.request("ping")
    alice.refused("whoelsesince", "rate_limited", seconds=3600)


def test_broadcasts_do_not_throw_anybody_out(world):
    """One user cannot have all others dropped who do not read as fast as he writes."""
    world.server()
    alice, bob = world.peer("alice"), world.peer("bob", receive_buffer=4096)
    alice.send_bytes(framed(alice.frame("broadcast", 0, body="x" * 16000)) * 300)
    alice.refused("broadcast", "rate_limited", body="y")
    alice.done("ping")
    bob.expect("event_broadcast")
    bob.request("ping")
    bob.nothing("goodbye")


def test_the_database_is_deleted_while_it_is_served(world):
    """What no restart will find is not called stored."""
    server = world.server()
    alice, bob = world.peer("alice"), world.peer("bob")
    alice.done("message", to="bob", body="before")
    server.data.rename(server.data.with_suffix(".away"))
    alice.refused("message", "not_stored", to="bob", body="meanwhile")
    server.data.with_suffix(".away").rename(server.data)
    alice.done("message", to="bob", body="after")
    (server.data / "earshot.db").unlink()
    alice.refused("message", "not_stored", to="bob", body="never")
    for text in ("before", "after"):
        bob.expect("event_message", body=text)
    bob.fence()
    bob.nothing("event_message")
