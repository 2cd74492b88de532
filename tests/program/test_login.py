"""Who gets in, who does not, and what a stranger cannot do to somebody else's account."""
import os
import stat

import pytest

from harness.server import password_of
from harness.wire import code_name

WRONG = "not-the-password"


def attempt(world, user, password, **fields):
    """One try on a connection of its own. "ok" or the error's code."""
    peer = world.peer()
    peer.hello()
    frame = peer.request("login", user=user, password=password, **fields)
    peer.close()
    return "ok" if frame.HasField("welcome") else code_name(frame.error.code)


def three_wrong(world, user):
    return [attempt(world, user, WRONG) for _ in range(3)]


# ---- accounts ----


def test_registration(world):
    world.server()
    world.client("dave", "--register").logout()
    world.client("dave", label="dave-again").logout()
    refused = world.start_client("dave", "--register", label="dave-wrong", password=WRONG)
    assert refused.expect("error")["code"] == "wrong_password"
    assert refused.exit_code() == 4


def test_registration_asks_nothing_of_a_known_name(world):
    world.server()
    world.client("alice", "--register").logout()


def test_registration_closed(world):
    server = world.server("--registration", "closed")
    refused = world.start_client("dave", "--register")
    assert refused.expect("error")["code"] == "registration_closed"
    assert refused.exit_code() == 4
    plain = world.start_client("dave", label="dave-plain")
    assert plain.expect("error")["code"] == "wrong_password"
    assert plain.exit_code() == 4
    world.client("alice").logout()
    world.client("alice", "--register", label="alice-again").logout()
    server.args = []
    server.restart()
    world.client("dave", "--register", label="dave-later").logout()


def test_closed_registration_does_not_tell_who_exists(world):
    world.server("--registration", "closed", "--max-logins-per-minute", 0)
    answers = {}
    for user in ("alice", "nobody"):
        peer = world.peer()
        peer.hello()
        challenge = peer.done("identify", user=user).kind
        errors = []
        for _ in range(4):
            error = attempt_frame(world, user)
            errors.append((error.code, error.text, bool(error.retry_after)))
        answers[user] = (challenge, errors)
    assert answers["alice"] == answers["nobody"]
    assert code_name(answers["nobody"][1][3][0]) == "account_blocked"


def attempt_frame(world, user):
    peer = world.peer()
    peer.hello()
    return peer.request("login", user=user, password=WRONG).error


def test_import_leaves_existing_accounts_alone(world):
    server = world.server()
    server.credentials.write_text("alice another-password\nerin erin-password\n")
    server.restart()
    assert attempt(world, "alice", password_of("alice")) == "ok"
    assert attempt(world, "alice", "another-password") == "wrong_password"
    assert attempt(world, "erin", password_of("erin")) == "ok"


def test_names_have_one_spelling(world):
    world.server()
    assert world.client("ALICE").take("online", {}) is None
    peer = world.peer()
    peer.hello()
    assert peer.done("login", user="AlIcE", password=password_of("alice")).user == b"alice"
    refused = world.peer()
    refused.hello()
    refused.refused("register", "name_taken", user="ALICE", password="long enough")


@pytest.mark.parametrize("name", ("a", "0", "a.b_c-d", "x" * 32, "9lives"))
def test_good_names(world, name):
    world.server(accounts=())
    assert world.peer().register(name, "long enough").user == name.encode()


@pytest.mark.parametrize("name", ("", "x" * 33, ".a", "-a", "_a", "a b", "a/b", "ü", "a\0", "a\n", b"\xff"))
def test_bad_names(world, name):
    world.server(accounts=())
    for request in ("identify", "login", "register"):
        peer = world.peer()
        peer.hello()
        fields = {} if request == "identify" else {"password": "long enough"}
        peer.refused(request, "bad_name", user=name, **fields)


# ---- passwords ----


def test_lengths_of_new_passwords(world):
    world.server()
    peer = world.peer()
    peer.hello()
    for password in ("", "1234567", "x" * 257, b"\xff" * 10, "nul\0nul\0nul"):
        peer.refused("register", "bad_password", user="dave", password=password)
    for user, password in (("dave", "12345678"), ("erin", "x" * 256), ("frank", "pässwörter")):
        world.peer().register(user, password)
        assert attempt(world, user, password) == "ok"


def test_lengths_of_imported_passwords(world):
    server = world.new_server()
    passwords = {"one": "x", "most": "y" * 256, "umlaut": "ü"}
    server.credentials.write_text("".join(f"{user} {password}\n" for user, password in passwords.items()))
    server.start()
    for user, password in passwords.items():
        assert attempt(world, user, password) == "ok"
        assert attempt(world, user, password[:-1] + "z") == "wrong_password"


def test_a_new_password_from_the_client_is_checked(world):
    world.server()
    short = world.start_client("dave", "--register", password="short")
    assert short.expect("error")["code"] == "bad_password"
    assert short.exit_code() == 4


def test_secrets_are_not_on_disk_nor_in_the_log(world):
    server = world.server()
    client = world.client("alice")
    peer = world.peer("bob")
    client.ok("message bob the text itself")
    client.logout()
    token = peer.token
    peer.close()
    server.stop()
    assert stat.S_IMODE(os.stat(server.data).st_mode) == 0o700
    assert stat.S_IMODE(os.stat(server.data / "key.pem").st_mode) == 0o600
    for path in server.data.iterdir():
        content = path.read_bytes()
        for secret in (password_of("alice").encode(), password_of("bob").encode(), token):
            assert secret not in content, f"{path.name} holds a secret"
    for secret in (password_of("alice"), token.hex(), "the text itself"):
        assert secret not in server.log


