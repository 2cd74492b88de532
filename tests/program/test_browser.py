"""Private channels between a browser and earshot: tests/browser has the page, README.md there says how it is driven."""
import itertools
import re
import sys

import pytest

from harness import surroundings
from harness.server import password_of
from harness.wire import pb

sys.path.insert(0, str(surroundings.ROOT / "tests" / "browser"))

import driver  # noqa: E402

pytestmark = pytest.mark.skipif(driver.missing() is not None, reason=str(driver.missing()))

SAFETY = re.compile(r"\d{4} \d{4} \d{4}")
START_SECONDS = 30
LONG = "ü" * 8192
BURST = 50
PATH_SECONDS = 6  # after which the asking end looks for another path

labels = itertools.count(1)


@pytest.fixture(scope="module")
def browser(shared_world):
    """Chromium with the page, which is bob."""
    server = shared_world.server()
    page = driver.Page(shared_world.hub, shared_world.directory)
    try:
        page.expect("loaded", START_SECONDS)
        peer = shared_world.peer(server=server, label="bob")
        peer.hello(capabilities=[pb.CAPABILITY_PRIVATE])
        peer.welcomed(peer.done("login", user="bob", password=password_of("bob")))
        page.connect(peer)
        yield page
    finally:
        page.close()


@pytest.fixture
def page(browser):
    browser.fresh("bob")
    return browser


@pytest.fixture
def alice(shared_world, browser):
    """The terminal client, who has met nobody yet."""
    client = shared_world.client("alice", label=f"alice-{next(labels)}")
    yield client
    if client.alive:
        client.logout()


def page_asks(page, alice):
    page.command("ask", user="alice")
    alice.expect("private_request", sender="bob")
    return alice.send("yes bob")


def client_asks(page, alice):
    number = alice.send("startprivate bob")
    page.expect("asked", user="alice")
    page.command("answer", accept=True)
    return number


ROLES = pytest.mark.parametrize("begin", (page_asks, client_asks), ids=("page-asks", "client-asks"))


def opened(begin, page, alice):
    number = begin(page, alice)
    there = page.expect("open")
    here = alice.expect("private_open", **{"with": "bob"})
    assert SAFETY.fullmatch(here["safety"]) and here["safety"] == there["safety"], (here, there)
    assert here["path"] == "direct" and not here["verified"], here
    return number


def to_page(page, alice, body):
    number = alice.send(f"private bob {body}")
    page.expect("text", body=body)
    assert alice.answer(number)["event"] == "ok"


def to_client(page, alice, body):
    page.command("say", body=body)
    alice.expect("private", sender="bob", body=body)
    page.expect("received")


@ROLES
def test_texts_both_ways(page, alice, begin):
    opened(begin, page, alice)
    for body in ("hello", "\N{GRINNING FACE} héllo", LONG):
        to_page(page, alice, body)
        to_client(page, alice, body)
    alice.ok("stopprivate bob")
    page.expect("closed", reason="stopped")


@ROLES
def test_the_page_stops(page, alice, begin):
    opened(begin, page, alice)
    page.command("stop", reason="enough")
    alice.expect("private_closed", reason="enough", **{"with": "bob"})
    page.expect("closed")
    alice.refused("private bob too late", "no_private")


@ROLES
def test_many_at_once_stay_in_order(page, alice, begin):
    opened(begin, page, alice)
    bodies = [f"number {at}" for at in range(BURST)]
    numbers = [alice.send(f"private bob {body}") for body in bodies]
    for body in bodies:
        page.command("say", body=body)
    assert [page.expect("text")["body"] for _ in bodies] == bodies
    assert [alice.expect("private")["body"] for _ in bodies] == bodies
    assert all(alice.answer(number)["event"] == "ok" for number in numbers)
    page.expect("received", number=BURST)


def test_a_new_way_in_between(page, alice):
    """An ICE restart, for which the asking end is responsible."""
    opened(page_asks, page, alice)
    page.command("say", body="before")
    page.command("restart")
    page.command("say", body="meanwhile")
    there = page.expect("described", generation=2)
    page.expect("path", fragment=there["fragment"])
    to_page(page, alice, "after")
    to_client(page, alice, "after")
    assert [event["body"] for event in alice.waiting("private")] == ["before", "meanwhile"]


@pytest.mark.slow
def test_the_client_finds_a_new_way(page, alice):
    """The page stands still, until the client takes the path for dead."""
    opened(client_asks, page, alice)
    generations = []
    page.alter_incoming = lambda signal: generations.append(signal.description.generation)
    page.pause()
    number = alice.send("private bob are you there")
    page.hub.wait(lambda: 2 in generations, "another description of the client", 3 * PATH_SECONDS)
    page.go_on()
    there = page.expect("described", generation=2)
    page.expect("path", fragment=there["fragment"])
    page.expect("text", body="are you there")
    assert alice.answer(number)["event"] == "ok"
    to_client(page, alice, "yes, again")
    to_page(page, alice, "good")


def test_the_page_declines(page, alice):
    number = alice.send("startprivate bob")
    page.expect("asked", user="alice")
    page.command("answer", accept=False)
    assert alice.expect("error", code="declined")["n"] == number


# ---- a server that lies ----


def other_fingerprint(signal):
    """As somebody in between would need it: his own certificate."""
    if signal.WhichOneof("body") == "description":
        signal.description.sdp = re.sub(rb"(?<=sha-256 )[0-9A-F:]{95}", b":".join([b"00"] * 32), signal.description.sdp)


def other_line(signal):
    """Without a signature the channel would open all the same."""
    if signal.WhichOneof("body") == "description":
        signal.description.sdp += b"a=x-added\r\n"


def other_generation(signal):
    if signal.WhichOneof("body") == "description":
        signal.description.generation += 1


ALTERED = pytest.mark.parametrize("alter", (other_fingerprint, other_line, other_generation))


@ALTERED
@ROLES
def test_the_page_checks_the_clients_signature(page, alice, begin, alter):
    page.alter_incoming = alter
    begin(page, alice)
    assert "signature" in page.expect("failed")["text"]
    alice.expect("error", code="private_failed")


@ALTERED
@ROLES
def test_the_client_checks_the_pages_signature(page, alice, begin, alter):
    page.alter_outgoing = alter
    begin(page, alice)
    alice.expect("error", code="private_failed")
    page.expect("ended")


def test_another_key_later(page, alice):
    """The client remembers whom it has met."""
    opened(page_asks, page, alice)
    alice.ok("stopprivate bob")
    page.expect("closed")
    page.fresh("bob")
    client_asks(page, alice)
    alice.expect("error", code="private_failed")
    page.expect("ended")
