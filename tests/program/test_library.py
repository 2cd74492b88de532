"""The client library as somebody else's program meets it: header, pkg-config, symbols, and the example."""
import os
import re
import shutil
import signal
import subprocess

import pytest

from harness import surroundings
from harness.server import password_of

HEADER = surroundings.ROOT / "include" / "earshot" / "client.h"
INCLUDE = ["-I", surroundings.ROOT / "include"]

PROGRAM = r"""
#include <earshot/client.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

static int ended;

static void on_event(void *ctx, const struct earshot_event *event)
{
    struct earshot_client **client = (struct earshot_client **)ctx;
    switch (event->type) {
    case EARSHOT_EVENT_ONLINE:
        printf("online %s\n", event->user);
        earshot_message(*client, "bob", "hello", 5);
        break;
    case EARSHOT_EVENT_OK:
        printf("ok %d\n", event->id > 0);
        break;
    case EARSHOT_EVENT_MESSAGE:
        printf("message %s %.*s\n", event->user, (int)event->body_len, event->body);
        earshot_logout(*client);
        break;
    case EARSHOT_EVENT_CLOSED:
        printf("closed %s\n", event->error == EARSHOT_OK ? "ok" : earshot_error_name(event->error));
        ended = 1;
        break;
    default:
        break;
    }
    fflush(stdout);
}

int main(int argc, char *argv[])
{
    struct earshot_client *client = NULL;
    struct earshot_options options;
    memset(&options, 0, sizeof options);
    options.host = "127.0.0.1";
    sscanf(argv[1], "%hu", &options.port);
    options.user = "alice";
    options.password = argv[3];
    options.ca = argv[2];
    if (argc != 4 || earshot_open(&options, on_event, &client, &client) != EARSHOT_OK)
        return 1;
    struct pollfd p;
    p.fd = earshot_fd(client);
    p.events = POLLIN;
    while (!ended && poll(&p, 1, 20000) > 0)
        earshot_progress(client);
    earshot_close(client);
    return !ended;
}
"""


def compiler(name):
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"no {name}")
    return path


def build(world, cc, suffix, *flags):
    source = world.directory / f"program.{suffix}"
    source.write_text(PROGRAM)
    program = world.directory / f"program-{suffix}"
    command = [cc, "-Wall", "-Wextra", "-Werror", *INCLUDE, source, "-o", program, *flags]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return program


@pytest.mark.parametrize("cc, suffix", (("cc", "c"), ("c++", "cc")))
def test_a_program_of_thirty_lines(world, cc, suffix):
    """Compiled against the header alone, linked with the shared library."""
    if surroundings.sanitized():
        pytest.skip("the library wants the sanitizer's runtime first")
    program = build(world, compiler(cc), suffix, "-L", surroundings.BUILD, f"-Wl,-rpath,{surroundings.BUILD}", "-learshot")
    server = world.server()
    bob = world.peer("bob")
    process = world.program(program, server.port, server.certificate, password_of("alice"))
    bob.expect("event_message", body="hello", sender="alice")
    bob.done("message", to="alice", body="good bye")
    assert process.exit_code() == 0
    assert process.lines[0] == "online alice" and "ok 1" in process.lines
    assert "message bob good bye" in process.lines and process.lines[-1] == "closed ok"


def test_exported_symbols():
    """Everything in the header, and nothing else."""
    nm = compiler("nm")
    library = surroundings.BUILD / "libearshot.so"
    done = subprocess.run([nm, "-D", "--defined-only", library], capture_output=True, text=True, check=True)
    exported = {line.split()[-1].split("@")[0] for line in done.stdout.splitlines()}
    text = re.sub(r"/\*.*?\*/|typedef [^;]*;", "", HEADER.read_text(), flags=re.S)
    declared = set(re.findall(r"\b(earshot_\w+)\(", text))
    assert declared <= exported, declared - exported
    assert exported - declared == set(), exported - declared


def test_the_library_brings_no_server_with_it():
    """Nor a user interface: what it itself asks for, whatever that brings along."""
    done = subprocess.run([compiler("objdump"), "-p", surroundings.BUILD / "libearshot.so"], capture_output=True, text=True, check=True)
    needed = re.findall(r"NEEDED\s+(\S+)", done.stdout)
    assert needed and not any(word in name for name in needed for word in ("sqlite", "readline", "systemd"))


def test_pkg_config():
    tool = compiler("pkg-config")
    env = {**os.environ, "PKG_CONFIG_PATH": str(surroundings.BUILD / "meson-private")}
    def ask(*args):
        return subprocess.run([tool, *args, "earshot"], capture_output=True, text=True, check=True, env=env).stdout.strip()
    assert re.fullmatch(r"\d+\.\d+\.\d+", ask("--modversion"))
    assert "-learshot" in ask("--libs")
    assert not re.search("sqlite|readline", ask("--print-requires-private"))


def test_the_example_bot(world):
    """As its first lines say: it makes its account, answers every message with its own text, and logs out on SIGTERM."""
    server = world.server()
    bob = world.peer("bob")
    bot = world.program(surroundings.BUILD / "examples" / "bot", "127.0.0.1", server.port, "bot", name="bot",
                        env=surroundings.environment(BOT_PASSWORD="a good password", HOME=world.directory))
    bob.expect("event_presence", user="bot", online=True)
    bob.done("message", to="bot", body="hello bot")
    assert bob.expect("event_message", sender="bot").body == b"hello bot"
    server.kill9()
    server.start()
    bob = world.peer("bob")
    world.hub.wait(lambda: b"bot" in bob.done("whoelse").users, "the bot to come back")
    bob.done("message", to="bot", body="still there?")
    bob.expect("event_message", sender="bot", body="still there?")
    bot.signal(signal.SIGTERM)
    assert bot.exit_code() == 0
    world.hub.wait(lambda: b"bot" not in bob.done("whoelse").users, "the bot to be gone")
