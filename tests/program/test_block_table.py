"""Block means block: every cell of (what) x (direction) x (situation).

B has blocked A. The rules, which the cells below check one by one:

    what           A towards B                                              B towards A
    message        refused with `blocked`, B online or not                  arrives, or waits
    broadcast      does not reach B; A learns that somebody was left out    arrives
    presence       A is not told when B comes and goes                      B is told of A
    whoelse        B is not in A's list                                     A is in B's
    whoelsesince   B is not in A's list, online or offline since            A is in B's
    private        the request is refused with `blocked`, B online or not   asked, or `offline`

"queued" is what was under way when the block came: a message that was accepted before and not yet received is withheld while the
block stands, and comes at a login after it is lifted; broadcasts are never queued; who was visible before is hidden at once. After
`unblock` everything is as before.
"""
import os
import itertools

import pytest

from harness.wire import pb

SITUATIONS = ("online", "offline", "queued", "unblocked")
PRIVATE = [pb.CAPABILITY_PRIVATE]
counter = itertools.count()


class Cell:
    """Two accounts of their own on the shared server, and a witness whom nobody blocks."""

    def __init__(self, world, witness):
        number = next(counter)
        self.world, self.witness = world, witness
        self.blocked, self.blocker = f"blocked{number}", f"blocker{number}"
        self.peers = {}
        for name in (self.blocked, self.blocker):
            self.peers[name] = self.connect(name, "register")

    def connect(self, name, how="login"):
        peer = self.world.peer(label=f"{name}/{len(self.world.peers)}")
        peer.hello(capabilities=PRIVATE)
        peer.welcomed(peer.done(how, user=name, password=f"{name}-password"))
        peer.expect("caught_up")
        self.peers[name] = peer
        self.witness.expect("event_presence", user=name, online=True)
        return peer

    def leave(self, name):
        """Gone, and everybody knows who may."""
        self.peers.pop(name).logout()
        self.witness.expect("event_presence", user=name, online=False)

    def __getitem__(self, name):
        return self.peers[name]

    def block(self):
        self[self.blocker].done("block", user=self.blocked)

    def unblock(self):
        self[self.blocker].done("unblock", user=self.blocked)

    def settle(self, name):
        """What was under way to this user has arrived."""
        self.witness.fence()
        for peer in self.peers.values():
            peer.fence()
        self[name].fence()

    def sees(self, name, other, kind="whoelse", **fields):
        return other.encode() in self[name].done(kind, **fields).users


@pytest.fixture(scope="module")
def witness(shared_world):
    shared_world.server("--rate-limit", 0, accounts=("witness",))
    return shared_world.peer("witness")


@pytest.fixture
def cell(shared_world, witness):
    cell = Cell(shared_world, witness)
    yield cell
    for peer in cell.peers.values():
        peer.close()


# ---- each action: from `sender` to `receiver`; `hidden` is true where the block stands and counts ----


def check_message(cell, situation, sender, receiver, hidden):
    if situation == "offline":
        cell.leave(receiver)
    if hidden:
        cell[sender].refused("message", "blocked", to=receiver, body="hello")
    else:
        cell[sender].done("message", to=receiver, body="hello")
    if situation == "offline":
        cell.connect(receiver)
    if hidden:
        cell.settle(receiver)
        cell[receiver].nothing("event_message")
    else:
        message = cell[receiver].expect("event_message", sender=sender, body="hello")
        assert message.stored == (situation == "offline")


def check_broadcast(cell, situation, sender, receiver, hidden):
    if situation == "offline":
        cell.leave(receiver)
    announced = cell[sender].done("broadcast", body=f"from {sender}")
    cell.witness.expect("event_broadcast", sender=sender)
    if situation == "offline":
        assert announced.delivered == 1, "only the witness is there"
        cell.connect(receiver)
    else:
        assert announced.delivered == (1 if hidden else 2)
        assert announced.withheld == hidden
    if hidden or situation == "offline":
        cell.settle(receiver)
        cell[receiver].nothing("event_broadcast")
    else:
        cell[receiver].expect("event_broadcast", sender=sender, body=f"from {sender}")


def check_presence(cell, situation, sender, receiver, hidden):
    """The receiver's comings and goings, as the sender is told of them."""
    cell.settle(sender)
    cell[sender].inbox.clear()
    cell.leave(receiver)
    if situation != "offline":
        cell.connect(receiver)
    cell.settle(sender)
    if hidden:
        cell[sender].nothing("event_presence", user=receiver)
        return
    cell[sender].expect("event_presence", user=receiver, online=False)
    if situation != "offline":
        cell[sender].expect("event_presence", user=receiver, online=True)


def check_whoelse(cell, situation, sender, receiver, hidden):
    if situation == "offline":
        cell.leave(receiver)
    assert cell.sees(sender, receiver) == (not hidden and situation != "offline")
    assert cell.sees(sender, "witness")


def check_whoelsesince(cell, situation, sender, receiver, hidden):
    if situation == "offline":
        cell.leave(receiver)
    assert cell.sees(sender, receiver, "whoelsesince", seconds=3600) == (not hidden)
    assert cell.sees(sender, "witness", "whoelsesince", seconds=3600)


