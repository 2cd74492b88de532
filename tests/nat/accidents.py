"""What happens to an open channel when something dies, and to a new one without a relay. Each function takes a scene and says
what it found."""
import re
import time

from network import RELAY
from people import Failure, Stream, introduce, say
from scene import PRIVATE

WITHIN = 30  # seconds in which a channel that has no path left says so


def demand(condition, text):
    if not condition:
        raise Failure(text)


def opened(scene, path):
    alice, bob = scene.two_people()
    paths, _ = introduce(alice, bob)
    demand(paths == [path, path], f"opened {paths}, not {path}")
    return alice, bob


def through(alice, bob, event, count=2000):
    """A stream each way; in its midst event(). The longest silence."""
    streams = [Stream(alice, bob, PRIVATE, count), Stream(bob, alice, PRIVATE, count)]
    for stream in streams:
        stream.reach(count // 4)
    event()
    return max([stream.check() for stream in streams])


def other(person, pair):
    return pair[1].name if person is pair[0] else pair[0].name


def expect_relay(pair):
    for person in pair:
        person.expect("private_path", **{"with": other(person, pair)}, path="relay")


def still_open(pair):
    for person in pair:
        demand(not person.all("private_closed"), f"{person.name} lost the channel")
    say(pair[0], pair[1], f"{PRIVATE} still there")
    say(pair[1], pair[0], f"{PRIVATE} still here")


def expect_closed(person, whom, began):
    closed = person.expect("private_closed", **{"with": whom}, seconds=WITHIN + 15)
    took = closed["at"] - began
    demand(took <= WITHIN, f"{person.name} heard after {took:.1f} s that the channel is over")
    demand(closed["reason"], "closed without a reason")
    return f"{person.name} heard '{closed['reason']}' after {took:.1f} s"


def path_cut(scene):
    pair = opened(scene, "direct")
    silence = through(*pair, scene.cut_direct)
    expect_relay(pair)
    still_open(pair)
    return f"2000 texts each way, none lost, none twice; {silence:.1f} s of silence, then by the relay"


def server_killed(scene):
    pair = opened(scene, "direct")
    silence = through(*pair, lambda: scene.kill(scene.server))
    still_open(pair)
    scene.start_server()
    for person in pair:
        person.expect("online")
    still_open(pair)
    pair[0].ok("message bob and ordinary ones too")
    demand(not any(person.all("private_path") for person in pair), "the path changed")
    return f"2000 texts each way without it, none lost, none twice, {silence:.1f} s of silence at most; open when it came back"


def server_killed_and_path_cut(scene):
    pair = opened(scene, "direct")

    def both():
        scene.kill(scene.server)
        scene.cut_direct()
        time.sleep(5)
        scene.start_server()

    silence = through(*pair, both)
    expect_relay(pair)
    still_open(pair)
    return f"server back after 5 s; 2000 texts each way, none lost, none twice; {silence:.1f} s of silence, then by the relay"


def relay_killed_direct(scene):
    pair = opened(scene, "direct")
    silence = through(*pair, lambda: scene.kill(scene.relay))
    still_open(pair)
    demand(not any(person.all("private_path") for person in pair), "the path changed")
    return f"2000 texts each way, none lost, none twice; {silence:.1f} s of silence at most"


def relay_killed_relayed(scene):
    pair = opened(scene, "relay")
    say(*pair, f"{PRIVATE} before")
    scene.kill(scene.relay)
    began = time.monotonic()
    number = pair[0].send(f"private bob {PRIVATE} lost")
    found = [expect_closed(person, other(person, pair), began) for person in pair]
    failed = pair[0].expect("error", n=number)
    return "; ".join(found) + f"; the text on its way: {failed['code']}, {failed['text']}"


def relayed_stream(scene):
    pair = opened(scene, "relay")
    silence = through(*pair, lambda: None)
    still_open(pair)
    return f"2000 texts each way, none lost, none twice; {silence:.1f} s of silence at most"


def client_killed(path):
    def what(scene):
        alice, bob = opened(scene, path)
        say(alice, bob, f"{PRIVATE} before")
        scene.kill(bob.program)
        began = time.monotonic()
        number = alice.send(f"private bob {PRIVATE} lost")
        found = expect_closed(alice, "bob", began)
        failed = alice.expect("error", n=number)
        return f"{found}; the text on its way: {failed['code']}"

    return what


def cut_without_relay(scene):
    pair = opened(scene, "direct")
    scene.cut_direct()
    began = time.monotonic()
    return "; ".join(expect_closed(person, other(person, pair), began) for person in pair)


def direct_without_relay(scene):
    pair = opened(scene, "direct")
    still_open(pair)
    return "direct"


def address_hidden(scene):
    """What both told each other went through the server, which had it decrypted. And nothing came from there."""
    scene.inside(scene.hosts[1], "nft", "-f", "-", input=f"""
table ip watch {{
    chain from_whom {{
        type filter hook input priority 0; policy accept;
        ip saddr 10.99.0.1 counter
        ip saddr {RELAY} counter
    }}
}}
""")
    alice, bob = scene.two_people("--hide-address")
    paths, _ = introduce(alice, bob)
    demand(paths == ["relay", "relay"], f"opened {paths}")
    still_open((alice, bob))
    said = scene.files("data/said*")
    demand(b" 10.99.0.2 " in said, "the address of the one who does not hide is not found: the search proves nothing")
    demand(b"10.99.0.1 " not in said, "the address was told")
    counters = scene.inside(scene.hosts[1], "nft", "list", "table", "ip", "watch").stdout
    direct, relayed = (int(count) for count in re.findall(r"packets (\d+)", counters))
    demand(direct == 0 and relayed > 0, counters)
    return f"{relayed} packets from the relay, none from the one who hides, whose address was not told"


def impossible_without_relay(scene):
    alice, bob = scene.two_people()
    number = alice.send("startprivate bob")
    bob.expect("private_request", sender="alice")
    began = time.monotonic()
    numbers = {alice: number, bob: bob.send("yes alice")}
    found = []
    for person, line in numbers.items():
        failed = person.expect("error", n=line)
        demand(failed["code"] == "private_failed", failed)
        found.append(f"{person.name} after {failed['at'] - began:.1f} s: {failed['text']}")
    demand(any("TURN" in text for text in found), found)
    return "; ".join(found)


def busy(person):
    with open(f"/proc/{person.program.pid}/schedstat", encoding="ascii") as file:
        return int(file.read().split()[0]) / 1e9


def resident(person):
    with open(f"/proc/{person.program.pid}/smaps_rollup", encoding="ascii") as file:
        fields = dict(line.split(":", 1) for line in file.read().splitlines()[1:])
    return [int(fields[name].split()[0]) for name in ("Rss", "Pss_Anon")]


def cost(scene):
    """Four clients, two of them with a channel."""
    alice, bob = opened(scene, "direct")
    carol, dave = (scene.person(number, name) for number, name in enumerate(("carol", "dave")))
    for person in (carol, dave):
        person.expect("online")
    time.sleep(2)
    before = [busy(person) for person in (alice, bob, carol, dave)]
    time.sleep(20)
    found = []
    for person, since in zip((alice, bob, carol, dave), before):
        rss, own = resident(person)
        spent = (busy(person) - since) * 1000 / 20
        found.append(f"{rss / 1024:.1f} MiB RSS ({own / 1024:.1f} of its own), {spent:.2f} ms CPU a second")
    still_open((alice, bob))
    return "asker " + ", answerer ".join(found[:2]) + "; without a channel " + " and ".join(found[2:])


ALL = [  # title, kinds, what, with a relay; the long ones first
    ("client killed, relayed", ["symmetric", "symmetric"], client_killed("relay"), True),
    ("relay killed, relayed channel", ["symmetric", "symmetric"], relay_killed_relayed, True),
    ("server killed, then the path cut", ["drop", "drop"], server_killed_and_path_cut, True),
    ("client killed, direct", ["drop", "drop"], client_killed("direct"), True),
    ("path cut", ["drop", "drop"], path_cut, True),
    ("path cut without a relay", ["none", "none"], cut_without_relay, False),
    ("server killed", ["drop", "drop"], server_killed, True),
    ("relay killed, direct channel", ["drop", "drop"], relay_killed_direct, True),
    ("stream by the relay, UDP and TCP", ["symmetric", "blocked"], relayed_stream, True),
    ("one who hides, no NAT", ["none", "none"], address_hidden, True),
    ("no relay, no NAT", ["none", "none"], direct_without_relay, False),
    ("no relay, one NAT", ["drop", "none"], direct_without_relay, False),
    ("no relay, no way", ["symmetric", "symmetric"], impossible_without_relay, False),
]
ALONE = [("cost of a channel", ["none", "none"], cost, True)]
