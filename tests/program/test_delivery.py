"""Acknowledged means on disk, and once. At the protocol's level, where a peer can die at the worst moment."""
import pytest

from harness.wire import pb


def bodies(peer, count):
    return [peer.expect("event_message").body.decode() for _ in range(count)]


def caught_up(peer):
    """Everything stored has been sent; what came before it."""
    horizon = peer.expect("caught_up").horizon
    return horizon, [frame.event_message.body.decode() for frame in peer.inbox if frame.HasField("event_message")]


def came_back(world, peer, **fields):
    """The same device on a new connection."""
    again = world.peer()
    again.number = peer.number
    again.resume(peer.token, **fields)
    return again


# ---- order, ids, stored ----


def test_order_and_ids(world):
    world.server()
    alice, bob = world.peer("alice"), world.peer("bob")
    numbers = [alice.send("message", to="bob", body=f"{count}") for count in range(200)]
    accepted = [alice.answer(number).accepted for number in numbers]
    messages = [bob.expect("event_message") for _ in numbers]
    assert [message.body for message in messages] == [f"{count}".encode() for count in range(200)]
    ids = [message.id for message in messages]
    assert ids == sorted(set(ids)) and ids[0] > 0
    assert ids == [answer.id for answer in accepted]
    assert [message.time_ms for message in messages] == [answer.time_ms for answer in accepted]
    assert len({message.conversation for message in messages}) == 1
    assert all(message.to == b"bob" and getattr(message, "from") == b"alice" and not message.stored for message in messages)


def test_one_conversation_both_ways(world):
    world.server()
    alice, bob = world.peer("alice"), world.peer("bob")
    first = alice.done("message", to="bob", body="there")
    there = bob.expect("event_message", body="there")
    second = bob.done("message", to="alice", body="and back")
    back = alice.expect("event_message", body="and back")
    assert there.conversation == back.conversation and second.id > first.id


def test_stored_in_order_of_arrival(world):
    world.server()
    alice, carol = world.peer("alice"), world.peer("carol")
    expected = []
    for count in range(20):
        sender = (alice, carol)[count % 2]
        sender.done("message", to="bob", body=f"{count}")
        expected.append(f"{count}")
    bob = world.peer("bob")
    messages = [bob.expect("event_message") for _ in expected]
    assert [message.body.decode() for message in messages] == expected
    assert all(message.stored for message in messages)
    alice.done("message", to="bob", body="live")
    assert not bob.expect("event_message", body="live").stored


@pytest.mark.parametrize("count, size", ((3000, 20), (300, 16384)))
def test_a_long_backlog(world, count, size):
    world.server("--rate-limit", 0)
    alice = world.peer("alice")
    for start in range(0, count, 100):
        numbers = [alice.send("message", to="bob", body=f"{at} ".ljust(size, ".")) for at in range(start, start + 100)]
        for number in numbers:
            assert alice.answer(number).HasField("accepted")
    bob = world.peer("bob")
    for at in range(count):
        message = bob.expect("event_message")
        assert message.body.startswith(f"{at} ".encode()) and message.stored
    alice.done("message", to="bob", body="after")
    assert bob.expect("event_message").body == b"after"


# ---- received or not ----


def test_what_was_not_acknowledged_comes_again(world):
    world.server()
    alice = world.peer("alice")
    for text in ("one", "two", "three"):
        alice.done("message", to="bob", body=text)
    bob = world.peer("bob")
    messages = [bob.expect("event_message") for _ in range(3)]
    bob.received(messages[1])
    bob.fence()
    bob.close()
    bob = world.peer("bob")
    assert caught_up(bob)[1] == ["three"]
    bob.received(messages[2])
    bob.fence()
    bob.close()
    assert caught_up(world.peer("bob"))[1] == []


def test_acknowledgements_survive_the_server(world):
    server = world.server()
    alice, bob = world.peer("alice"), world.peer("bob")
    alice.done("message", to="bob", body="one")
    alice.done("message", to="bob", body="two")
    first = bob.expect("event_message", body="one")
    bob.received(first)
    bob.logout()
    server.restart()
    assert caught_up(world.peer("bob"))[1] == ["two"]


def test_wrong_acknowledgements_change_nothing(world):
    world.server()
    alice, bob, carol = world.peer("alice"), world.peer("bob"), world.peer("carol")
    alice.done("message", to="bob", body="one")
    message = bob.expect("event_message", body="one")
    position = pb.Position(conversation=message.conversation, id=message.id)
    carol.send("received", 0, positions=[position])
    carol.fence()
    alice.send("received", 0, positions=[position])
    alice.fence()
    bob.send("received", 0, positions=[pb.Position(conversation=message.conversation, id=message.id + 10**6),
                                       pb.Position(conversation=10**15, id=1), pb.Position()])
    bob.fence()
    alice.done("message", to="bob", body="two")
    bob.expect("event_message", body="two")
    bob.close()
    again = caught_up(world.peer("bob"))[1]
    assert "two" in again, "an acknowledgement from the future must not swallow what comes later"


