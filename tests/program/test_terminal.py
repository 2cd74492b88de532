"""earshot at a terminal: what a person sees, and that nothing disturbs what they type."""
import hashlib
import os
import re
import signal
import ssl

import pytest

from harness import surroundings
from harness.server import password_of

LEFT, UP, DELETE = "\x1b[D", "\x1b[A", "\x7f"


def prompt(user):
    return re.compile(rf"{user}\b.*> ?")


def at_prompt(user, typed=""):
    """Whether the line with the cursor is the prompt and this text, nothing else."""
    def look(screen):
        return re.fullmatch(prompt(user).pattern + re.escape(typed), screen.cursor_line)
    return look


def open_terminal(world, user, *args, **options):
    """Online, at an empty prompt."""
    argv = world.client_args(user, f"terminal-{user}", *args, server=options.pop("server", None))
    terminal = world.terminal(surroundings.EARSHOT, *argv, **options)
    terminal.wait(at_prompt(user), "an empty prompt")
    return terminal


def typed(terminal, user, text):
    terminal.press(text)
    terminal.wait(at_prompt(user, text), f"{text!r} being typed")


@pytest.fixture
def pair(world):
    """alice at a terminal, bob at the protocol."""
    world.server()
    bob = world.peer("bob")
    alice = open_terminal(world, "alice")
    bob.expect("event_presence", user="alice", online=True)
    return alice, bob


# ---- the line being typed ----


def test_incoming_text_does_not_disturb(pair):
    alice, bob = pair
    typed(alice, "alice", "message bob hel")
    bob.done("message", to="alice", body="an interruption")
    alice.wait_text("an interruption")
    alice.wait(at_prompt("alice", "message bob hel"), "the line as it was")
    alice.type("lo")
    bob.expect("event_message", body="hello")
    alice.wait(at_prompt("alice"), "an empty prompt")


def test_the_cursor_stays_inside_the_line(pair):
    alice, bob = pair
    typed(alice, "alice", "message bob helo")
    alice.press(LEFT)
    bob.done("message", to="alice", body="an interruption")
    alice.wait_text("an interruption")
    alice.type("l")
    bob.expect("event_message", body="hello")


def test_a_line_longer_than_the_screen(pair):
    alice, bob = pair
    text = "message bob " + " ".join(f"word{count}" for count in range(30))
    alice.press(text)
    alice.wait(lambda screen: screen.cursor_line.endswith("word29"), "the end of a long line")
    bob.done("message", to="alice", body="an interruption")
    alice.wait_text("an interruption")
    alice.wait(lambda screen: screen.cursor_line.endswith("word29"), "the end of a long line")
    alice.wait(lambda screen: "message bob word0" in screen.text, "its beginning")
    alice.type("!")
    bob.expect("event_message", body=text.removeprefix("message bob ") + "!")
    assert "an interruption" in alice.screen.text


def test_a_storm_while_typing(pair):
    alice, bob = pair
    typed(alice, "alice", "message bob steady")
    numbers = [bob.send("message", to="alice", body=f"storm {count}.") for count in range(300)]
    for number in numbers:
        bob.answer(number)
    alice.wait_text("storm 299.")
    alice.wait(at_prompt("alice", "message bob steady"), "the line as it was")
    shown = [line for line in alice.screen.lines if "storm" in line]
    assert [int(re.search(r"storm (\d+)\.", line).group(1)) for line in shown] == list(range(300))
    alice.type("")
    bob.expect("event_message", body="steady")


def test_wide_and_accented_letters(pair):
    alice, bob = pair
    alice.press("message bob grüße 漢字 x")
    alice.wait(lambda screen: screen.cursor_line.endswith("x"), "the line")
    bob.done("message", to="alice", body="ünterbrechung 字")
    alice.wait_text("ünterbrechung 字")
    alice.type(DELETE + "y")
    bob.expect("event_message", body="grüße 漢字 y")


def test_resizing_while_typing(pair):
    alice, bob = pair
    typed(alice, "alice", "message bob hel")
    alice.resize(60, 20)
    alice.signal(signal.SIGWINCH)
    bob.done("message", to="alice", body="an interruption")
    alice.wait_text("an interruption")
    alice.type("lo")
    bob.expect("event_message", body="hello")


