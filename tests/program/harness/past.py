"""A database with something of everything in it, as SQL text, and the way back from there to a file: for upgrades.

    live_through(world)     what happened on that server: the facts that have to be true of the database ever after
    dump(path, facts)       the database as text; the facts are its first line
    load(text, path)        a database again, and the facts. Its times are moved, so that it was written just now

What is in it: alice and bob have talked, on two devices of his; he has received some. carol has blocked alice. dave is disabled. erin is
blocked after three wrong passwords, and so is somebody who does not exist.
"""
import json
import re
import sqlite3
import time

from .control import Control
from .server import password_of

USERS = ("alice", "bob", "carol", "dave", "erin")
YEAR = 365 * 24 * 3600
TIMES = (("account", "created"), ("device", "created"), ("device", "used"), ("failure", "blocked_until"), ("failure", "time"),
         ("login", "began"), ("login", "ended"), ("block", "time"), ("message", "time"))


def wrong_passwords(world, user):
    for _ in range(3):
        peer = world.peer()
        peer.hello()
        peer.refused("login", "wrong_password", user=user, password="not-the-password")
        peer.close()


def live_through(world):
    server = world.server("--block-duration", YEAR, "--registration", "closed", accounts=USERS)
    alice, bob, phone = world.peer("alice"), world.peer("bob"), world.peer("bob")
    texts = [f"received {number} \N{SNOWMAN}" for number in range(3)]
    for text in texts:
        alice.done("message", to="bob", body=text)
        bob.received(bob.expect("event_message", body=text))
        phone.received(phone.expect("event_message", body=text))
    answered = bob.done("message", to="alice", body="an answer")
    alice.received(alice.expect("event_message"))
    for peer in (bob, phone):
        peer.fence()
        peer.close()
    carol = world.peer("carol")
    carol.done("block", user="alice")
    waiting = ["waits 0", "waits 1"]
    ids = [alice.done("message", to="bob", body=text).id for text in waiting]
    number = alice.number
    carol.done("message", to="bob", body="from carol")
    dave = world.peer("dave")
    Control(server).rows("disable", "dave")
    wrong_passwords(world, "erin")
    wrong_passwords(world, "nobody")
    alice.fence()
    server.stop()
    return {"now": int(time.time() * 1000), "received": texts, "waiting": waiting, "ids": ids, "answered": answered.id,
            "number": number, "tokens": {"alice": alice.token.hex(), "bob": bob.token.hex(), "phone": phone.token.hex(),
                                         "dave": dave.token.hex()}}


def dump(path, facts):
    with sqlite3.connect(path) as database:
        pragmas = [f"PRAGMA {name} = {database.execute(f'PRAGMA {name}').fetchone()[0]};" for name in
                   ("auto_vacuum", "application_id", "user_version")]
        return "\n".join([f"-- {json.dumps(facts)}", *pragmas, *database.iterdump(), ""])


def version_of(text):
    return int(re.search(r"^PRAGMA user_version = (\d+);$", text, re.MULTILINE).group(1))


def load(text, path):
    facts = json.loads(text.splitlines()[0].removeprefix("-- "))
    with sqlite3.connect(path) as database:
        database.executescript(text)
        later = int(time.time() * 1000) - facts["now"]
        for table, column in TIMES:
            if any(row[1] == column for row in database.execute(f"PRAGMA table_info({table})")):
                database.execute(f"UPDATE {table} SET {column} = {column} + ? WHERE {column} > 0", (later,))
    path.chmod(0o600)
    return facts