def test_an_older_acknowledgement_does_not_move_back(world):
    world.server()
    alice, bob = world.peer("alice"), world.peer("bob")
    messages = []
    for text in ("one", "two"):
        alice.done("message", to="bob", body=text)
        messages.append(bob.expect("event_message", body=text))
    bob.received(messages[1])
    bob.received(messages[0])
    bob.fence()
    bob.close()
    assert caught_up(world.peer("bob"))[1] == []


# ---- resent ----


@pytest.mark.parametrize("between", ("nothing", "kill9"))
def test_a_resent_message_is_stored_once(world, between):
    server = world.server()
    alice = world.peer("alice")
    accepted = alice.done("message", to="bob", body="once")
    number = alice.number
    if between == "kill9":
        server.kill9()
        server.start()
    else:
        alice.close()
    again = came_back(world, alice)
    assert again.last_number == number
    repeated = again.request("message", number, to="bob", body="once").accepted
    assert (repeated.id, repeated.time_ms) == (accepted.id, accepted.time_ms)
    again.done("message", to="bob", body="next")
    assert caught_up(world.peer("bob"))[1] == ["once", "next"]


def test_resent_on_the_same_connection(world):
    world.server()
    alice, bob = world.peer("alice"), world.peer("bob")
    numbers = [alice.send("message", 50, to="bob", body="once") for _ in range(5)]
    ids = {alice.answer(number).accepted.id for number in numbers}
    assert len(ids) == 1
    alice.done("message", number=51, to="bob", body="next")
    assert bodies(bob, 2) == ["once", "next"]


def test_the_answer_was_lost(world):
    """The peer dies without reading the answer; then either it was stored, and its number says so, or it was not."""
    world.server()
    alice, bob = world.peer("alice"), world.peer("bob")
    before = 0
    for round_number in range(5):
        number = alice.send("message", to="bob", body=f"{round_number}")
        alice.close()
        again = came_back(world, alice)
        assert again.last_number in (number, before)
        before = number
        again.request("message", number, to="bob", body=f"{round_number}")
        alice = again
        assert bob.expect("event_message").body == f"{round_number}".encode()
    alice.done("message", to="bob", body="end")
    assert bob.expect("event_message").body == b"end"


def test_resent_after_a_block(world):
    """Stored before the block: answered as the first time. What was not stored is refused, whatever its number."""
    world.server()
    alice, bob = world.peer("alice"), world.peer("bob")
    number = alice.send("message", to="bob", body="early")
    first = alice.answer(number).accepted.id
    assert bob.expect("event_message").body == b"early"
    bob.done("block", user="alice")
    again = came_back(world, alice)
    assert again.request("message", number, to="bob", body="early").accepted.id == first
    again.refused("message", "blocked", number=number - 1, to="bob", body="never stored")
    again.refused("message", "blocked", to="bob", body="late")
    bob.done("unblock", user="alice")
    again.done("message", to="bob", body="next")
    assert bob.expect("event_message").body == b"next"


def test_numbers_belong_to_a_device(world):
    world.server()
    one, other, bob = world.peer("alice"), world.peer("alice"), world.peer("bob")
    one.request("message", 100, to="bob", body="from one")
    other.request("message", 100, to="bob", body="from the other")
    assert sorted(bodies(bob, 2)) == ["from one", "from the other"]


# ---- resuming ----


def test_resume_goes_on_where_it_was(world):
    world.server()
    alice, bob = world.peer("alice"), world.peer("bob")
    horizon = bob.expect("caught_up").horizon
    alice.done("message", to="bob", body="seen")
    seen = bob.expect("event_message", body="seen")
    alice.done("message", to="bob", body="in flight")
    bob.close()
    alice.done("message", to="bob", body="while away")
    position = pb.Position(conversation=seen.conversation, id=seen.id)
    again = came_back(world, bob, continues=True, horizon=horizon, positions=[position])
    assert caught_up(again)[1] == ["in flight", "while away"]
    alice.done("message", to="bob", body="live")
    assert not again.expect("event_message", body="live").stored


def test_resume_with_everything_repeats_nothing(world):
    world.server()
    alice, bob = world.peer("alice"), world.peer("bob")
    horizon = bob.expect("caught_up").horizon
    alice.done("message", to="bob", body="seen")
    seen = bob.expect("event_message", body="seen")
    for _ in range(3):
        bob = came_back(world, bob, continues=True, horizon=horizon,
                        positions=[pb.Position(conversation=seen.conversation, id=seen.id)])
        later, texts = caught_up(bob)
        assert texts == []
        assert later >= seen.id
        horizon = later


