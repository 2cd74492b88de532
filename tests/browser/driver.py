"""Chromium with the page in it, and the page's way to earshotd.

The page cannot speak the protocol of the server, which is TLS over TCP. A Peer of the harness does that for it: what the server
says about private channels is handed to the page, and what the page wants to tell the server is sent. Both go through an HTTP
server on the loopback interface: the page asks for /commands, waiting until there are some, and posts what happens to /events.

Everything but the HTTP server's own threads happens in the test's thread, driven by the hub.
"""
import collections
import http.server
import json
import os
import pathlib
import queue
import shutil
import signal
import socket
import ssl
import threading

from harness import surroundings
from harness.client import fits
from harness.process import Process
from harness.wire import pb

FOLDER = pathlib.Path(__file__).resolve().parent
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-default-apps", "--disable-breakpad")
POLL_SECONDS = 5
BAD = ("failed", "trouble", "refused")  # fail a test that does not expect them


def chromium():
    return shutil.which("chromium")


def missing():
    """Why there can be no tests with a browser here, or None."""
    if chromium() is None:
        return "no browser here: Debian's package chromium is not installed"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(("192.0.2.1", 9))  # sends nothing, asks for a route
        except OSError:
            return "no network here but the loopback interface: Chromium finds no address of its own then"
    return None


def pack(value):
    """JSON has no bytes."""
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    raise TypeError(f"{value!r} for the page")


def unpack(value):
    return bytes.fromhex(value["hex"]) if set(value) == {"hex"} else value


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet, or the second waits for the other end's delayed acknowledgement

    def reply(self, body, kind="application/json", status=200):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/commands":
            self.reply(json.dumps(self.commands(), default=pack).encode())
            return
        path = FOLDER / (self.path.lstrip("/") or "page.html")
        if path.parent == FOLDER and path.suffix in TYPES and path.is_file():
            self.reply(path.read_bytes(), TYPES[path.suffix])
        else:
            self.reply(b"", status=404)

    def commands(self):
        waiting, found = self.server.page.commands, []
        try:
            found.append(waiting.get(timeout=POLL_SECONDS))
            while True:
                found.append(waiting.get_nowait())
        except queue.Empty:
            return found

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.page.arrived(json.loads(body, object_hook=unpack))
        self.reply(b"{}")

    def log_message(self, *args):
        pass


class ServerSide:
    """What the server says to the page's user, read as it comes. Frames that are not for the page are dropped."""

    PASSED = ("private_request", "private_settled", "signal")

    def __init__(self, page, peer):
        self.page, self.peer = page, peer
        for frame in peer.inbox:
            self.frame(frame)
        self.cut()
        page.hub.add(self)

    def fileno(self):
        return self.peer.sock.fileno()

    def readable(self):
        self.peer.sock.settimeout(0)
        try:
            while True:
                data = self.peer.sock.recv(1 << 16)
                if not data:
                    return False
                self.peer.buffer += data
        except ssl.SSLWantReadError:
            return True
        except OSError:
            return False
        finally:
            self.peer.sock.settimeout(surroundings.PATIENCE)
            self.cut()

    def cut(self):
        while (data := self.peer.cut()) is not None:
            self.frame(pb.ServerFrame.FromString(data))

    def frame(self, frame):
        kind = frame.WhichOneof("body")
        self.page.hub.note(self.peer.name, "<", " ".join(str(frame).split())[:300])
        if kind == "error":
            self.page.take({"event": "refused", "text": frame.error.text.decode()})
        elif kind in self.PASSED:
            self.page.command(kind, **getattr(self, kind)(getattr(frame, kind)))

    @staticmethod
    def private_request(body):
        return {"from": getattr(body, "from").decode(), "channel": body.channel, "device": body.device}

    @staticmethod
    def private_settled(body):
        relays = [{"url": relay.url.decode(), "user": relay.user.decode(), "password": relay.password.decode()}
                  for relay in body.relays]
        outcome = pb.PrivateSettled.Outcome.Name(body.outcome).removeprefix("OUTCOME_").lower()
        return {"with": getattr(body, "with").decode(), "channel": body.channel, "outcome": outcome, "device": body.device,
                "nonce": body.nonce, "relays": relays}

    def signal(self, body):
        payload = self.page.altered(self.page.alter_incoming, body.payload)
        return {"from": getattr(body, "from").decode(), "device": body.device, "channel": body.channel, "payload": payload}