# ---- long texts ----


def rows_with(screen, *words):
    return [line for line in screen.lines if any(word in line for word in words)]


@pytest.mark.parametrize("columns", (40, 80, 131))
def test_no_row_of_a_long_text_looks_like_a_message(pair, columns):
    alice, bob = pair
    alice.screen.columns = columns
    alice.screen.cells = [[" "] * columns for _ in range(alice.screen.rows)]
    alice.resize(columns, 24)
    fake = "12:00 carol: hand over"
    for pad in (" ", "x", "字", "\u1161", "\u00a0", "ab ", "e\u0301", "\u2764\ufe0f", "\t"):
        for length in range(columns - 24, columns + 3):
            body = pad * (length // (2 if pad == "字" else 1)) + fake
            bob.done("message", to="alice", body=body)
        bob.done("message", to="alice", body=f"end of {pad!a}")
        alice.wait_text(f"end of {pad!a}")
    rows = [line for line in alice.screen.lines if "hand" in line]
    assert len(rows) > 100 and not any(line.startswith("12:00 carol") for line in rows), alice.picture()
    starts = {line[:6] for line in filter(None, alice.screen.lines) if not re.match(r"\d\d:\d\d (bob:|online)|alice>|      ", line)}
    assert not starts, starts


def test_words_stay_whole_and_rows_follow_the_width(pair):
    alice, bob = pair
    body = " ".join(f"word{count}" for count in range(40))
    bob.done("message", to="alice", body=body + " first")
    alice.wait_text("first")
    wide = rows_with(alice.screen, "word")
    assert all(len(line) <= 80 for line in wide) and all(line.startswith("      word") for line in wide[1:])
    assert re.sub(r"\s+", " ", " ".join(wide)).endswith(f"bob: {body} first")
    alice.resize(40, 24)
    bob.done("message", to="alice", body=body + " second")
    alice.wait_text("second")
    narrow = rows_with(alice.screen, "word")[len(wide):]
    assert len(narrow) > len(wide) and all(len(line) <= 40 for line in narrow), alice.picture()


# ---- convenience ----


def test_commands_with_and_without_a_slash(pair):
    alice, bob = pair
    alice.type("/message bob one")
    bob.expect("event_message", body="one")
    alice.type("message bob two")
    bob.expect("event_message", body="two")
    alice.type("/whoelse")
    alice.wait(lambda screen: screen.text.count("bob") >= 4, "the answer to whoelse")
    alice.type("/nonsense")
    alice.wait_text("nonsense")
    alice.wait(at_prompt("alice"), "an empty prompt")


def test_history(pair):
    alice, bob = pair
    alice.type("message bob once")
    bob.expect("event_message", body="once")
    alice.wait(at_prompt("alice"), "an empty prompt")
    alice.press(UP)
    alice.wait(at_prompt("alice", "message bob once"), "the line from before")
    alice.type(" more")
    bob.expect("event_message", body="once more")


def test_completion(pair):
    alice, bob = pair
    bob.done("message", to="alice", body="so that the name is known")
    alice.wait_text("so that the name is known")
    alice.press("mess\t")
    alice.wait(lambda screen: re.search(r"> message$", screen.cursor_line), "the command completed")
    alice.press("bo\t")
    alice.wait(lambda screen: re.search(r"> message bob$", screen.cursor_line), "the name completed")
    alice.type("hello")
    bob.expect("event_message", body="hello")


def test_what_was_sent_is_to_be_seen(pair):
    alice, bob = pair
    alice.type("message bob remember this")
    bob.expect("event_message")
    alice.wait_text("remember this")
    alice.wait(at_prompt("alice"), "an empty prompt")
    assert "remember this" in alice.screen.text


def test_errors_are_shown(pair):
    alice, bob = pair
    bob.done("block", user="alice")
    alice.type("message bob let me in")
    alice.wait(lambda screen: "blocked" in screen.text.lower(), "the refusal")
    alice.type("message nobody hi")
    alice.wait(lambda screen: "nobody" in screen.text, "the refusal")


# ---- what others write ----

EVIL = "\x1b[2J\x1b]0;owned\x07\x1b[31mred\x9b31m\x08\x08\r\x00\u202eevil"


def test_escape_sequences_never_reach_the_terminal(world):
    fake = world.fake_server()
    argv = world.client_args("alice", "terminal", server=fake)
    terminal = world.terminal(surroundings.EARSHOT, *argv)
    link = fake.accept_login("alice")
    terminal.wait(at_prompt("alice"), "an empty prompt")
    terminal.press("half a line")
    terminal.wait(at_prompt("alice", "half a line"), "half a line")
    before = len(terminal.output)
    fields = {"conversation": 1, "to": "alice", "time_ms": 1700000000000}
    link.send("event_message", id=1, body=EVIL.encode(), **{"from": "mallory"}, **fields)
    link.send("event_message", id=2, body="named", **{"from": EVIL}, **fields)
    link.send("event_broadcast", body=EVIL.encode(), time_ms=1, **{"from": "mallory"})
    link.send("event_presence", user=EVIL, online=True)
    link.send("error", code=99, text=EVIL)
    link.send("event_message", id=3, body="the end", **{"from": "bob"}, **fields)
    terminal.wait_text("the end")
    terminal.wait(at_prompt("alice", "half a line"), "the line as it was")
    new = terminal.output[before:].decode()
    assert not terminal.screen.titles
    for forbidden in ("\x1b[2J", "\x1b]0", "\x9b", "\u202e", "\x00"):
        assert forbidden not in new, repr(forbidden)
    terminal.hang_up()


# ---- the link ----


def test_the_state_of_the_link_is_visible(world):
    server = world.server()
    alice = open_terminal(world, "alice")
    typed(alice, "alice", "message bob waits")
    server.kill9()
    alice.wait(lambda screen: "offline" in screen.cursor_line and "message bob waits" in screen.cursor_line, "the lost link")
    alice.type("")
    server.start()
    alice.wait(lambda screen: re.fullmatch(r"alice> ?", screen.cursor_line), "the link again")
    assert world.peer("bob").expect("event_message").body == b"waits"


def test_who_is_online_is_said_after_connecting(world):
    server = world.server()
    alone = open_terminal(world, "alice")
    world.peer("carol")
    alone.wait_text("carol is online")
    assert "online: " not in alone.screen.text, "nobody else was there"
    alone.type("logout")
    assert alone.exit_code() == 0
    world.peer("bob")
    open_terminal(world, "alice", name="again").wait_text("online: bob, carol")


def lose(server, terminal):
    server.kill9()
    terminal.wait(lambda screen: "offline" in screen.cursor_line, "the lost link")


def test_every_pause_is_counted_down(world):
    server = world.server()
    alice = open_terminal(world, "alice")
    lose(server, alice)
    pauses = set()

    def look(screen):
        found = re.search(r"retry (\d+)s", screen.cursor_line)
        pauses.add(int(found.group(1)) if found else 0)
        return max(pauses) > 1  # only later attempts wait for so long
    alice.wait(look, "a longer pause")


def test_leaving_offline_says_what_it_waits_for(world):
    server = world.server()
    alice = open_terminal(world, "alice")
    lose(server, alice)
    alice.type("message bob later")
    alice.type("private bob not over the server")
    alice.wait_text("There is no private channel with bob")
    assert alice.screen.text.count("waits for the connection") == 1
    alice.press("\x03")
    alice.wait_text("Logging out once 1 message is sent")
    alice.press("\x03")
    assert alice.exit_code() == 130
    assert "message bob: The connection ended" in alice.screen.text


def test_leaving_offline_waits_for_what_is_to_be_sent(world):
    server = world.server()
    alice = open_terminal(world, "alice")
    lose(server, alice)
    alice.type("message bob later")
    alice.type("/logout")
    alice.wait_text("Logging out once 1 message is sent")
    server.start()
    assert alice.exit_code() == 0
    assert world.peer("bob").expect("event_message").body == b"later"


def test_logged_out_by_the_server(world):
    server = world.server()
    alice = open_terminal(world, "alice")
    server.stop()
    assert alice.exit_code() == 5
    assert alice.screen.text.strip()


# ---- getting in ----


def start(world, *args):
    return world.terminal(surroundings.EARSHOT, "--state", world.state("x"), *args)


def test_name_and_password_are_asked_for(world):
    server = world.server()
    terminal = start(world, "--ca", server.certificate, server.address)
    terminal.wait(lambda screen: re.search(r"(?i)(user|name|login)[^\n]*$", screen.text), "the question for the name")
    terminal.type("alice")
    terminal.wait(lambda screen: re.search(r"(?i)password[^\n]*$", screen.text), "the question for the password")
    terminal.type(password_of("alice"))
    terminal.wait(at_prompt("alice"), "an empty prompt")
    assert password_of("alice").encode() not in terminal.output, "a password is not echoed"


def test_an_unknown_name_is_offered_an_account(world):
    server = world.server()
    terminal = start(world, "--ca", server.certificate, f"dave@{server.address}")
    terminal.wait(lambda screen: re.search(r"(?i)(new|account|no such|unknown)", screen.text), "the offer")
    count = terminal.screen.text.lower().count("password")
    if not re.search(r"(?i)password[^\n]*$", terminal.screen.text):
        terminal.type("yes")
    terminal.wait(lambda screen: re.search(r"(?i)password[^\n]*$", screen.text), "the question for a password")
    terminal.type("a good password")
    terminal.wait(lambda screen: at_prompt("dave")(screen) or screen.text.lower().count("password") > count + 0, "more")
    if not at_prompt("dave")(terminal.screen):
        terminal.type("a good password")
    terminal.wait(at_prompt("dave"), "an empty prompt")
    assert b"a good password" not in terminal.output


def ask_for_password(world, *args):
    server = world.server()
    terminal = start(world, "--ca", server.certificate, *args, f"alice@{server.address}")
    wait_for_question(terminal, 0)
    return terminal


def wait_for_question(terminal, refusals):
    def look(screen):
        return screen.text.count("The password is wrong") == refusals and screen.cursor_line.startswith("password of alice:")
    terminal.wait(look, f"the question after {refusals} wrong passwords")


@pytest.mark.parametrize("face", ("--line", "--plain"))
def test_a_wrong_password_is_asked_for_again(world, face):
    terminal = ask_for_password(world, face)
    terminal.type("not-the-password")
    wait_for_question(terminal, 1)
    terminal.type(password_of("alice"))
    terminal.wait_text("online as alice")
    terminal.type("logout")
    assert terminal.exit_code() == 0


def test_three_wrong_passwords_end_it(world):
    terminal = ask_for_password(world)
    for refusals in range(2):
        terminal.type("not-the-password")
        wait_for_question(terminal, refusals + 1)
    terminal.type("not-the-password")
    assert terminal.exit_code() == 4
    assert "blocked" in terminal.screen.text


def test_a_wrong_password_that_was_not_typed_ends_it(world):
    server = world.server()
    terminal = start(world, "--ca", server.certificate, "--password-file", world.password_file("x", "not-the-password"),
                     f"alice@{server.address}")
    assert terminal.exit_code() == 4
    assert "wrong" in terminal.screen.text


def at_question(question):
    return lambda screen: screen.cursor_line.strip() == question


def test_another_password(world):
    """Asked for without echo, while a conversation goes on; nothing of it is in the history."""
    world.server()
    bob = world.peer("bob")
    alice = open_terminal(world, "alice")
    alice.type("/password")
    alice.wait(at_question("current password:"), "the first question")
    bob.done("message", to="alice", body="an interruption")
    alice.type(password_of("alice"))
    alice.wait(at_question("new password:"), "the second question")
    alice.type("a good password")
    alice.wait(at_question("the same again:"), "the third question")
    alice.type("a good password")
    alice.wait_text("the password is changed")
    alice.wait_text("an interruption")
    alice.wait(at_prompt("alice"), "an empty prompt")
    assert password_of("alice").encode() not in alice.output and b"good password" not in alice.output
    alice.press(UP)
    alice.wait(at_prompt("alice", "/password"), "the line before")
    alice.press("\x15")
    alice.type("logout")
    assert alice.exit_code() == 0
    again = world.peer()
    again.hello()
    again.done("login", user="alice", password="a good password")


@pytest.mark.parametrize("key", ("\x03", "\x04"))
def test_another_password_is_thought_better_of(pair, key):
    alice, bob = pair
    alice.type("/password")
    alice.wait(at_question("current password:"), "the first question")
    alice.type("something")
    alice.wait(at_question("new password:"), "the second question")
    alice.press(key)
    alice.wait_text("Nothing was changed.")
    alice.wait(at_prompt("alice"), "an empty prompt")
    alice.type("message bob still here")
    bob.expect("event_message", body="still here")


def test_a_stop_does_not_show_a_password(world):
    """A shell puts the terminal as it likes when a job is stopped; what is typed after fg must not be seen all the same."""
    world.server()
    argv = world.client_args("alice", "alice")
    terminal = world.terminal("bash", "--norc", "-i", name="shell", PS1="shell> ")
    terminal.wait(lambda screen: screen.cursor_line.startswith("shell>"), "the shell's prompt")
    terminal.type(" ".join(str(word) for word in (surroundings.EARSHOT, *argv)))
    terminal.wait(at_prompt("alice"), "an empty prompt")
    terminal.type("/password")
    terminal.wait(at_question("current password:"), "the question")
    terminal.press("\x1a")
    terminal.wait(lambda screen: screen.cursor_line.startswith("shell>"), "the shell's prompt")
    terminal.type("fg")
    terminal.wait(at_question("current password:"), "the question again")
    terminal.type("a secret that is typed")
    terminal.wait(at_question("new password:"), "the next question")
    terminal.press("\x03")
    terminal.wait(at_prompt("alice"), "an empty prompt")
    terminal.type("logout")
    terminal.wait(lambda screen: screen.cursor_line.startswith("shell>"), "the shell's prompt")
    terminal.type("exit")
    terminal.exit_code()
    assert b"a secret" not in terminal.output


def fingerprint(server):
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(server.certificate.read_text())).hexdigest()


