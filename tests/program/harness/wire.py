"""The protocol itself, for what earshot would never do.

    Peer        a client of earshotd: says what it likes, also nothing, half a frame or garbage
    FakeServer  a server for earshot: accepts, and each connection is a Link that says what it likes

The messages are generated from proto/earshot.proto when the tests start, so that they cannot differ from it.
"""
import atexit
import importlib
import pathlib
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time

from . import surroundings
from .server import password_of


def generate():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="earshot-proto-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    source = surroundings.ROOT / "proto"
    subprocess.run(["protoc", f"--python_out={folder}", f"-I{source}", source / "earshot.proto"], check=True)
    sys.path.insert(0, str(folder))
    try:
        return importlib.import_module("earshot_pb2")
    finally:
        sys.path.remove(str(folder))


pb = generate()
FRAME_MAX = 65536


def code_name(number):
    """ERROR_UNKNOWN_USER as the events spell it: unknown_user."""
    return pb.ErrorCode.Name(number).removeprefix("ERROR_").lower()


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def framed(message):
    data = message if isinstance(message, bytes) else message.SerializeToString()
    return varint(len(data)) + data


def build(frame_type, kind, fields):
    """kind "message", fields {"to": ..., "body": ...}: strings become bytes where the schema wants them."""
    frame = frame_type()
    part = getattr(frame, kind)
    part.SetInParent()
    for name, value in fields.items():
        field = part.DESCRIPTOR.fields_by_name[name]
        if field.label == field.LABEL_REPEATED:
            getattr(part, name).extend(value)
        elif field.type == field.TYPE_BYTES and isinstance(value, str):
            setattr(part, name, value.encode())
        else:
            setattr(part, name, value)
    return frame


def matches(part, fields):
    for name, wanted in fields.items():
        have = getattr(part, "from" if name == "sender" else name)
        if isinstance(wanted, str):
            wanted = wanted.encode()
        if not (wanted(have) if callable(wanted) else have == wanted):
            return False
    return True


class Closed(AssertionError):
    """The other side ended the connection while more was expected."""


class Link:
    """A TLS connection that carries frames. `reads` is the type of what arrives, `writes` of what is sent."""

    def __init__(self, hub, name, sock, reads, writes):
        self.hub, self.name, self.sock, self.reads, self.writes = hub, name, sock, reads, writes
        self.buffer = b""
        self.inbox = []
        self.number = 0

    # ---- sending ----

    def send_bytes(self, data):
        self.hub.note(self.name, ">", f"{len(data)} bytes {data[:40]!r}")
        self.sock.sendall(data)

    def send_frame(self, frame):
        self.hub.note(self.name, ">", " ".join(str(frame).split())[:300])
        self.sock.sendall(framed(frame))

    def frame(self, kind, number=None, **fields):
        frame = build(self.writes, kind, fields)
        if self.writes is pb.ClientFrame:
            if number is None:
                self.number += 1
                number = self.number
            frame.number = number
        elif number is not None:
            frame.answers = number
        return frame

    def send(self, kind, number=None, **fields):
        """Returns the frame's number."""
        frame = self.frame(kind, number, **fields)
        self.send_frame(frame)
        return frame.number if self.writes is pb.ClientFrame else frame.answers

    # ---- receiving ----

    def fill(self, deadline):
        left = deadline - time.monotonic()
        if left <= 0:
            raise AssertionError(f"{self.name}: waited in vain; got {self.inbox}")
        self.sock.settimeout(left)
        try:
            data = self.sock.recv(1 << 16)
        except (TimeoutError, socket.timeout):
            raise AssertionError(f"{self.name}: waited in vain; got {self.inbox}") from None
        except (ConnectionError, ssl.SSLError, OSError) as problem:
            self.hub.note(self.name, ":", f"lost: {problem}")
            data = b""
        if not data:
            raise Closed(f"{self.name}: the other side closed; got {self.inbox}")
        self.buffer += data

    def cut(self):
        """A whole frame's bytes from the buffer, or None."""
        length = shift = 0
        for at, byte in enumerate(self.buffer[:5]):
            length |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                end = at + 1 + length
                if len(self.buffer) < end:
                    return None
                data, self.buffer = self.buffer[at + 1:end], self.buffer[end:]
                return data
        return None

    def read(self, seconds=None):
        """The next frame as it comes. Raises Closed at the end."""
        deadline = time.monotonic() + (surroundings.PATIENCE if seconds is None else seconds * surroundings.SLOW)
        while True:
            data = self.cut()
            if data is not None:
                break
            self.fill(deadline)
        assert len(data) <= FRAME_MAX, f"{self.name}: a frame of {len(data)} bytes"
        frame = self.reads()
        frame.ParseFromString(data)
        self.hub.note(self.name, "<", " ".join(str(frame).split())[:300])
        return frame

    def expect(self, kind, number=None, seconds=None, **fields):
        """The first frame of this kind that fits; others wait in `inbox`. Returns its body."""
        def fits(frame):
            if frame.WhichOneof("body") != kind:
                return False
            if number is not None and (frame.number if self.reads is pb.ClientFrame else frame.answers) != number:
                return False
            return matches(getattr(frame, kind), fields)

        for at, frame in enumerate(self.inbox):
            if fits(frame):
                return getattr(self.inbox.pop(at), kind)
        while True:
            frame = self.read(seconds)
            if fits(frame):
                return getattr(frame, kind)
            self.inbox.append(frame)

    def answer(self, number):
        """The frame that answers this request."""
        for at, frame in enumerate(self.inbox):
            if frame.answers == number:
                return self.inbox.pop(at)
        while True:
            frame = self.read()
            if frame.answers == number:
                return frame
            self.inbox.append(frame)

    def request(self, kind, number=None, **fields):
        return self.answer(self.send(kind, number, **fields))

    def done(self, kind, **fields):
        """A request that must succeed; returns the body of its answer."""
        frame = self.request(kind, **fields)
        assert frame.WhichOneof("body") != "error", f"{self.name}> {kind}: {frame}"
        return getattr(frame, frame.WhichOneof("body"))

    def refused(self, kind, code, number=None, **fields):
        frame = self.request(kind, number, **fields)
        assert frame.WhichOneof("body") == "error" and code_name(frame.error.code) == code, f"{self.name}> {kind}: {frame}"
        return frame.error

    def waiting(self, kind, **fields):
        return [frame for frame in self.inbox if frame.WhichOneof("body") == kind and matches(getattr(frame, kind), fields)]

    def nothing(self, kind, **fields):
        """Behind a fence: nothing of the kind has come."""
        assert not self.waiting(kind, **fields), f"{self.name} got what must not arrive"

    def fence(self):
        """A round trip that must work."""
        self.done("whoelse")

    def closed(self, seconds=None):
        """Waits until the other side closes; what comes before goes to the inbox."""
        try:
            while True:
                self.inbox.append(self.read(seconds))
        except Closed:
            return self.inbox

    def close(self):
        """Abruptly, as a lost network does."""
        if self.sock is not None:
            self.hub.note(self.name, ":", "closes")
            self.sock.close()
            self.sock = None


