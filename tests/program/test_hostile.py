"""What a hostile or unlucky peer might try, found by looking for it."""

from harness.wire import pb

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