def check_private(cell, situation, sender, receiver, hidden):
    if situation == "offline":
        cell.leave(receiver)
    request = {"user": receiver, "channel": os.urandom(16)}
    if hidden:
        cell[sender].refused("startprivate", "blocked", **request)
    elif situation == "offline":
        cell[sender].refused("startprivate", "offline", **request)
    else:
        cell[sender].done("startprivate", **request)
    if situation == "offline":
        return
    cell.settle(receiver)
    if hidden:
        cell[receiver].nothing("private_request")
    else:
        cell[receiver].expect("private_request", sender=sender)


# ---- what was under way when the block came ----


def queued_message(cell, sender, receiver, hidden):
    """It waits unreceived, at first for a receiver who is offline, then for one who never said that it came."""
    cell.leave(receiver)
    cell[sender].done("message", to=receiver, body="early")
    if receiver == cell.blocker:
        cell.connect(receiver).expect("event_message", sender=sender, body="early")
    cell.block()
    if receiver == cell.blocker:
        # Not acknowledged: as far as the server knows, the network took it.
        cell.peers.pop(receiver).close()
        cell.witness.expect("event_presence", user=receiver, online=False)
    cell.connect(receiver)
    if hidden:
        cell.settle(receiver)
        cell[receiver].nothing("event_message")
        cell.unblock()
        cell.leave(receiver)
        cell.connect(receiver)
    message = cell[receiver].expect("event_message", sender=sender, body="early")
    assert message.stored


def queued_broadcast(cell, sender, receiver, hidden):
    cell.leave(receiver)
    cell[sender].done("broadcast", body="early")
    cell.witness.expect("event_broadcast", sender=sender)
    cell.connect(receiver)
    cell.block()
    cell.settle(receiver)
    cell[receiver].nothing("event_broadcast")


def queued_presence(cell, sender, receiver, hidden):
    """Who was announced before the block is not taken back, and no longer announced."""
    cell.leave(receiver)
    cell.connect(receiver)
    cell[sender].expect("event_presence", user=receiver, online=False)
    cell[sender].expect("event_presence", user=receiver, online=True)
    cell.block()
    check_presence(cell, "online", sender, receiver, hidden)


def queued_query(kind, **fields):
    def check(cell, sender, receiver, hidden):
        assert cell.sees(sender, receiver, kind, **fields)
        cell.block()
        assert cell.sees(sender, receiver, kind, **fields) == (not hidden)
    return check


def queued_private(cell, sender, receiver, hidden):
    request = {"user": receiver, "channel": os.urandom(16)}
    cell[sender].done("startprivate", **request)
    cell[receiver].expect("private_request", sender=sender)
    cell[sender].done("stopprivate", **request)
    cell[receiver].expect("private_settled", outcome=4)
    cell.block()
    check_private(cell, "online", sender, receiver, hidden)


CHECKS = {
    "message": (check_message, queued_message),
    "broadcast": (check_broadcast, queued_broadcast),
    "presence": (check_presence, queued_presence),
    "whoelse": (check_whoelse, queued_query("whoelse")),
    "whoelsesince": (check_whoelsesince, queued_query("whoelsesince", seconds=3600)),
    "private": (check_private, queued_private),
}


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("direction", ("blocked-to-blocker", "blocker-to-blocked"))
@pytest.mark.parametrize("action", CHECKS)
def test_cell(cell, action, direction, situation):
    towards = direction == "blocked-to-blocker"
    sender, receiver = (cell.blocked, cell.blocker) if towards else (cell.blocker, cell.blocked)
    check, queued = CHECKS[action]
    if situation == "queued":
        queued(cell, sender, receiver, towards)
        return
    cell.block()
    if situation == "unblocked":
        cell.unblock()
    check(cell, situation, sender, receiver, towards and situation != "unblocked")


def test_all_lists_of_cells_are_here():
    assert len(CHECKS) * 2 * len(SITUATIONS) == 48


def test_unblocking_somebody_else_changes_nothing(cell):
    cell.block()
    other = Cell(cell.world, cell.witness)
    cell[cell.blocker].done("block", user=other.blocked)
    cell[cell.blocker].done("unblock", user=other.blocked)
    cell[cell.blocked].refused("message", "blocked", to=cell.blocker, body="hello")
    for peer in other.peers.values():
        peer.close()


def test_both_block_each_other(cell):
    cell.block()
    cell[cell.blocked].done("block", user=cell.blocker)
    for one, other in ((cell.blocked, cell.blocker), (cell.blocker, cell.blocked)):
        cell[one].refused("message", "blocked", to=other, body="hello")
        assert not cell.sees(one, other)
        assert not cell.sees(one, other, "whoelsesince", seconds=3600)
    cell.unblock()
    cell[cell.blocked].done("message", to=cell.blocker, body="hello")
    cell[cell.blocker].refused("message", "blocked", to=cell.blocked, body="hello")
