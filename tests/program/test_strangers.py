"""What somebody without a password learns from refused logins, and whether three guesses are three guesses.

With registration closed a name that nobody has, one that somebody has, and one that is disabled must look alike: in every byte of the
answers, in what they count for, and in time. Times are compared in the long form, by ranks, in samples taken in turn; the short form
shows them, and judges that the same number of passwords was hashed.
"""
import random
import time

import pytest

from harness import surroundings
from harness.control import Control
from harness.ranks import percentile, rank_sum
from harness.server import password_of
from harness.wire import Closed, code_name

WRONG = "not-the-password"
NAMES = ("alice", "nobody", "carol")  # carol is disabled
FALSE_ALARM = 1e-5  # how often one comparison of times may be wrong about equals


def closed(world, *args):
    server = world.server("--registration", "closed", *args)
    assert Control(server).run("disable", "carol").returncode == 0
    return server


def greeted(world, **options):
    peer = world.peer(**options)
    peer.hello()
    return peer


# ---- alike in what is said ----

REQUESTS = {
    "wrong": lambda name: ("login", {"user": name, "password": WRONG}),
    "capitals": lambda name: ("login", {"user": name.upper(), "password": WRONG}),
    "empty": lambda name: ("login", {"user": name, "password": ""}),
    "long": lambda name: ("login", {"user": name, "password": "x" * 256}),
    "too long": lambda name: ("login", {"user": name, "password": "x" * 257}),
    "with a token": lambda name: ("login", {"user": name, "password": WRONG, "token": b"t" * 32}),
    "register": lambda name: ("register", {"user": name, "password": WRONG}),
    "register short": lambda name: ("register", {"user": name, "password": "x"}),
    "identify": lambda name: ("identify", {"user": name}),
}


def conversation(world, name, requests):
    """All frames that come, until the server ends it or there is nothing to say. Waiting times apart: they run while the test does."""
    peer = greeted(world)
    heard, waits = [], []
    for kind in requests:
        request, fields = REQUESTS[kind](name)
        try:
            frames = [peer.request(request, **fields)]
        except Closed:
            frames = [*peer.inbox, "closed"]
        for frame in frames:
            if frame != "closed" and frame.HasField("error"):
                waits.append(frame.error.retry_after)
                frame.error.retry_after = bool(frame.error.retry_after)
            heard.append(frame if frame == "closed" else frame.SerializeToString())
        if heard[-1] == "closed":
            break
    return heard, waits


@pytest.mark.parametrize("requests", (("wrong",) * 12, ("capitals", "wrong", "with a token", "with a token", "identify"),
                                      ("empty", "long", "too long", "empty", "register", "register short", "identify")),
                         ids=("until it is cut off", "spelled and with tokens", "odd ones"))
def test_refusals_are_the_same_to_the_byte(world, requests):
    closed(world, "--block-duration", 3600, "--max-logins-per-minute", 0)
    seen = {name: conversation(world, name, requests) for name in NAMES}
    frames, waits = seen["alice"]
    assert len(frames) > 4
    for name in NAMES[1:]:
        assert seen[name][0] == frames, name
        assert len(seen[name][1]) == len(waits)
        assert all(bool(mine) == bool(its) and abs(mine - its) <= 60 * surroundings.SLOW for mine, its in zip(waits, seen[name][1]))


def test_they_count_alike_against_an_address(world):
    closed(world, "--max-logins-per-minute", 2, "--block-duration", 3600)
    codes = {}
    for last, name in enumerate(NAMES, 11):
        codes[name] = []
        for _ in range(5):
            peer = greeted(world, source=f"127.0.0.{last}")
            codes[name].append(code_name(peer.request("login", user=name, password=WRONG).error.code))
            peer.close()
    assert codes["alice"] == ["wrong_password"] * 2 + ["rate_limited"] * 3
    assert codes["nobody"] == codes["alice"] == codes["carol"]


def test_they_are_the_same_work(world):
    server = closed(world, "--max-logins-per-minute", 0, "--block-duration", 3600)
    cost = {}
    for name in NAMES:
        before = Control(server).status()["passwords_hashed"]
        conversation(world, name, ("wrong",) * 5)
        cost[name] = Control(server).status()["passwords_hashed"] - before
    assert cost == dict.fromkeys(NAMES, 3)