def test_resume_survives_the_server(world):
    server = world.server()
    alice, bob = world.peer("alice"), world.peer("bob")
    horizon = bob.expect("caught_up").horizon
    alice.done("message", to="bob", body="one")
    one = bob.expect("event_message", body="one")
    alice.done("message", to="bob", body="two")
    server.kill9()
    server.start()
    again = came_back(world, bob, continues=True, horizon=horizon,
                      positions=[pb.Position(conversation=one.conversation, id=one.id)])
    assert caught_up(again)[1] == ["two"]


def test_nonsense_positions(world):
    world.server()
    alice, bob = world.peer("alice"), world.peer("bob")
    alice.done("message", to="bob", body="one")
    nonsense = [pb.Position(conversation=2**63, id=2**63), pb.Position(), pb.Position(conversation=2**64 - 1, id=2**64 - 1)]
    again = came_back(world, bob, continues=True, horizon=0, positions=nonsense)
    assert caught_up(again)[1] == ["one"]
    again = came_back(world, bob, continues=True, horizon=2**64 - 1, positions=[])
    again.expect("caught_up")
    alice.done("message", to="bob", body="two")
    again.expect("event_message", body="two")


# ---- several devices ----


def test_every_device_gets_it(world):
    world.server()
    phone, laptop, alice = world.peer("bob"), world.peer("bob"), world.peer("alice")
    alice.done("message", to="bob", body="both")
    one, other = (peer.expect("event_message", body="both") for peer in (phone, laptop))
    assert one.id == other.id


def test_own_devices_get_copies(world):
    world.server()
    phone, laptop, bob = world.peer("alice"), world.peer("alice"), world.peer("bob")
    accepted = phone.done("message", to="bob", body="from my phone")
    copy = laptop.expect("event_message", body="from my phone")
    assert (getattr(copy, "from"), copy.to, copy.id) == (b"alice", b"bob", accepted.id)
    bob.expect("event_message", body="from my phone")
    phone.fence()
    phone.nothing("event_message")


def test_a_device_that_was_away_gets_what_the_other_received(world):
    """One device's acknowledgement is not the other's: a device that resumes misses nothing."""
    world.server()
    phone, laptop, alice = world.peer("bob"), world.peer("bob"), world.peer("alice")
    horizon = phone.expect("caught_up").horizon
    phone.close()
    alice.done("message", to="bob", body="hello")
    message = laptop.expect("event_message", body="hello")
    laptop.received(message)
    laptop.fence()
    again = came_back(world, phone, continues=True, horizon=horizon)
    assert caught_up(again)[1] == ["hello"]


def test_the_same_device_twice(world):
    """The newer connection replaces the older."""
    world.server()
    bob, alice = world.peer("bob"), world.peer("alice")
    older = world.peer("alice")
    newer = came_back(world, older)
    older.expect("goodbye", reason=pb.Goodbye.REASON_REPLACED)
    older.closed()
    newer.fence()
    bob.fence()
    bob.nothing("event_presence", user="alice", online=False)
    alice.logout()
    newer.logout()
    bob.expect("event_presence", user="alice", online=False)


# ---- the client's side of it ----


def test_the_client_goes_on_after_a_kill(world):
    """What was sent into a dead connection is resent by the client itself, and arrives once."""
    server = world.server()
    alice, bob = world.client("alice"), world.client("bob")
    for round_number in range(2):
        server.kill9()
        texts = [f"{round_number}.{count}" for count in range(5)]
        numbers = [alice.send(f"message bob {text}") for text in texts]
        server.start()
        for number in numbers:
            assert alice.answer(number)["event"] == "ok"
        assert [bob.expect("message")["body"] for _ in texts] == texts
    bob.fence()
    bob.nothing("message")


def test_fields_of_the_events(world):
    world.server()
    alice = world.client("alice")
    answer = alice.ok("message bob waits")
    bob = world.client("bob")
    message = bob.expect("message")
    assert {"event", "from", "body", "id", "time", "stored"} <= message.keys()
    assert message["id"] == answer["id"] and message["stored"] is True
    assert message["time"].endswith("Z") and "T" in message["time"]
    alice.ok("message bob live")
    assert bob.expect("message", body="live")["stored"] is False
    alice.ok("broadcast all")
    broadcast = bob.expect("broadcast")
    assert (broadcast["from"], broadcast["body"]) == ("alice", "all") and broadcast["time"].endswith("Z")