def test_an_unknown_server_is_asked_about(world):
    """With the fingerprint that the server has logged; and asked once only."""
    server = world.server()
    args = ["--password-file", world.password_file("x", password_of("alice")), f"alice@{server.address}"]
    terminal = start(world, *args)
    shown = terminal.wait(lambda screen: screen.text if re.search(r"\?[^\n]*$", screen.text) else None, "a question")
    digits = re.sub(r"[^0-9a-f]", "", shown.lower().replace("\n", ""))
    assert fingerprint(server) in digits
    terminal.type("yes")
    terminal.wait(at_prompt("alice"), "an empty prompt")
    terminal.type("logout")
    assert terminal.exit_code() == 0
    again = world.terminal(surroundings.EARSHOT, "--state", world.state("x"), *args, name="again")
    again.wait(at_prompt("alice"), "an empty prompt")


def test_an_unknown_server_is_declined(world):
    server = world.server()
    terminal = start(world, "--password-file", world.password_file("x", password_of("alice")), f"alice@{server.address}")
    terminal.wait(lambda screen: re.search(r"\?[^\n]*$", screen.text), "a question")
    terminal.type("no")
    assert terminal.exit_code() == 3
    assert "alice" not in server.log


def test_a_changed_certificate_says_what_to_do(world):
    server = world.server()
    args = ["--password-file", world.password_file("x", password_of("alice")), f"alice@{server.address}"]
    start(world, "--trust", "new", *args).wait(at_prompt("alice"), "an empty prompt")
    server.stop()
    before = fingerprint(server)
    server.certificate.unlink()
    (server.data / "key.pem").unlink()
    server.start()
    terminal = world.terminal(surroundings.EARSHOT, "--state", world.state("x"), *args, name="again", columns=80)
    assert terminal.exit_code() == 3
    for known in (before, fingerprint(server)):
        pairs = re.findall("..", known)
        for half in (pairs[:16], pairs[16:]):
            assert any(line.strip().removeprefix("SHA256:").rstrip(":") == ":".join(half) for line in terminal.screen.lines)
    text = "".join(line.ljust(80) for line in terminal.screen.lines)
    assert "set up anew" in text and "--ca FILE" in text
    assert str(world.state("x")) in re.sub(r"\s", "", terminal.screen.text) and "known_servers" in terminal.screen.text


