"""Conversations written as text, and what runs them.

    # A comment. The first one says what the transcript shows.
    accounts dave erin        imported before the server starts, beside everybody who is named in a login
    server --timeout 0        starts earshotd with these arguments (without this line: with none, before the first login)
    server stop | kill | start
    file NAME TEXT            a file that the clients know by this name

    login alice               starts earshot --json and waits until it is online; the name alice then stands for it
    login alice as phone      another device of alice, called phone
    register dave             as login, with --register (the account need not exist)
    refused mallory CODE EXIT [--register] [password=TEXT]
                              a login that must fail with this error code (any: whatever it is) and this exit code
    alice> message bob hi     a line alice types
    alice< ok message         the next event alice gets (see below)
    alice repeats LINE until EVENT
                              types the line again and again, a hundred times at most, until it is answered so
    alice silent              behind a fence: alice got nothing that was not named here
    alice ends 0              the client's end with this exit code; no event is left over (but goodbye)
    alice input ends          end of file
    alice killed              kill -9

    raw x                     a connection that speaks the protocol and has said hello
    raw x as alice            ... and has logged in
    x> whoelse {}             a frame's body in protobuf's text format; numbered by itself, or `x> 7 whoelse {}`
    x< error { code: ERROR_WRONG_STATE }
                              the next frame but presence and caught_up has at least these fields; `x< 7 ...` also answers 7
    x closed                  the server closes the connection

Events, as they are written here ("..." stands for anything):

    ok message                ok broadcast delivered=1 withheld=false
    message alice: hi         stored alice: hi (it waited)       broadcast alice: hi
    presence alice online     whoelse: alice bob                 whoelsesince: -
    error unknown_user        error rate_limited retry           private_request alice
    private_open bob          private alice: hi                  private_closed bob stopped
    disconnected timeout      online alice                       goodbye

Answers must carry the number of a line that is still unanswered. Presence and everything else are two queues: each in order, and
presence may be passed over in silence. In texts \\t, \\n and \\xNN are bytes, and {a*100} is a hundred times a.
At the end nobody may have anything left over but presence.
"""
import fnmatch
import re

from google.protobuf import text_format

from .wire import code_name, pb

ESCAPE = re.compile(rb"\\(t|n|x[0-9a-fA-F]{2})|\{(.)\*(\d+)\}", re.S)
SAID = re.compile(r"(\S+?)([<>]) ?(.*)")


def unescape(text):
    """What is typed, as bytes."""
    def replace(found):
        escape, letter, count = found.groups()
        if letter:
            return letter * int(count)
        return {b"t": b"\t", b"n": b"\n"}.get(escape) or bytes([int(escape[1:], 16)])

    return ESCAPE.sub(replace, text.encode())


def escape(text):
    out = []
    for letter in text:
        if letter in "\t\n":
            out.append({"\t": "\\t", "\n": "\\n"}[letter])
        elif ord(letter) < 32 or 127 <= ord(letter) < 160:
            out.append(f"\\x{ord(letter):02x}")
        else:
            out.append(letter)
    return "".join(out)


def shown(event):
    """An event as transcripts write it."""
    kind = event["event"]
    if kind == "ok":
        text = f"ok {event['command']}"
        if event["command"] == "broadcast":
            text += f" delivered={event['delivered']} withheld={str(event['withheld']).lower()}"
        return text
    if kind == "error":
        return f"error {event['code']}" + (" retry" if event.get("retry_after") else "")
    if kind == "users":
        return f"{event['command']}: {' '.join(event['users']) or '-'}"
    if kind in ("message", "broadcast", "private"):
        word = "stored" if kind == "message" and event["stored"] else kind
        return f"{word} {event['from']}: {escape(event['body'])}"
    if kind == "presence":
        return f"presence {event['user']} {'online' if event['online'] else 'offline'}"
    words = [kind, event.get("user"), event.get("from"), event.get("with"), event.get("reason")]
    return " ".join(word for word in words if word)


# The promised ones. Others may be added, and transcripts do not see them.
EVENTS = {"online", "ok", "error", "message", "broadcast", "presence", "users", "private_request", "private_open", "private",
          "private_closed", "disconnected", "goodbye"}


def pattern(expected):
    wild = "".join(f"[{letter}]" if letter in "*?[" else letter for letter in expected)
    return wild.replace("...", "*")


class Actor:
    """One earshot in a transcript."""

    def __init__(self, client):
        self.client = client
        self.unanswered = set()

    def say(self, text):
        self.unanswered.add(self.client.send(unescape(text)))

    def hear(self, expected):
        presence = expected.startswith("presence ")

        def look():
            for event in self.client.events:
                if event["event"] in EVENTS and (event["event"] == "presence") == presence:
                    self.client.events.remove(event)
                    return event
            assert not self.client.ended, f"{self.client.name} ended; waited for: {expected}\n{self.client.stderr}"
            return None

        event = self.client.hub.wait(look, f"{self.client.name}< {expected}")
        wanted = escape(unescape(expected).decode("utf-8", "surrogateescape"))
        got = shown(event)
        assert fnmatch.fnmatchcase(got, pattern(wanted)), f"expected {self.client.name}< {wanted[:300]}\n     got: {got[:300]}"
        self.number(event)

    def number(self, event):
        if event.get("code") in ("declined", "private_failed"):
            return  # how a request that was put has ended; it has had its ok
        if event["event"] in ("ok", "users") or (event["event"] == "error" and "n" in event):
            assert event.get("n") in self.unanswered, f"answers no line: {event}"
            if event.get("code") != "not_accepted":
                self.unanswered.discard(event["n"])

    def left_over(self):
        return [shown(event) for event in self.client.events if event["event"] in EVENTS - {"presence"}]


