"""The run that the project started from, replayed; then once more with the server killed in the middle."""

import pytest

from harness.server import password_of

PEOPLE = ("hans", "yoda", "vader", "luke", "leia", "han", "chewie", "lando", "r2d2", "c3po", "obiwan", "jabba", "boba", "wedge")


def enter(world):
    hans, yoda = world.client("hans"), world.client("yoda")
    hans.expect("presence", user="yoda", online=True)
    return hans, yoda


def talk(hans, yoda):
    """Message, refused and confirmed private requests, broadcast, a message to somebody who is away."""
    hans.ok("message yoda 3311 is good")
    assert yoda.expect("message", sender="hans")["body"] == "3311 is good"
    hans.ok("startprivate yoda")
    yoda.expect("private_request", sender="hans")
    yoda.ok("no")
    hans.expect("error", code="declined")
    hans.ok("startprivate yoda")
    yoda.expect("private_request", sender="hans")
    yoda.ok("yes")
    safety = hans.expect("private_open", **{"with": "yoda"})["safety"]
    assert safety and yoda.expect("private_open", **{"with": "hans"})["safety"] == safety
    hans.ok("private yoda between us")
    assert yoda.expect("private", sender="hans")["body"] == "between us"
    hans.ok("stopprivate yoda")
    yoda.expect("private_closed", **{"with": "hans"})
    announced = hans.ok("broadcast 3311 is also good")
    assert announced["delivered"] == 1
    assert yoda.expect("broadcast", sender="hans")["body"] == "3311 is also good"
    hans.ok("message vader are you there")


def leave(hans, yoda):
    hans.logout()
    yoda.expect("presence", user="hans", online=False)
    yoda.logout()


def afterwards(world):
    """The one who was away gets the message, not the broadcast, and sees who was here."""
    vader = world.client("vader")
    message = vader.expect("message", sender="hans")
    assert message["body"] == "are you there" and message["stored"] is True
    assert vader.users("whoelse") == []
    assert vader.users("whoelsesince 3600") == ["hans", "yoda"]
    vader.nothing("broadcast")
    vader.nothing("message")


def test_replayed(world):
    server = world.server(accounts=PEOPLE)
    hans, yoda = enter(world)
    talk(hans, yoda)
    leave(hans, yoda)
    afterwards(world)
    for fact in ("hans", "yoda"):
        assert fact in server.log, "logins and logouts are logged"


@pytest.mark.parametrize("end", ("kill9", "stop_and_start"))
def test_the_server_ends_in_the_middle(world, end):
    server = world.server(accounts=PEOPLE)
    hans, yoda = enter(world)
    hans.ok("message vader are you there")
    yoda.ok("block hans")
    if end == "kill9":
        server.kill9()
        server.start()
        for client in (hans, yoda):
            assert client.expect("disconnected")["reason"] == "network"
            client.expect("online")
    else:
        server.stop()
        for client in (hans, yoda):
            assert client.expect("disconnected")["reason"] == "shutdown"
            assert client.exit_code() == 5
        server.start()
        hans, yoda = world.client("hans", label="hans-again"), world.client("yoda", label="yoda-again")
    hans.refused("message yoda hello", "blocked")
    yoda.ok("unblock hans")
    hans.ok("message yoda 3311 is good")
    assert yoda.expect("message", sender="hans")["body"] == "3311 is good"
    leave(hans, yoda)
    afterwards(world)


def test_credentials_as_the_original_had_them(world):
    """`user password` a line, in the directory one points it to; the passwords may be short."""
    server = world.new_server("--credentials", world.directory / "credentials.txt")
    (world.directory / "credentials.txt").write_text("hans falcon*solo\nyoda wise@!man\nvader sithlord**\nr2d2 x\n")
    server.start()
    for user, password in (("hans", "falcon*solo"), ("yoda", "wise@!man"), ("vader", "sithlord**"), ("r2d2", "x")):
        world.client(user, password=password)
    assert password_of("hans") not in server.log
