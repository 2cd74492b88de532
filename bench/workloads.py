"""The workloads of bench/run: what the load does, which servers it is done to, what of the result counts, and what others were seen
to cost.

`others` and `aims` are quoted: measured on another day on a machine of the same kind (2 cores, TLS 1.3 unless said otherwise).
"""
from rig import Earshot, Limit

ACCOUNTS = 10000
FEWER = {"10000": "200", "1001": "101", "808": "88"}  # users, when it only has to work


class Workload:
    """`unit`: how the result's figure is shown; `figure`: takes the load's line, gives nanoseconds, bytes, or a share."""

    def __init__(self, name, title, load, servers, **more):
        self.name, self.title, self.load, self.servers = name, title, load, servers
        self.per = more.get("per", "delivered")
        self.unit = more.get("unit", "us")
        self.base = more.get("base", "limit")
        self.others = more.get("others", "")
        self.aim = more.get("aim", "")
        self.rounds = more.get("rounds")
        self.seconds = more.get("seconds", 3)
        self.accounts, self.messages = more.get("accounts", ACCOUNTS), more.get("messages", 0)

    def arguments(self, quick=False, smoke=False):
        words = self.load.split()
        if smoke:
            words = [FEWER.get(word, word) for word in words]
            return [*words, "--milliseconds", 200, "--settle", 20, "--rest", 20, "--patience", 20]
        return [*words, "--milliseconds", 1000 if quick else self.seconds * 1000]

    def figure(self, line):
        """What counts: server CPU per delivery (or login) in nanoseconds; for connections, bytes each."""
        if self.unit == "KB":
            return (line["memory"] - line["memory_empty"]) / line["users"]
        return line["cpu_ns"] / max(1, line[self.per])

    def rate(self, line):
        return line[self.per] * 1e9 / line["run_ns"]


def plain(rig, data):
    return Limit(rig, data, tls=False)


def limit(rig, data):
    return Limit(rig, data)


def durable(rig, data):
    return Limit(rig, data, durable=True)


def earshot(rig, data):
    return Earshot(rig, data)


def spread(rig, data):
    return Earshot(rig, data, placement="spread")


def loops(**more):
    """The same with one event loop, with two that are filled one after the other, and with two that have half of the users each."""
    return {
        "one loop": lambda rig, data: Earshot(rig, data, threads=1, **more),
        "two, filled": lambda rig, data: Earshot(rig, data, threads=2, **more),
        "two loops": lambda rig, data: Earshot(rig, data, threads=2, placement="spread", **more),
    }


OURS = {"earshot": earshot, "earshot, spread": spread}
PAIRS = {"limit, plain TCP": plain, "limit": limit, "limit, durable": durable, **OURS}
BOTH = {"limit": limit, **OURS}
STORED = {"limit, durable": durable, **OURS}

WORKLOADS = [
    Workload("pairs-1", "pairs, window 1", "pairs --users 200 --window 1", PAIRS,
             others="InspIRCd 10.7, ngIRCd 10.3, NATS 14, mosquitto QoS 1 24, ejabberd 59, Prosody 81; none of them stores",
             aim="2.5 x"),
    Workload("pairs-64", "pairs, window 64", "pairs --users 200 --window 64", PAIRS,
             others="NATS 0.50, InspIRCd 1.35, ngIRCd 1.5, mosquitto QoS 1 20, ejabberd 33, Prosody 36; none of them stores",
             aim="under 3 µs"),
    Workload("light", "light load, 2,000 messages a second", "light --users 200 --rate 2000",
             {"limit": limit, "limit, durable": durable, **OURS},
             others="InspIRCd 26, ngIRCd 37, NATS 75, ejabberd 115, Prosody 158; none of them stores", aim="3 x"),
    Workload("fanout-1", "fan-out to 1,000, window 1", "fanout --users 1001 --window 1", BOTH,
             others="InspIRCd 10.9, NATS 12.0", aim="1.1 x"),
    Workload("fanout-16", "fan-out to 1,000, window 16", "fanout --users 1001 --window 16", BOTH,
             others="InspIRCd 0.71, NATS 0.84", aim="1.3 x"),
    Workload("offline", "to users who are offline, 8 senders x 8 under way", "offline --users 808 --window 8", STORED,
             per="accepted", base="limit, durable", aim="under 7 µs",
             others="plain TCP; on disk when acknowledged: mosquitto 420 (and it lost some), ejabberd 620, Prosody 650; "
                    "not on disk: JetStream 5.6"),
    Workload("offline-64", "the same, 64 under way each", "offline --users 808 --window 64", STORED,
             per="accepted", base="limit, durable", aim="170,000 a second"),
    Workload("login-token", "a login, with a token", "logins --users 1000 --at-once 8", BOTH, per="logins", aim="1.3 x",
             others="(with a password) InspIRCd 307, mosquitto 346, NATS 505, ejabberd 1,400, Prosody 5,300"),
    Workload("login-password", "a login, with a password", "logins --users 1000 --at-once 8 --password", OURS,
             per="logins", aim="the hash and little else"),
    Workload("idle", "10,000 idle connections", "idle --users 10000 --settle 3000", BOTH, unit="KB", seconds=10, rounds=1, aim="under 16 KB",
             others="ngIRCd 13.1, mosquitto 15.0, InspIRCd 15.9, NATS 34, Prosody 48, ejabberd 61"),
]

GROWTH = [
    Workload(f"growth-{accounts}-{messages}", f"{accounts:,} accounts, {messages:,} messages stored", "pairs --users 200 --window 16",
             {name: make for name, make in loops().items() if name != "two, filled"}, base="one loop", accounts=accounts, messages=messages)
    for accounts, messages in ((1000, 0), (10000, 0), (100000, 0), (100000, 1000000), (100000, 5000000))
]

LOOPS = [
    Workload("loops-pairs-1", "pairs, window 1", "pairs --users 200 --window 1", loops(), base="one loop"),
    Workload("loops-pairs-64", "pairs, window 64", "pairs --users 200 --window 64", loops(), base="one loop"),
    Workload("loops-fanout", "fan-out to 1,000, window 16", "fanout --users 1001 --window 16", loops(), base="one loop"),
    Workload("loops-login", "a login, with a token", "logins --users 1000 --at-once 8", loops(), per="logins", base="one loop"),
    Workload("loops-login-rsa", "the same, RSA key of 4,096 bits", "logins --users 1000 --at-once 8", loops(rsa=True), per="logins",
             base="one loop"),
]