class Transcript:
    def __init__(self, world, text):
        self.world = world
        self.steps = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)
                      if line.strip() and not line.lstrip().startswith("#")]
        self.actors = {}
        self.raws = {}
        self.server = None

    def run(self):
        for number, line in self.steps:
            try:
                self.step(line)
            except Exception as problem:
                raise AssertionError(f"line {number}: {line}\n{problem}") from problem
        for name in self.actors:
            if self.actors[name].client.alive:
                self.silent(name)

    def step(self, line):
        said = SAID.fullmatch(line)
        words = line.split()
        if said and said.group(1) in self.actors:
            name, direction, text = said.groups()
            (self.actors[name].say if direction == ">" else self.actors[name].hear)(text)
        elif said and said.group(1) in self.raws:
            name, direction, text = said.groups()
            (self.raw_say if direction == ">" else self.raw_hear)(self.raws[name], text)
        elif words[0] in self.actors:
            self.actor_step(words[0], words[1:])
        elif words[0] in self.raws and words[1:] == ["closed"]:
            self.raws[words[0]].closed()
        elif hasattr(self, f"do_{words[0]}"):
            getattr(self, f"do_{words[0]}")(*words[1:])
        else:
            raise AssertionError("not a step of a transcript")

    # ---- the server ----

    def accounts(self):
        registered = [line for _, line in self.steps if line.startswith("register ")]
        names = []
        for _, line in self.steps:
            words = line.split()
            if words[0] == "accounts":
                names += words[1:]
            elif words[0] == "login" and f"register {words[1]}" not in registered:
                names.append(words[1])
            elif words[0] == "raw" and words[2:3] == ["as"]:
                names.append(words[3])
        return sorted({name.lower() for name in names})

    def do_accounts(self, *names):
        pass

    def do_server(self, *words):
        if words in (("stop",), ("kill",), ("start",)):
            {"stop": self.server.stop, "kill": self.server.kill9, "start": self.server.start}[words[0]]()
        else:
            self.server = self.world.server(*words, accounts=self.accounts())

    def do_file(self, name, *words):
        (self.world.directory / name).write_bytes(unescape(" ".join(words)))

    # ---- clients ----

    def enter(self, name, label, *options):
        if self.server is None:
            self.do_server()
        client = self.world.start_client(name, *options, label=label)
        client.expect("online", user=name.lower())
        self.actors[label] = Actor(client)

    def do_login(self, name, *label):
        self.enter(name, label[1] if label else name)

    def do_register(self, name):
        self.enter(name, name, "--register")

    def do_refused(self, name, code, exit_code, *options):
        if self.server is None:
            self.do_server()
        password = next((option.partition("=")[2] for option in options if option.startswith("password=")), None)
        options = [option for option in options if option.startswith("--")]
        client = self.world.start_client(name, *options, label=f"{name}-{len(self.world.clients)}", password=password)
        client.expect("error", **({} if code == "any" else {"code": code}))
        assert client.exit_code() == int(exit_code)

    def actor_step(self, name, words):
        actor = self.actors[name]
        if words == ["silent"]:
            self.silent(name)
        elif words[0] == "ends":
            code = actor.client.exit_code()
            assert code == int(words[1]), f"{name} ended with {code}"
            assert actor.left_over() in ([], ["goodbye"]), actor.left_over()
        elif words == ["input", "ends"]:
            actor.client.end_input()
        elif words == ["killed"]:
            actor.client.kill()
        elif words[0] == "repeats":
            self.repeat(actor, *" ".join(words[1:]).split(" until "))
        else:
            raise AssertionError("not a step of a client")

    @staticmethod
    def repeat(actor, line, expected):
        for _ in range(100):
            answer = actor.client.ask(unescape(line))
            if fnmatch.fnmatchcase(shown(answer), pattern(expected)):
                return
        raise AssertionError(f"a hundred times {shown(answer)}")

    def silent(self, name):
        """Everybody makes a round trip, then the one in question: what was under way has arrived."""
        for other in [*self.actors.values(), self.actors[name]]:
            if other.client.alive and not other.client.popen.stdin.closed:
                other.client.fence()
        left = self.actors[name].left_over()
        assert not left, f"{name} also got {left}"

    # ---- the protocol ----

    def do_raw(self, label, *user):
        if self.server is None:
            self.do_server()
        self.raws[label] = self.world.peer(user[1] if user else None, label=label)
        if not user:
            self.raws[label].hello()

    @staticmethod
    def parse(frame_type, text):
        text = re.sub(r"ERROR_[A-Z_]+", lambda found: str(pb.ErrorCode.Value(found.group())), text)
        number, text = re.fullmatch(r"(\d+)?\s*(.*)", text).groups()
        return int(number) if number else None, text_format.Parse(text, frame_type())

    def raw_say(self, peer, text):
        number, frame = self.parse(pb.ClientFrame, text)
        if number is None:
            peer.number += 1
            number = peer.number
        frame.number = number
        peer.send_frame(frame)

    def raw_hear(self, peer, text):
        number, wanted = self.parse(pb.ServerFrame, text)
        kind = wanted.WhichOneof("body")
        while True:
            frame = peer.inbox.pop(0) if peer.inbox else peer.read()
            if frame.WhichOneof("body") == kind or frame.WhichOneof("body") not in ("event_presence", "caught_up"):
                break
        detail = code_name(frame.error.code) if frame.HasField("error") else ""
        assert frame.WhichOneof("body") == kind, f"expected {kind}, got {frame} {detail}"
        assert number is None or frame.answers == number, f"answers {frame.answers}: {frame}"
        have, body = getattr(frame, kind), getattr(wanted, kind)
        for field, value in body.ListFields():
            assert getattr(have, field.name) == value, f"expected {body}, got {have} {detail}"