def test_the_clients_state_is_private(world):
    world.server()
    world.client("alice")
    state = world.state("alice")
    assert stat.S_IMODE(os.stat(state).st_mode) == 0o700
    for path in state.rglob("*"):
        if path.is_file():
            assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path
            assert password_of("alice").encode() not in path.read_bytes()


# ---- blocked after three ----


def test_three_wrong_passwords(world):
    world.server("--block-duration", 30)
    codes = three_wrong(world, "alice")
    assert codes[:2] == ["wrong_password"] * 2 and codes[2] in ("wrong_password", "account_blocked")
    peer = world.peer()
    peer.hello()
    error = peer.refused("login", "account_blocked", user="alice", password=password_of("alice"))
    assert 0 < error.retry_after <= 30
    assert attempt(world, "bob", password_of("bob")) == "ok", "the others are not concerned"


def test_the_client_says_so(world):
    world.server("--block-duration", 30)
    three_wrong(world, "alice")
    client = world.start_client("alice")
    error = client.expect("error", code="account_blocked")
    assert 0 < error["retry_after"] <= 30 and error["text"]
    assert client.exit_code() == 4


def test_in_a_row_means_in_a_row(world):
    world.server()
    for _ in range(3):
        assert attempt(world, "alice", WRONG) == "wrong_password"
        assert attempt(world, "alice", WRONG) == "wrong_password"
        assert attempt(world, "alice", password_of("alice")) == "ok"


def test_on_one_connection_too(world):
    world.server()
    peer = world.peer()
    peer.hello()
    codes = []
    for _ in range(3):
        codes.append(code_name(peer.request("login", user="alice", password=WRONG).error.code))
    assert codes[:2] == ["wrong_password"] * 2
    assert attempt(world, "alice", password_of("alice")) == "account_blocked"


@pytest.mark.parametrize("end", ("stop", "kill9"))
def test_the_block_survives_the_server(world, end):
    server = world.server()
    three_wrong(world, "alice")
    getattr(server, end)()
    server.start()
    assert attempt(world, "alice", password_of("alice")) == "account_blocked"


def test_so_does_the_count(world):
    server = world.server()
    for _ in range(3):
        attempt(world, "alice", WRONG)
        server.kill9()
        server.start()
    assert attempt(world, "alice", password_of("alice")) == "account_blocked"


def test_another_spelling_does_not_dodge(world):
    world.server()
    for user in ("alice", "Alice", "ALICE"):
        attempt(world, user, WRONG)
    assert attempt(world, "aLiCe", password_of("alice")) == "account_blocked"


def test_many_at_once_do_not_dodge(world):
    """Of guesses made in parallel no more than three are judged."""
    world.server("--max-logins-per-minute", 0)
    peers = [world.peer() for _ in range(16)]
    for peer in peers:
        peer.hello()
    numbers = [peer.send("login", user="alice", password=WRONG) for peer in peers]
    codes = [code_name(peer.answer(number).error.code) for peer, number in zip(peers, numbers)]
    assert codes.count("wrong_password") <= 3, codes
    assert set(codes) <= {"wrong_password", "account_blocked"}, codes
    assert attempt(world, "alice", password_of("alice")) == "account_blocked"


def test_other_addresses_do_not_dodge(world):
    world.server()
    for last in (1, 2, 3):
        peer = world.peer(source=f"127.0.0.{last}")
        peer.hello()
        peer.request("login", user="alice", password=WRONG)
    assert attempt(world, "alice", password_of("alice")) == "account_blocked"


def test_the_block_ends(world):
    world.server("--block-duration", 1, "--max-logins-per-minute", 0)
    three_wrong(world, "alice")
    assert attempt(world, "alice", password_of("alice")) == "account_blocked"
    world.hub.wait(lambda: attempt(world, "alice", password_of("alice")) == "ok", "the end of the block")


def test_a_device_with_a_token_still_gets_in(world):
    world.server()
    device = world.peer("alice")
    device.close()
    three_wrong(world, "alice")
    assert attempt(world, "alice", password_of("alice")) == "account_blocked"
    again = world.peer()
    again.resume(device.token)
    assert again.user == "alice"
    again.fence()


def test_a_running_client_is_not_locked_out(world):
    server = world.server()
    client = world.client("alice")
    three_wrong(world, "alice")
    server.kill9()
    server.start()
    client.expect("disconnected", reason="network")
    client.expect("online", user="alice")


# ---- tokens ----


def test_unknown_tokens(world):
    world.server()
    peer = world.peer()
    peer.hello()
    for token in (b"", b"short", b"x" * 32, b"x" * 1000):
        peer.refused("resume", "bad_token", token=token)
    peer.welcomed(peer.done("login", user="alice", password=password_of("alice")))
    peer.fence()


def test_a_token_ends_with_the_logout(world):
    world.server()
    peer = world.peer("alice")
    peer.logout()
    again = world.peer()
    again.hello()
    again.refused("resume", "bad_token", token=peer.token)


def test_tokens_survive_the_server(world):
    server = world.server()
    peer = world.peer("alice")
    server.kill9()
    server.start()
    again = world.peer()
    again.resume(peer.token)
    assert again.user == "alice"


def test_login_with_a_token_stays_the_same_device(world):
    world.server()
    peer = world.peer("alice")
    peer.done("message", to="bob", body="hello")
    number = peer.number
    peer.close()
    again = world.peer()
    again.login("alice", token=peer.token)
    assert again.last_number == number
    other = world.peer("bob")
    other.close()
    foreign = world.peer()
    foreign.login("alice", token=other.token)
    assert foreign.user == "alice" and foreign.last_number == 0, "somebody else's token makes no device of theirs"
    foreign.done("message", to="bob", body="from alice")
    assert world.peer("bob").expect("event_message", body="from alice", sender="alice")
