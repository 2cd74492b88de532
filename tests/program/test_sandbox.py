"""Which rights the running server has left, as the kernel tells it, and that everything it does later still works without the others.

What the sandbox forbids is tried from inside in tests/unit/sandbox.
"""
import os
import pathlib
import pwd
import shutil
import signal
import socket
import ssl
import stat
import subprocess

import pytest

from harness import surroundings
from harness.control import Control
from harness.memory import core_limits

USER = "nobody"
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
strict_only = pytest.mark.skipif(surroundings.sanitized(), reason="a sanitizer's runtime needs what the sandbox forbids")


def threads(server):
    """What the kernel says of each thread: name to words."""
    found = []
    for task in sorted(pathlib.Path(f"/proc/{server.process.popen.pid}/task").iterdir()):
        lines = (task / "status").read_text().splitlines()
        found.append({name: value.split() for name, _, value in (line.partition(":") for line in lines)})
    assert len(found) >= 5, "event loops, store, checkpoints and hashing have threads"
    return found


def sandbox_line(server):
    line = next(line for line in server.log.splitlines() if " sandbox " in line)
    return dict(word.split("=", 1) for word in line.split()[3:])


def certificate_of(server):
    return ssl.get_server_certificate(("127.0.0.1", server.port), timeout=surroundings.PATIENCE)


def open_doors(world):
    """A user who is not root has to get to the data directory."""
    world.directory.chmod(0o711)


def check_every_thread(server, uid, bounded):
    nothing = ["0" * 16]
    for thread in threads(server):
        assert thread["NoNewPrivs"] == ["1"] and thread["Seccomp"] == ["2"], thread
        assert thread["Uid"] == [str(uid)] * 4, thread
        for kind in ("CapInh", "CapPrm", "CapEff", "CapAmb", *(["CapBnd"] if bounded else [])):
            assert thread[kind] == nothing, (kind, thread)


def test_no_thread_keeps_a_right(world):
    server = world.server("--threads", 3)
    check_every_thread(server, os.geteuid(), os.geteuid() == 0)
    told = sandbox_line(server)
    assert told["no_new_privs"] == "yes" and told["capabilities"] == "none" and told["seccomp"] == "filter", told
    assert ("running_as_root" in server.log) == (os.geteuid() == 0)
    assert core_limits(server.process.popen.pid) == ["0", "0"]


@strict_only
def test_landlock_is_in_force_or_its_lack_is_told(world):
    server = world.server()
    told = sandbox_line(server)
    assert told["dumpable"] == "no"
    assert (told["landlock"] == "unavailable") == ("sandbox_incomplete" in server.log)


@root_only
def test_root_becomes_another_user(world):
    open_doors(world)
    entry = pwd.getpwnam(USER)
    server = world.new_server("--user", USER, accounts=("alice", "bob"), prepared=False)
    server.credentials.chmod(0o600)  # root's alone: read before
    server.start()
    check_every_thread(server, entry.pw_uid, True)
    for thread in threads(server):
        assert thread["Gid"] == [str(entry.pw_gid)] * 4 and "0" not in thread["Groups"], thread
    assert server.data.stat().st_uid == entry.pw_uid and stat.S_IMODE(server.data.stat().st_mode) == 0o700
    assert {path.stat().st_uid for path in server.data.iterdir()} == {entry.pw_uid}
    assert stat.S_IMODE((server.data / "key.pem").stat().st_mode) == 0o600
    if not surroundings.sanitized():
        # Of a process that cannot be dumped, what is private in /proc belongs to root.
        assert os.stat(f"/proc/{server.process.popen.pid}/environ").st_uid == 0
    assert "running_as_root" not in server.log
    exercise(world, server)
    server.restart()
    exercise(world, server)


@root_only
def test_root_restores_for_another_user(world):
    open_doors(world)
    server = world.new_server("--user", USER, accounts=("alice", "bob"), prepared=False)
    server.start()
    backup = world.directory / "backup.db"
    Control(server).rows("backup", backup)
    server.stop()
    for lock in ("earshotd.lock", "earshot.db.lock"):
        (server.data / lock).unlink()
    done = subprocess.run([surroundings.EARSHOTD, "--restore", backup, "--data", server.data], capture_output=True, text=True,
                          env=surroundings.environment(), timeout=6 * surroundings.PATIENCE, check=False)
    assert done.returncode == 0, done
    server.start()
    exercise(world, server)


@root_only
def test_a_low_port_is_opened_before(world):
    open_doors(world)
    with socket.socket() as probe:
        port = next((port for port in range(600, 1000) if probe.connect_ex(("127.0.0.1", port)) != 0), None)
    server = world.new_server("--user", USER)
    server.port = port
    server.start()
    assert server.port == port and threads(server)[0]["Uid"][1] != "0"


