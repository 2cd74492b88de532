"""`earshot --json` clients on the machines of the rig, and streams of texts between two of them."""
import collections
import json
import os
import subprocess
import threading
import time

SECONDS = 60
WINDOW = 400  # texts of a stream that may wait for their answer


class Failure(Exception):
    pass


def fits(event, kind, fields):
    """`sender` means "from", which Python keeps for itself."""
    if event["event"] != kind:
        return False
    return all(event.get("from" if name == "sender" else name) == value for name, value in fields.items())


class Person:
    """A user at a client. `events` has all that came, each with the time it came at as "at"."""

    def __init__(self, rig, space, name, earshot, server, *options):
        self.name = name
        self.events = []
        self.taken = set()
        self.tally = collections.Counter()  # of (event, command, from or with)
        self.count = 0
        self.change = threading.Condition()
        home = os.path.join(rig.folder, name)
        os.mkdir(home)
        password = os.path.join(home, "password")
        with open(password, "w", encoding="utf-8") as file:
            file.write(f"{name}-password\n")
        with open(os.path.join(rig.folder, name + ".log"), "w", encoding="utf-8") as log:
            self.program = subprocess.Popen(["ip", "netns", "exec", space, earshot, "--json", "--register", "--trust", "new",
                                             "--password-file", password, "--state", os.path.join(home, "state"),
                                             *options, f"{name}@{server}"],
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, bufsize=1)
        rig.programs.append(self.program)
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        for line in self.program.stdout:
            event = json.loads(line)
            with self.change:
                self.events.append({**event, "at": time.monotonic()})
                self.tally[event["event"], event.get("command"), event.get("from") or event.get("with")] += 1
                self.change.notify_all()

    def send(self, line):
        """Its number."""
        with self.change:
            self.count += 1
            number = self.count
            self.program.stdin.write(line + "\n")
        return number

    def until(self, look, what, seconds=SECONDS):
        """Waits for something that look() finds."""
        with self.change:
            self.change.wait_for(look, seconds)
            found = look()
        if not found:
            raise Failure(f"{self.name} waits {seconds} s for {what}; the last events: {self.events[-5:]}")
        return found

    def take(self, kind, fields):
        for at, event in enumerate(self.events):
            if at not in self.taken and fits(event, kind, fields):
                self.taken.add(at)
                return event
        return None

    def expect(self, kind, seconds=SECONDS, **fields):
        """The first such event that nobody has expected yet."""
        found = []

        def look():
            if not found:
                found.extend(filter(None, [self.take(kind, fields)]))
            return found

        return self.until(look, f"{kind} {fields}", seconds)[0]

    def ok(self, line):
        return self.expect("ok", n=self.send(line))

    def all(self, kind, **fields):
        return [event for event in self.events if fits(event, kind, fields)]

    def logout(self):
        self.send("logout")
        self.expect("goodbye")
        if self.program.wait(SECONDS) != 0:
            raise Failure(f"{self.name} left with {self.program.returncode}")


def introduce(asker, answerer):
    """Opens a channel. The path of each end and the milliseconds from the yes until both are open."""
    asker.ok(f"startprivate {answerer.name}")
    answerer.expect("private_request", sender=asker.name)
    began = time.monotonic()
    answerer.send(f"yes {asker.name}")
    ends = [one.expect("private_open", **{"with": other.name}) for one, other in ((asker, answerer), (answerer, asker))]
    if ends[0]["safety"] != ends[1]["safety"]:
        raise Failure("two safety codes")
    return [end["path"] for end in ends], round((max(end["at"] for end in ends) - began) * 1000)


def say(sender, receiver, text):
    sender.ok(f"private {receiver.name} {text}")
    receiver.expect("private", sender=sender.name, body=text)


def stop(one, other):
    one.ok(f"stopprivate {other.name}")
    other.expect("private_closed", **{"with": one.name})


class Stream:
    """`count` numbered texts from one to the other, one every `every` seconds while not too many are unanswered."""

    def __init__(self, sender, receiver, words, count=2000, every=0.004):
        self.sender, self.receiver = sender, receiver
        self.texts = [f"{words} {number} from {sender.name}" for number in range(count)]
        self.numbers = []
        self.every = every
        self.since = len(sender.events), len(receiver.events)
        self.before = self.answered(), self.came()
        self.ending = False
        self.thread = threading.Thread(target=self.send, daemon=True)
        self.thread.start()

    def send(self):
        for text in self.texts:
            while len(self.numbers) - (self.answered() - self.before[0]) > WINDOW and not self.ending:
                time.sleep(0.02)
            if self.ending:
                return
            self.numbers.append(self.sender.send(f"private {self.receiver.name} {text}"))
            time.sleep(self.every)

    def answered(self):
        return self.sender.tally["ok", "private", None]

    def came(self):
        return self.receiver.tally["private", None, self.sender.name]

    def reach(self, count):
        wanted = self.before[1] + count
        closed = "private_closed", None, self.sender.name
        already = self.receiver.tally[closed]
        self.receiver.until(lambda: self.came() >= wanted or self.receiver.tally[closed] > already, f"text {count}", 90)

    def check(self):
        """All there, each once, in order, each answered once. The longest silence between two of them in seconds."""
        count = len(self.texts)
        try:
            self.reach(count)
            self.thread.join(SECONDS)
            self.sender.until(lambda: self.answered() - self.before[0] >= count, "the answers to all texts")
        finally:
            self.ending = True
        came = [event for event in self.receiver.events[self.since[1]:] if fits(event, "private", {"sender": self.sender.name})]
        if [event["body"] for event in came] != self.texts:
            different = len({event["body"] for event in came})
            raise Failure(f"{count} texts of {self.sender.name}, {len(came)} came, {different} different")
        answers = [event for event in self.sender.events[self.since[0]:] if fits(event, "ok", {"command": "private"})]
        if sorted(event["n"] for event in answers) != self.numbers:
            raise Failure(f"texts of {self.sender.name} not answered just once")
        return max(later["at"] - earlier["at"] for earlier, later in zip(came, came[1:]))