# ---- make run ----

SERVER = """#!/bin/sh
echo $$ > server.pid
echo ready
exec sleep 100
"""
CLIENT = """#!/bin/sh
trap 'exit 0' INT
echo talking
while :; do sleep 0.1; done
"""


@pytest.mark.parametrize("where", ("the question", "the client"))
def test_interrupting_make_run_stops_the_server(world, where):
    build = world.directory / "fake-build"
    build.mkdir()
    for name, text in (("earshotd", SERVER), ("earshot", CLIENT)):
        (build / name).write_text(text)
        (build / name).chmod(0o755)
    terminal = world.terminal(surroundings.ROOT / "tools" / "run", build)
    terminal.wait_text("user name:")
    pid = int((world.directory / "server.pid").read_text())
    if where == "the client":
        terminal.type("alice")
        terminal.wait_text("talking")
    terminal.press("\x03")
    assert terminal.exit_code() == 0
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


# ---- getting out ----


@pytest.mark.parametrize("how", ("logout", "/logout", "^D"))
def test_leaving(pair, how):
    alice, bob = pair
    if how == "^D":
        alice.press("\x04")
    else:
        alice.type(how)
    assert alice.exit_code() == 0
    bob.expect("event_presence", user="alice", online=False)


def test_the_terminal_is_left_as_it_was(world):
    """Run by a shell, which goes on afterwards: echo and line mode are back, whatever ended the program."""
    world.server()
    for number in (signal.SIGTERM, signal.SIGINT, None):
        argv = world.client_args("alice", "alice")
        pid_file = world.directory / "pid"
        script = f"stty -a > before; sh -c 'echo $$ > {pid_file}; exec \"$@\"' - \"$@\"; stty -a > after; echo the-end"
        terminal = world.terminal("sh", "-c", script, "-", surroundings.EARSHOT, *argv, name=f"terminal-{number}")
        terminal.wait(at_prompt("alice"), "an empty prompt")
        if number is None:
            terminal.type("logout")
        else:
            os.kill(int(pid_file.read_text()), number)
        terminal.wait_text("the-end")
        terminal.exit_code()
        assert (world.directory / "before").read_text() == (world.directory / "after").read_text()


