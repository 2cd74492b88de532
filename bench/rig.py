"""What bench/run starts and stops: data directories, servers, the load, and the measure of the machine's speed."""
import json
import os
import pathlib
import select
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
PATIENCE_S = 30
TLS = ("cert.pem", "key.pem")


class Failed(Exception):
    pass


class Rig:
    """Programs of one build directory, and a scratch directory that goes with it."""

    def __init__(self, build, scratch=None, threads=0, log_mib=256):
        self.build = build
        self.threads = threads
        self.log_mib = log_mib  # of the limit's log, made beforehand
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="earshot-bench-", dir=scratch))

    def close(self):
        shutil.rmtree(self.scratch, ignore_errors=True)

    def populated(self, accounts, messages=0):
        """A data directory of that size, made once and never served itself."""
        directory = self.scratch / f"accounts-{accounts}-{messages}"
        if not directory.exists():
            command = [ROOT / "tools" / "populate", "--build", self.build, "--accounts", accounts, "--messages", messages, directory]
            run([str(word) for word in command])
        return directory

    def rsa_certificate(self):
        """The options for a certificate with a key of 4,096 bits, made once."""
        cert, key = self.scratch / "rsa-cert.pem", self.scratch / "rsa-key.pem"
        if not cert.exists():
            run(["openssl", "req", "-x509", "-newkey", "rsa:4096", "-nodes", "-subj", "/CN=localhost", "-days", "30",
                 "-keyout", str(key), "-out", str(cert)])
        return ("--certificate", cert, "--key", key)

    def speed(self):
        """Nanoseconds of a loopback round trip."""
        return float(run([str(self.build / "bench" / "speed")]))

    def measure(self, server, arguments):
        """The load's one line. `server` is started for it, and stopped and cleaned away afterwards; what its stop took is added."""
        with server:
            command = [self.build / "bench" / "load", *arguments, "--port", server.port, "--pid", server.process.pid, *server.says]
            line = json.loads(run([str(word) for word in command], stderr=server.log))
        line["stop_ns"] = server.cpu_ns - line["total_cpu_ns"]
        return line


def run(command, stderr=None):
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, check=False)
    except OSError as problem:
        raise Failed(f"{command[0]}: {problem.strerror} (tools/deps build bench installs what is needed)") from problem
    if done.returncode != 0:
        raise Failed(f"{' '.join(command)}\n{done.stderr[-2000:]}" + (stderr.read_text()[-2000:] if stderr else ""))
    return done.stdout


class Server:
    """A process that says "ready HOST:PORT" when it serves. `says`: what the load has to know about it."""

    says = ()

    def __init__(self, rig):
        self.rig = rig
        self.directory = rig.scratch / "served"
        self.log = rig.scratch / "server.log"

    def __enter__(self):
        shutil.rmtree(self.directory, ignore_errors=True)
        self.prepare()
        with open(self.log, "w") as log:
            self.process = subprocess.Popen([str(word) for word in self.command()], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                            stderr=log, text=True)
        ready = self.process.stdout.readline()
        if not ready.startswith("ready "):
            self.process.kill()
            self.process.wait()
            raise Failed(f"the server did not start: {self.log.read_text()[-2000:]}")
        self.port = int(ready.rsplit(":", 1)[1])
        return self

    def __exit__(self, *_):
        """Also learns how much CPU time it took from its start to its end."""
        self.process.terminate()
        ending = os.pidfd_open(self.process.pid)
        if not select.select([ending], [], [], PATIENCE_S)[0]:
            print("bench: the server did not end by itself", file=sys.stderr)
            self.process.kill()
        os.close(ending)
        _, status, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        self.process.stdout.close()
        self.cpu_ns = int((usage.ru_utime + usage.ru_stime) * 1e9)
        shutil.rmtree(self.directory, ignore_errors=True)


class Earshot(Server):
    """The real server on a copy of a populated directory."""

    def __init__(self, rig, data, threads=0, placement=None, build=None, rsa=False):
        super().__init__(rig)
        self.data = data
        self.rsa = rig.rsa_certificate() if rsa else ()
        self.placement = ("--placement", placement) if placement else ()
        self.threads = threads or rig.threads
        self.build = build or rig.build
        self.says = ("--protocol", "earshot")

    def prepare(self):
        shutil.copytree(self.data, self.directory)

    def command(self):
        return [self.build / "earshotd", "--listen", "127.0.0.1:0", "--data", self.directory, "--log-level", "error",
                "--rate-limit", "0", "--max-connections", "15000", "--max-connections-per-address", "15000",
                "--max-logins-per-minute", "0", "--threads", self.threads, *self.placement, *self.rsa]


class Limit(Server):
    """The bare relay; durable: with a log that it syncs before it answers."""

    def __init__(self, rig, data, tls=True, durable=False):
        super().__init__(rig)
        self.tls, self.durable = [data / name for name in TLS] if tls else (), durable
        self.says = ("--protocol", "limit", *(() if tls else ("--plain",)), *(("--acknowledged",) if durable else ()))

    def prepare(self):
        self.directory.mkdir()

    def command(self):
        command = [self.rig.build / "bench" / "limit"]
        if self.tls:
            command += ["--certificate", self.tls[0], "--key", self.tls[1]]
        if self.durable:
            command += ["--log", self.directory / "log", "--room", self.rig.log_mib]
        return command