@root_only
def test_what_is_in_the_way_of_another_user(world):
    open_doors(world)

    def refused(*args, code):
        done = subprocess.run([surroundings.EARSHOTD, "--listen", "127.0.0.1:0", *map(str, args)], capture_output=True, text=True,
                              cwd=world.directory, env=surroundings.environment(), timeout=surroundings.PATIENCE, check=False)
        assert done.returncode == code and not done.stdout, done
        return done.stderr

    assert "no-such-user" in refused("--user", "no-such-user", "--data", world.directory / "a", code=1)
    assert "root" in refused("--user", "root", "--data", world.directory / "b", code=1)
    used = world.directory / "used"
    used.mkdir(mode=0o700)
    (used / "something").write_text("of root's")
    assert f"chown -R {USER}" in refused("--user", USER, "--data", used, code=2)
    assert (used / "something").stat().st_uid == 0
    nobody = ["setpriv", "--reuid", USER, "--regid", "nogroup", "--clear-groups"]
    done = subprocess.run([*nobody, surroundings.EARSHOTD, "--listen", "127.0.0.1:0", "--user", "daemon", "--data",
                           world.directory / "c"], capture_output=True, text=True, timeout=surroundings.PATIENCE, check=False)
    assert done.returncode in (2, 126, 127) and not (world.directory / "c").exists(), done


# ---- --check by root, who may read more ----


def check(world, *args):
    return subprocess.run([surroundings.EARSHOTD, *map(str, args), "--check"], capture_output=True, text=True, cwd=world.directory,
                          env=surroundings.environment(), timeout=surroundings.PATIENCE, check=False)


@root_only
def test_check_as_the_user_of_the_settings(world):
    """A mistake is what the start would fail with."""
    open_doors(world)
    folder = world.directory / "pair"
    pair(world, folder)
    folder.chmod(0o700)
    secret = world.directory / "secret"
    secret.write_text("a secret\n")
    credentials = world.directory / "users"
    credentials.write_text("alice alice-password\n")
    config = world.directory / "earshotd.conf"
    config.write_text(f"user = {USER}\ncertificate = {folder}/cert.pem\nkey = {folder}/key.pem\ncredentials = {credentials}\n"
                      f"turn = turn:127.0.0.1:3478\nturn-secret-file = {secret}\n")
    for path in (secret, credentials, config):
        path.chmod(0o600)
    args = ("--config", config, "--data", world.directory / "data", "--listen", "127.0.0.1:0")

    def mistakes():
        done = check(world, *args)
        starts = world.program(surroundings.EARSHOTD, *args, stdin=subprocess.DEVNULL) if done.returncode == 1 else None
        assert starts is None or starts.exit_code() == 1, "the server starts with it"
        assert done.returncode == 1 or done.stdout == "configuration ok\n"
        return [line for line in done.stderr.splitlines() if "warning" not in line]

    def starts_with(line, *expected):
        return all(words in line for words in (f"earshotd: as {USER}: ", *expected))

    found = mistakes()
    assert len(found) == 2 and starts_with(found[0], "certificate: ", f"{folder}/cert.pem", "Permission denied"), found
    assert starts_with(found[1], "turn-secret-file: ", str(secret), "Permission denied"), found
    folder.chmod(0o711)
    secret.chmod(0o604)
    found = mistakes()
    assert len(found) == 1 and starts_with(found[0], f"{folder}/cert.pem", "Permission denied"), found
    (folder / "cert.pem").chmod(0o644)
    found = mistakes()
    assert len(found) == 1 and starts_with(found[0], f"{folder}/key.pem"), found
    shutil.chown(folder / "key.pem", USER)
    assert mistakes() == []
    server = world.program(surroundings.EARSHOTD, *args, stdin=subprocess.DEVNULL)
    world.hub.wait(lambda: server.lines, "the server to be ready")
    done = check(world, *args)
    assert f"warning: as {USER}, in a reload: settings: cannot read {config}: Permission denied" in done.stderr
    config.chmod(0o644)
    assert check(world, *args).stderr == ""
    assert "no-such-user" in check(world, *args, "--user", "no-such-user").stderr


@root_only
def test_check_as_the_owner_of_the_data(world):
    """Nobody has said whom the server will be; what its likely user cannot read is a warning."""
    open_doors(world)
    data = world.directory / "data"
    data.mkdir()
    credentials = world.directory / "users"
    credentials.write_text("alice alice-password\n")
    credentials.chmod(0o600)
    args = ("--data", data, "--credentials", credentials)
    done = check(world, *args)
    assert (done.returncode, done.stderr) == (0, ""), done
    shutil.chown(data, USER)
    done = check(world, *args)
    assert (done.returncode, done.stdout) == (0, "configuration ok\n")
    assert done.stderr == (f"earshotd: warning: as {USER}, whom {data} belongs to: --credentials: cannot read {credentials}: "
                           "Permission denied\n")
    shutil.chown(credentials, USER)
    assert check(world, *args).stderr == ""
    credentials.write_text("nonsense\n")
    done = check(world, *args)
    assert done.returncode == 1 and done.stderr.count("\n") == 1, "said once"


# ---- all that it does later ----


