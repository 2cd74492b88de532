"""A database of every earlier schema version is served by this server, with everything that is in it.

schemas/N.sql is one of version N, written by the server of that time (schemas/write). Whoever adds a version commits the fixture of the
one before, or this fails.
"""
import contextlib
import pathlib
import sqlite3

import pytest

from harness import past
from harness.server import password_of

SCHEMAS = pathlib.Path(__file__).parent / "schemas"
FIXTURES = sorted(SCHEMAS.glob("*.sql"), key=lambda path: int(path.stem))


def version_in(path):
    with contextlib.closing(sqlite3.connect(path)) as database:
        return database.execute("PRAGMA user_version").fetchone()[0]


def shape(path):
    """Tables with their columns, and indexes with theirs, as SQLite understands them."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        found = {}
        for kind, name in database.execute("SELECT type, name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'").fetchall():
            about = "table_xinfo" if kind == "table" else "index_xinfo"
            found[kind, name] = [row[1:] for row in database.execute(f"PRAGMA {about}({name})")]
        return found


def test_every_earlier_version_has_a_fixture(world):
    current = version_in(world.server().data / "earshot.db")
    missing = set(range(1, current)) - {int(path.stem) for path in FIXTURES}
    assert not missing, f"schemas/write has to write these, with the server of that time: {sorted(missing)}"
    assert FIXTURES and all(past.version_of(path.read_text()) == int(path.stem) <= current for path in FIXTURES)


@pytest.fixture(params=FIXTURES, ids=[f"from-{path.stem}" for path in FIXTURES])
def upgraded(request, world):
    """(server, facts), running."""
    server = world.new_server("--block-duration", past.YEAR, "--registration", "closed", accounts=())
    server.data.mkdir()
    facts = past.load(request.param.read_text(), server.data / "earshot.db")
    server.start()
    return server, facts


def resumed(world, facts, whose):
    peer = world.peer()
    peer.resume(bytes.fromhex(facts["tokens"][whose]))
    return peer


def texts(peer, count):
    return [peer.expect("event_message").body.decode() for _ in range(count)]


def check_everything(world, server, facts):
    bob = resumed(world, facts, "bob")
    assert bob.user == "bob"
    assert texts(bob, 3) == [*facts["waiting"], "from carol"]  # and nothing that had been received
    bob.fence()
    bob.nothing("event_message")
    alice = resumed(world, facts, "alice")
    assert alice.last_number == facts["number"]
    again = alice.request("message", number=facts["number"], to="bob", body=facts["waiting"][-1])
    assert again.accepted.id == facts["ids"][-1]
    alice.refused("message", "blocked", to="carol", body="hi")
    peer = world.peer()
    peer.hello()
    peer.refused("resume", "bad_token", token=bytes.fromhex(facts["tokens"]["dave"]))
    peer.close()
    for user, code in (("erin", "account_blocked"), ("nobody", "account_blocked"), ("dave", "wrong_password")):
        peer = world.peer()
        peer.hello()
        peer.refused("login", code, user=user, password=password_of(user))
        peer.close()
    carol = world.peer("carol")  # with her password
    known = {name.decode() for name in carol.done("whoelsesince", seconds=past.YEAR).users}
    assert {"alice", "bob"} <= known
    for peer in (alice, bob, carol):
        peer.close()


def test_everything_is_there_after_an_upgrade(world, upgraded):
    server, facts = upgraded
    check_everything(world, server, facts)
    server.kill9()
    server.start()
    check_everything(world, server, facts)
    alice = resumed(world, facts, "alice")
    new = alice.done("message", to="bob", body="new")
    assert new.id > max(facts["ids"])
    bob = resumed(world, facts, "bob")
    assert texts(bob, 4)[-1] == "new"


def test_an_upgraded_database_is_like_a_new_one(world, upgraded):
    server, _ = upgraded
    server.stop()
    fresh = world.server(accounts=())
    fresh.stop()
    assert shape(server.data / "earshot.db") == shape(fresh.data / "earshot.db")
    assert version_in(server.data / "earshot.db") == version_in(fresh.data / "earshot.db")
    with contextlib.closing(sqlite3.connect(server.data / "earshot.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
