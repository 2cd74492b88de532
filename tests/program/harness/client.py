"""earshot --json over pipes.

Events that nobody has asked for yet wait in `events`; expect() takes the first that fits and leaves the others, so that a test
says in which order only when it means it (see `seen`, which keeps everything in order).
"""
import json

from . import surroundings
from .process import Process


def fits(event, kind, fields):
    if kind is not None and event.get("event") != kind:
        return False
    for name, wanted in fields.items():
        have = event.get("from" if name == "sender" else name)
        if not (wanted(have) if callable(wanted) else have == wanted):
            return False
    return True


class Client(Process):
    """`sender=` in fields means "from", which Python keeps for itself. A callable value is a predicate."""

    def __init__(self, hub, name, argv, directory, **options):
        self.events = []
        self.seen = []
        self.count = 0
        super().__init__(hub, name, [surroundings.EARSHOT, "--json", *argv], directory, **options)

    def line(self, text):
        super().line(text)
        event = json.loads(text)
        assert isinstance(event, dict) and isinstance(event.get("event"), str), f"not an event: {text}"
        self.events.append(event)
        self.seen.append(event)

    def send(self, line):
        """Returns the line's number."""
        data = line if isinstance(line, bytes) else line.encode()
        self.hub.note(self.name, ">", data.decode("utf-8", "backslashreplace")[:300])
        self.write(data + b"\n")
        self.count += 1
        return self.count

    def take(self, kind, fields):
        for at, event in enumerate(self.events):
            if fits(event, kind, fields):
                return self.events.pop(at)
        return None

    def expect(self, kind=None, seconds=None, **fields):
        def look():
            found = self.take(kind, fields)
            if found is None and self.ended:
                raise AssertionError(f"{self.name} ended without {kind} {fields}\n{self.stderr[-2000:]}")
            return found

        return self.hub.wait(look, f"{self.name}< {kind} {fields}", seconds)

    def answer(self, number, seconds=None):
        """The final answer to a line; the notice that a connection was lost is not one."""
        return self.expect(None, seconds, n=number, code=lambda code: code != "not_accepted")

    def ask(self, line, seconds=None):
        return self.answer(self.send(line), seconds)

    def ok(self, line):
        """Sends a line that must succeed."""
        answer = self.ask(line)
        assert answer["event"] in ("ok", "users"), f"{self.name}> {line}: {answer}"
        assert answer["command"] == line.split()[0].lstrip("/"), answer
        return answer

    def refused(self, line, code):
        """Sends a line that must be answered with this error."""
        answer = self.ask(line)
        assert answer["event"] == "error" and answer["code"] == code, f"{self.name}> {line}: {answer}"
        assert answer["text"], answer
        return answer

    def users(self, line="whoelse"):
        return self.ok(line)["users"]

    def fence(self):
        """A round trip: whatever the server had sent before it is here. Being refused is an answer too."""
        return self.ask("whoelse")

    def waiting(self, kind=None, **fields):
        """Events that have come and that nobody has taken."""
        return [event for event in self.events if fits(event, kind, fields)]

    def nothing(self, kind=None, **fields):
        """To be called behind a fence."""
        assert not self.waiting(kind, **fields), f"{self.name} got what must not arrive"

    def logout(self):
        self.send("logout")
        self.expect("goodbye")
        code = self.exit_code()
        assert code == 0, f"{self.name} exited with {code}: {self.stderr}"