def exercise(world, server):
    """Messages, an account, a backup, a reload, standard error."""
    control = Control(server)
    alice, bob = (world.client(user, label=f"{user}-{server.starts}", server=server) for user in ("alice", "bob"))
    alice.ok("message bob " + "x" * 10000)
    bob.expect("message", sender="alice")
    alice.ok("block bob")
    alice.ok("unblock bob")
    new = world.start_client(f"new{server.starts}", "--register", server=server)
    new.expect("online")
    backup = world.directory / f"copy{server.starts}-{server.port}.db"
    control.rows("backup", backup)
    assert backup.stat().st_size > 0
    before = server.log.count(" reloaded")
    server.process.signal(signal.SIGHUP)
    world.hub.wait(lambda: server.log.count(" reloaded") > before, "a reload")
    for client in (alice, bob, new):
        client.logout()


def test_what_is_needed_later_works(world):
    server = world.server()
    exercise(world, server)


def pair(world, folder):
    """A certificate and its key, made by a server."""
    server = world.new_server().start()
    server.stop()
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("cert.pem", "key.pem"):
        shutil.copy(server.data / name, folder / name)
    return server


@pytest.mark.parametrize("linked", [False, True], ids=["files", "links"])
def test_a_certificate_is_renewed_by_renaming(world, linked):
    """Also as some programs keep it: what is configured is a link into a directory of versions."""
    archive = world.directory / "archive"
    live = world.directory / "live"
    live.mkdir()
    for number in (1, 2):
        pair(world, archive / f"made{number}")
        for name in ("cert", "key"):
            (archive / f"made{number}" / f"{name}.pem").rename(archive / f"{name}{number}.pem")

    def renew(number):
        for name in ("cert", "key"):
            fresh = live / f"{name}.new"
            if linked:
                fresh.symlink_to(archive / f"{name}{number}.pem")
            else:
                shutil.copy(archive / f"{name}{number}.pem", fresh)
            fresh.rename(live / f"{name}.pem")

    renew(1)
    config = world.directory / "settings" / "earshotd.conf"
    config.parent.mkdir()
    config.write_text("timeout = 0\n")
    server = world.server("--config", config, "--certificate", live / "cert.pem", "--key", live / "key.pem")
    first = certificate_of(server)
    renew(2)
    fresh = config.with_suffix(".new")
    fresh.write_text("timeout = 3600\n")
    fresh.rename(config)
    server.process.signal(signal.SIGHUP)
    server.wait_log(" reloaded")
    assert certificate_of(server) != first and "setting_changed name=timeout value=3600" in server.log


@strict_only
def test_a_file_elsewhere_needs_a_restart(world):
    config = world.directory / "settings" / "earshotd.conf"
    config.parent.mkdir()
    config.write_text("")
    pair(world, world.directory / "elsewhere")
    server = world.server("--config", config)
    if sandbox_line(server)["landlock"] == "unavailable":
        pytest.skip("files are not confined here")
    config.write_text("".join(f"{setting} = {world.directory}/elsewhere/{name}\n"
                              for setting, name in (("certificate", "cert.pem"), ("key", "key.pem"))))
    first = certificate_of(server)
    server.process.signal(signal.SIGHUP)
    server.wait_log("reload_refused.*after a restart")
    assert certificate_of(server) == first
    server.restart()
    assert certificate_of(server) != first


# ---- the setting ----


def test_off_keeps_everything_and_says_so(world):
    server = world.server("--sandbox", "off")
    assert "sandbox_off" in server.log
    for thread in threads(server):
        assert thread["Seccomp"] == ["0"], thread
    exercise(world, server)


@strict_only
def test_required(world):
    told = sandbox_line(world.server())
    server = world.new_server("--sandbox", "required").launch()
    if told["landlock"] == "unavailable":
        assert server.process.exit_code() == 2 and "sandbox is required" in server.log
    else:
        server.ready()


# ---- the key ----


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_key_that_others_can_read_is_refused(world, mode):
    server = world.server()
    server.stop()
    key = server.data / "key.pem"
    key.chmod(mode)
    server.launch()
    if mode == 0o640 and os.geteuid() == 0:
        server.ready()  # root's, lent to a group
        return
    assert server.process.exit_code() == 2
    assert str(key) in server.log and f"{mode:04o}" in server.log and "chmod 600" in server.log
    key.chmod(0o600)
    server.start()


def test_a_reload_refuses_such_a_key_and_keeps_the_old_one(world):
    server = world.server()
    first = certificate_of(server)
    (server.data / "key.pem").chmod(0o644)
    server.process.signal(signal.SIGHUP)
    server.wait_log("reload_refused.*read or changed by others")
    assert certificate_of(server) == first


@root_only
def test_a_key_of_another_user_is_refused(world):
    open_doors(world)
    server = world.new_server("--user", USER)
    server.start().stop()
    key = server.data / "key.pem"
    os.chown(key, 1, 1)
    server.launch()
    assert server.process.exit_code() == 2
    assert str(key) in server.log
