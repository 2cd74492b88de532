"""Everything one test starts, and its end: clients are given end of input, servers SIGTERM, and nothing stays running."""
import pathlib
import shutil
import tempfile

from . import surroundings
from .client import Client
from .hub import Hub
from .prepared import prepare
from .process import Process
from .server import Server, password_of
from .terminal import Terminal
from .wire import FakeServer, Peer


class World:
    def __init__(self):
        self.hub = Hub()
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="earshot-test-"))
        self.servers = []
        self.clients = []
        self.peers = []
        self.others = []
        self.belongings = []

    # ---- servers ----

    def new_server(self, *args, accounts=(), **options):
        """Not started."""
        name = f"earshotd{len(self.servers) or ''}"
        server = Server(self.hub, self.directory / name, *args, accounts=accounts, **options)
        self.servers.append(server)
        return server

    def server(self, *args, accounts=("alice", "bob", "carol"), **options):
        return self.new_server(*args, accounts=accounts, **options).start()

    # ---- clients ----

    def state(self, label):
        return self.directory / f"state-{label}"

    def password_file(self, label, password):
        path = self.directory / f"password-{label}"
        path.write_bytes(password if isinstance(password, bytes) else password.encode() + b"\n")
        path.chmod(0o600)
        return path

    def client_args(self, user, label, *args, server=None, password=None, certificate=True):
        server = server or self.servers[0]
        argv = ["--state", self.state(label)]
        if certificate:
            argv += ["--ca", server.certificate]
        argv += ["--password-file", self.password_file(label, password if password is not None else password_of(user))]
        return [*argv, *args, f"{user}@{server.address}" if user else server.address]

    def start_client(self, user, *args, label=None, env=None, **options):
        """Does not wait for the login."""
        label = label or user
        client = Client(self.hub, label, self.client_args(user, label, *args, **options), self.directory, env=env)
        self.clients.append(client)
        return client

    def client(self, user, *args, **options):
        """Logged in."""
        client = self.start_client(user, *args, **options)
        client.expect("online", user=user.lower())
        return client

    def program(self, *argv, name="program", **options):
        """Any program, its output as lines."""
        process = Process(self.hub, name, argv, self.directory, **options)
        self.others.append(process)
        return process

    def terminal(self, *argv, name="terminal", **options):
        terminal = Terminal(self.hub, name, argv, self.directory, **options)
        self.others.append(terminal)
        return terminal

    # ---- protocol ----

    def peer(self, user=None, server=None, label=None, **options):
        """Connected; logged in if a user is named."""
        name = label or f"{user or 'peer'}/{len(self.peers)}"
        peer = Peer(self.hub, name, server or self.servers[0], **options)
        self.peers.append(peer)
        if user:
            peer.login(user)
        return peer

    def fake_server(self):
        """Has the certificate of a real one."""
        data = prepare(Server, ("alice", "bob", "carol"))
        fake = FakeServer(self.hub, data / "cert.pem", data / "key.pem")
        self.peers.append(fake)
        return fake

    # ---- the end ----

    def finish(self):
        """The orderly end of a test that has passed: whatever still runs must end as promised."""
        for peer in self.peers:
            peer.close()
        running = [client for client in self.clients if client.alive]
        if any(server.running for server in self.servers):
            for client in running:
                client.end_input()
            for client in running:
                client.exit_code()
        for server in self.servers:
            if server.running:
                server.stop()

    def close(self):
        """Whatever happened: nothing stays."""
        for peer in self.peers:
            peer.close()
        for process in [*self.clients, *self.others, *(server.process for server in self.servers if server.process)]:
            process.kill()
        for belonging in reversed(self.belongings):
            belonging.close()
        self.hub.close()

    def sanitizer_reports(self):
        found = []
        for path in sorted(self.directory.glob("**/*.stderr")):
            report = surroundings.sanitizer_report(path.read_text("utf-8", "backslashreplace"))
            if report:
                found.append(f"{path.name}: {report}")
        return found

    def report(self):
        """What a person needs to see when a test has failed."""
        parts = [self.hub.transcript()]
        for path in sorted(self.directory.glob("**/*.stderr")):
            text = path.read_text("utf-8", "backslashreplace")
            if text:
                parts.append(f"---- {path.name} ----\n{text[-3000:]}")
        return "\n".join(parts)

    def remove(self):
        shutil.rmtree(self.directory, ignore_errors=True)