# ---- alike in time ----


class Stopwatch:
    """Requests for names in turn, by lot; `seconds` of each."""

    def __init__(self, world, seed=1):
        self.world, self.chance = world, random.Random(seed)
        self.peer, self.left = None, 0

    def ask(self, kind, name):
        if self.left == 0:  # nine failures to a connection: the tenth would be the last
            if self.peer:
                self.peer.close()
                self.world.peers.remove(self.peer)
            self.peer, self.left = greeted(self.world), 9
        self.left -= 1
        request, fields = REQUESTS[kind](name)
        frame = self.peer.frame(request, **fields)
        began = time.monotonic()
        self.peer.send_frame(frame)
        self.peer.answer(frame.number)
        return time.monotonic() - began

    def compare(self, kind, names, count):
        seconds = {name: [] for name in names}
        for _ in range(count):
            for name in self.chance.sample(names, len(names)):
                seconds[name].append(self.ask(kind, name))
        return seconds


def smallest_shift_that_shows(sample, other):
    """As a part of the median: what the test would have noticed."""
    part, median = 0.001, percentile(sample, 50)
    while part < 1 and rank_sum(sample, [value + part * median for value in other]) >= FALSE_ALARM:
        part *= 1.25
    return part


def tell(report, what, seconds):
    for name, values in seconds.items():
        report(f"{what}, {name}: {len(values)} answers, median {1000 * percentile(values, 50):.3f} ms, p90 {1000 * percentile(values, 90):.3f} ms")


def judged(report, what, seconds):
    """The probabilities that the times of alice and of the others are of one kind."""
    tell(report, what, seconds)
    found = {}
    for name in [name for name in seconds if name != "alice"]:
        found[name] = rank_sum(seconds["alice"], seconds[name])
        shift = smallest_shift_that_shows(seconds["alice"], seconds[name])
        shows = f"a shift by {100 * shift:.1f} %" if shift < 1 else "nothing less than twice the time"
        report(f"{what}: alice and {name} differ by chance with p = {found[name]:.4f}; {shows} would show")
    return found


def times(world, report, count):
    """Every kind of refusal. Names are not blocked in the first part, and always in the second."""
    found = {}
    server = closed(world, "--max-logins-per-minute", 0, "--block-duration", 0, "--hash-threads", 1)
    watch = Stopwatch(world)
    hashed = watch.compare("wrong", NAMES, count)
    found["wrong password"] = judged(report, "wrong password", hashed)
    server.args[server.args.index("--block-duration") + 1] = "3600"
    server.restart()
    watch = Stopwatch(world)
    watch.compare("wrong", NAMES, 3)
    blocked = watch.compare("wrong", NAMES, 4 * count)
    found["blocked"] = judged(report, "blocked", blocked)
    found["identify"] = judged(report, "identify", Stopwatch(world).compare("identify", NAMES, 4 * count))
    return found, rank_sum(hashed["alice"], blocked["alice"])


def test_times_are_shown(world, report):
    times(world, report, 8)


@pytest.mark.slow
def test_times_do_not_tell_who_exists(world, report):
    """Two comparisons of each of three kinds: a false alarm in about 17,000 runs. That a refusal without a hash would be noticed is
    the control."""
    found, control = times(world, report, 400)
    report(f"control: with and without a hash, p = {control:.1e}")
    assert control < FALSE_ALARM
    assert all(p >= FALSE_ALARM for each in found.values() for p in each.values()), found


def test_ranks_find_what_differs_and_nothing_else():
    chance = random.Random(1)
    samples = [[chance.lognormvariate(0, 0.1) for _ in range(300)] for _ in range(200)]
    alike = [rank_sum(samples[at], samples[at + 1]) for at in range(0, 200, 2)]
    assert min(alike) > FALSE_ALARM and 25 <= sum(p < 0.5 for p in alike) <= 75
    assert rank_sum(samples[0], [1.1 * value for value in samples[1]]) < FALSE_ALARM
    assert rank_sum([1.0] * 30, [1.0] * 30) == 1.0