def client_context(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(certificate)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


class Peer(Link):
    """A client of `server`. Connects at once; login() or resume() as wanted."""

    def __init__(self, hub, name, server, receive_buffer=None, source="127.0.0.1"):
        plain = socket.socket()
        try:
            plain.settimeout(surroundings.PATIENCE)
            if receive_buffer:
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            plain.bind((source, 0))
            plain.connect(("127.0.0.1", server.port))
            sock = client_context(server.certificate).wrap_socket(plain)
        except BaseException:
            plain.close()
            raise
        super().__init__(hub, name, sock, pb.ServerFrame, pb.ClientFrame)
        self.server = server
        self.user = self.token = None
        self.last_number = 0
        hub.note(name, ":", "connected")

    def hello(self, **fields):
        fields.setdefault("version", 1)
        fields.setdefault("client", b"tests 1")
        return self.done("hello", **fields)

    def welcomed(self, welcome):
        self.user, self.token, self.last_number = welcome.user.decode(), welcome.token or self.token, welcome.last_number
        self.number = max(self.number, self.last_number)
        return welcome

    def login(self, user, password=None, **fields):
        self.hello()
        return self.welcomed(self.done("login", user=user, password=password or password_of(user), **fields))

    def register(self, user, password=None):
        self.hello()
        return self.welcomed(self.done("register", user=user, password=password or password_of(user)))

    def resume(self, token, **fields):
        self.hello()
        self.token = token
        return self.welcomed(self.done("resume", token=token, **fields))

    def received(self, message):
        """Acknowledges a message; no answer comes."""
        self.send("received", 0, positions=[pb.Position(conversation=message.conversation, id=message.id)])

    def logout(self):
        self.send("logout")
        self.expect("goodbye", reason=pb.Goodbye.REASON_LOGOUT)
        self.closed()
        self.close()


class FakeServer:
    """Listens with another server's certificate (a pair of files)."""

    def __init__(self, hub, certificate, key):
        self.hub = hub
        self.certificate = certificate
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_3
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.links = []

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def accept_plain(self):
        self.listener.settimeout(surroundings.PATIENCE)
        return self.listener.accept()[0]

    def accept(self):
        plain = self.accept_plain()
        try:
            sock = self.context.wrap_socket(plain, server_side=True)
        except BaseException:
            plain.close()
            raise
        link = Link(self.hub, f"fake{len(self.links)}", sock, pb.ClientFrame, pb.ServerFrame)
        self.links.append(link)
        return link

    def accept_login(self, user, token=b"t" * 32):
        """Lets whoever connects in, by whatever way it asks."""
        link = self.accept()
        while True:
            frame = link.read()
            kind = frame.WhichOneof("body")
            if kind == "hello":
                link.send("greeting", frame.number, version=1, server="fake 1", heartbeat_seconds=20)
            elif kind == "identify":
                link.send("challenge", frame.number, kind=pb.Challenge.KIND_PASSWORD)
            elif kind in ("login", "register", "resume"):
                link.send("welcome", frame.number, user=user, token=token, time_ms=int(time.time() * 1000))
                link.send("caught_up", horizon=0)
                return link

    def close(self):
        self.listener.close()
        for link in self.links:
            link.close()