def test_interrupt_clears_the_line_or_leaves(pair):
    """^C never leaves half a line to be sent later."""
    alice, bob = pair
    typed(alice, "alice", "message bob not this")
    alice.press("\x03")
    alice.hub.wait(lambda: alice.ended or at_prompt("alice")(alice.screen), "the line cleared, or the end")
    if not alice.ended:
        alice.type("message bob but this")
        bob.expect("event_message", body="but this")
    bob.nothing("event_message", body="not this")


def test_the_window_is_closed(pair):
    alice, bob = pair
    alice.hang_up()
    bob.expect("event_presence", user="alice", online=False)
    alice.popen.wait(surroundings.PATIENCE)


# ---- lesser terminals ----


def test_a_dumb_terminal(world):
    world.server()
    bob = world.peer("bob")
    alice = open_terminal(world, "alice", TERM="dumb")
    bob.done("message", to="alice", body="hello there")
    alice.wait_text("hello there")
    assert b"\x1b[3" not in alice.output, "no colours"
    alice.type("logout")
    assert alice.exit_code() == 0


def test_no_color(world):
    world.server()
    bob = world.peer("bob")
    alice = open_terminal(world, "alice", NO_COLOR="1")
    bob.done("message", to="alice", body="hello there")
    alice.wait_text("hello there")
    assert not re.search(rb"\x1b\[[0-9;]*3[0-7][0-9;]*m", alice.output)
    alice.type("logout")
    assert alice.exit_code() == 0


def test_plain_at_a_terminal_moves_no_cursor(world):
    world.server()
    bob = world.peer("bob")
    terminal = world.terminal(surroundings.EARSHOT, "--plain", *world.client_args("alice", "alice"))
    bob.expect("event_presence", user="alice", online=True)
    bob.done("message", to="alice", body="hello there")
    terminal.wait_text("hello there")
    terminal.type("whoelse")
    terminal.wait(lambda screen: screen.text.count("bob") >= 2, "the answer")
    assert b"\x1b" not in terminal.output
    terminal.type("logout")
    assert terminal.exit_code() == 0