# ---- three guesses are three guesses ----


def code_of(frame):
    return "ok" if frame.HasField("welcome") else code_name(frame.error.code)


def guess(world, user, source="127.0.0.1", **fields):
    peer = greeted(world, source=source)
    frame = peer.request("login", user=user, password=WRONG, **fields)
    peer.close()
    return code_of(frame)


def right(world, user, source="127.0.0.1"):
    peer = greeted(world, source=source)
    frame = peer.request("login", user=user, password=password_of(user))
    peer.close()
    return code_of(frame)


def blocked_but_for_tokens(world, device):
    assert right(world, "alice") == "account_blocked"
    peer = world.peer()
    peer.resume(device.token)
    assert peer.user == "alice"
    peer.fence()
    peer.close()


def spellings(name, count):
    """name, Name, nAme, NAme, ..."""
    return ["".join(letter.upper() if which >> at & 1 else letter for at, letter in enumerate(name)) for which in range(count)]


def test_many_connections_from_everywhere(world):
    """Sixty guesses in parallel, each spelled in another way: three passwords are looked at."""
    server = world.server("--max-logins-per-minute", 0, "--hash-threads", 8)
    device = world.peer("alice")
    device.close()
    before = Control(server).status()["passwords_hashed"]
    peers = [greeted(world, source=f"127.0.0.{2 + at % 20}") for at in range(60)]
    names = spellings("alice", 32)
    numbers = [peer.send("login", user=names[at % 32], password=WRONG) for at, peer in enumerate(peers)]
    codes = [code_of(peer.answer(number)) for peer, number in zip(peers, numbers)]
    assert codes.count("wrong_password") == 3 and set(codes) <= {"wrong_password", "account_blocked", "unavailable"}, codes
    assert Control(server).status()["passwords_hashed"] - before == 3
    blocked_but_for_tokens(world, device)


def test_not_waiting_for_the_answer_does_not_help(world):
    """A guess counts though nobody is there to hear what came of it."""
    server = world.server("--hash-threads", 1)
    device = world.peer("alice")
    device.close()
    before = Control(server).status()["passwords_hashed"]
    for _ in range(3):
        peer = greeted(world)
        peer.send("login", user="alice", password=WRONG)
        peer.close()
    world.hub.wait(lambda: Control(server).status()["passwords_hashed"] - before == 3, "three guesses to be looked at")
    world.hub.wait(lambda: "account_blocked" in server.log, "the block")
    blocked_but_for_tokens(world, device)


def test_several_guesses_in_one_write_do_not_help(world):
    world.server()
    peer = greeted(world)
    for _ in range(6):
        peer.send("login", user="alice", password=WRONG)
    codes = [code_of(peer.answer(number)) for number in range(2, 8)]
    assert codes == ["wrong_password"] * 3 + ["account_blocked"] * 3


def test_nothing_in_between_helps(world):
    """Each guess from another address, in another spelling, with another device's token; the server killed right after each answer;
    other accounts let in, others blocked, and a crowd of names that nobody has."""
    server = world.server("--max-logins-per-minute", 0, "--registration", "closed", "--hash-threads", 8)
    device, other = world.peer("alice"), world.peer("bob")
    for peer in (device, other):
        peer.close()
    tokens = (b"", other.token, device.token)
    for at, user in enumerate(("alice", "ALICE", "aLiCe")):
        if at:
            assert right(world, "bob") == "ok"
            for _ in range(3):
                guess(world, "carol", source="127.0.0.9")
            flood = [greeted(world) for _ in range(12)]
            for which, peer in enumerate(flood):
                for again in range(2):
                    peer.send("login", user=f"crowd{at}-{which}-{again}", password=WRONG)
            for peer in flood:
                for number in range(2, 4):
                    assert code_of(peer.answer(number)) == "wrong_password"
                peer.close()
        assert guess(world, user, source=f"127.0.0.{at + 2}", token=tokens[at]) == "wrong_password"
        server.kill9()
        server.start()
    blocked_but_for_tokens(world, device)
    server.restart()
    blocked_but_for_tokens(world, device)
    assert right(world, "bob") == "ok"