class Page:
    """A source for the hub: its events, as Client has them. `alter_incoming` and `alter_outgoing` get each PeerSignal on its way
    and may change it, as a server could that lies."""

    def __init__(self, hub, directory):
        self.hub = hub
        self.commands = queue.Queue()
        self.posted = collections.deque()
        self.events = []
        self.server_side = None
        self.alter_incoming = self.alter_outgoing = None
        self.ear, self.bell = socket.socketpair()
        hub.add(self)
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.http.page = self
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
        self.process = self.launch(directory)

    def launch(self, directory):
        home = directory / "chromium"
        home.mkdir()
        url = f"http://127.0.0.1:{self.http.server_port}/"
        return Process(self.hub, "chromium", [chromium(), *FLAGS, f"--user-data-dir={home / 'profile'}", url], directory,
                       env=surroundings.environment(HOME=home, XDG_CONFIG_HOME=home, XDG_CACHE_HOME=home, TMPDIR=home))

    # ---- from the page ----

    def arrived(self, event):
        """Called by a thread of the HTTP server."""
        self.posted.append(event)
        self.bell.send(b"!")

    def fileno(self):
        return self.ear.fileno()

    def readable(self):
        rung = self.ear.recv(100)
        while self.posted:
            self.take(self.posted.popleft())
        return bool(rung)

    def take(self, event):
        if "send" in event:
            self.pass_on(event["send"], event["fields"])
            return
        self.hub.note("page", "<", str(event)[:300])
        self.events.append(event)

    def pass_on(self, kind, fields):
        if kind == "signal":
            fields["payload"] = self.altered(self.alter_outgoing, fields["payload"])
        self.server_side.peer.send(kind, **fields)

    @staticmethod
    def altered(alter, payload):
        if alter is None:
            return payload
        signal_ = pb.PeerSignal.FromString(payload)
        alter(signal_)
        return signal_.SerializeToString()

    # ---- to the page ----

    def command(self, do, **fields):
        self.hub.note("page", ">", f"{do} {fields}"[:300])
        self.commands.put({"do": do, **fields})

    def connect(self, peer):
        """`peer` is logged in; the page is at home there from now on."""
        self.server_side = ServerSide(self, peer)

    def expect(self, kind, seconds=None, **fields):
        def look():
            for at, event in enumerate(self.events):
                if fits(event, kind, fields):
                    return self.events.pop(at)
            assert not any(event["event"] in BAD for event in self.events), self.events
            assert not self.process.ended, f"Chromium ended\n{self.process.stderr[-3000:]}"
            return None

        return self.hub.wait(look, f"page< {kind} {fields}", seconds)

    def fresh(self, user):
        """As a page just opened, with an identity of its own."""
        self.alter_incoming = self.alter_outgoing = None
        self.command("new", user=user)

        def ready():
            old = [at for at, event in enumerate(self.events) if event["event"] == "ready"]
            del self.events[:old[-1] + 1 if old else 0]
            return old

        self.hub.wait(ready, "the page to be as new")

    def pause(self):
        """The browser stands still, all of it: nothing is sent or answered."""
        os.killpg(self.process.popen.pid, signal.SIGSTOP)

    def go_on(self):
        os.killpg(self.process.popen.pid, signal.SIGCONT)

    # ---- the end ----

    def close(self):
        """Chromium is asked first; then nothing of its process group stays."""
        group = self.process.popen.pid
        if self.process.alive:
            self.go_on()
            self.process.signal(signal.SIGTERM)
            try:
                self.process.exit_code()
            except AssertionError:
                pass
        try:
            os.killpg(group, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.kill()
        for source in (self, self.server_side):
            if source is not None:
                self.hub.remove(source)
        self.http.shutdown()
        self.http.server_close()
        self.ear.close()
        self.bell.close()
