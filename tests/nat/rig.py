#!/usr/bin/python3
"""Two machines behind NAT boxes of several kinds, a relay between them, in network namespaces of this machine. Needs root,
iproute2, nftables and coturn; touches nothing outside of its namespaces, whose names begin with "earshot-" and this process's id.

    rig.py PEER_PAIR                 every pair of kinds, then the dying path; prints the table, exit 0 if all is as it must be
    rig.py PEER_PAIR --only drop-drop --keep-logs

A kind is what stands between a machine and the others:
    none       nothing: the machine has a public address
    drop       masquerade; what nobody inside asked for is dropped
    answer     masquerade; what nobody inside asked for, the box answers itself
    symmetric  masquerade with another random port for every destination; drops too
    cone       masquerade; everything from outside is forwarded to the machine
    blocked    masquerade that lets no UDP through
"""
import argparse
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

KINDS = ["none", "drop", "answer", "symmetric", "cone", "blocked"]
DIRECT = {("none", "none"), ("drop", "drop"), ("none", "drop"), ("none", "cone"), ("drop", "cone"), ("symmetric", "cone"),
          ("cone", "cone")}
RELAY = "10.99.0.10"
LIMIT = 100


def run(*words, **options):
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)


class Rig:
    """The network of one pair, up inside `with`, gone after it whatever happened."""

    def __init__(self, kinds):
        self.kinds = kinds
        self.prefix = f"earshot-{os.getpid()}-"
        self.folder = tempfile.mkdtemp(prefix="earshot-nat-")
        self.spaces = []
        self.programs = []

    def __enter__(self):
        try:
            self.build()
        except BaseException:
            self.tear_down()
            raise
        return self

    def __exit__(self, *unused):
        self.tear_down()

    def tear_down(self):
        for program in self.programs:
            if program.poll() is None:
                program.kill()
                program.wait()
        for space in self.spaces:
            subprocess.run(["ip", "netns", "del", space], check=False, stderr=subprocess.DEVNULL)
        shutil.rmtree(self.folder, ignore_errors=True)

    def space(self, name):
        space = self.prefix + name
        run("ip", "netns", "add", space)
        self.spaces.append(space)
        self.inside(space, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1")
        run("ip", "-n", space, "link", "set", "lo", "up")
        return space

    @staticmethod
    def inside(space, *words, **options):
        return run("ip", "netns", "exec", space, *words, **options)

    def start(self, space, log, *words):
        with open(os.path.join(self.folder, log), "w", encoding="utf-8") as output:
            program = subprocess.Popen(["ip", "netns", "exec", space, *words], stdout=output, stderr=subprocess.STDOUT)
        self.programs.append(program)
        return program

    def read(self, name):
        try:
            with open(os.path.join(self.folder, name), encoding="utf-8") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def join_public(self, space, name, address):
        """A cable from the namespace to the public network's bridge."""
        run("ip", "link", "add", "out", "netns", space, "type", "veth", "peer", "name", name, "netns", self.public)
        run("ip", "-n", self.public, "link", "set", name, "master", "bridge", "up")
        run("ip", "-n", space, "addr", "add", address + "/24", "dev", "out")
        run("ip", "-n", space, "link", "set", "out", "up")
        run("ip", "-n", space, "route", "add", "default", "via", "10.99.0.254")

    def build(self):
        self.public = self.space("public")
        run("ip", "-n", self.public, "link", "add", "bridge", "type", "bridge")
        run("ip", "-n", self.public, "addr", "add", "10.99.0.254/24", "dev", "bridge")
        run("ip", "-n", self.public, "link", "set", "bridge", "up")
        self.middle = self.space("middle")
        self.join_public(self.middle, "to-middle", RELAY)
        self.hosts = [self.add_host(number, kind) for number, kind in enumerate(self.kinds, 1)]
        self.start_relay()

    def add_host(self, number, kind):
        host = self.space(f"host{number}")
        public = f"10.99.0.{number}"
        if kind == "none":
            self.join_public(host, f"to-host{number}", public)
            return host
        box = self.space(f"box{number}")
        self.join_public(box, f"to-box{number}", public)
        self.inside(box, "sysctl", "-qw", "net.ipv4.ip_forward=1")
        run("ip", "link", "add", "in", "netns", box, "type", "veth", "peer", "name", "out", "netns", host)
        run("ip", "-n", box, "addr", "add", f"192.168.{number}.1/24", "dev", "in")
        run("ip", "-n", box, "link", "set", "in", "up")
        run("ip", "-n", host, "addr", "add", f"192.168.{number}.2/24", "dev", "out")
        run("ip", "-n", host, "link", "set", "out", "up")
        run("ip", "-n", host, "route", "add", "default", "via", f"192.168.{number}.1")
        self.inside(box, "nft", "-f", "-", input=self.rules(kind, f"192.168.{number}.2"))
        return host

    @staticmethod
    def rules(kind, inner):
        random = " fully-random" if kind == "symmetric" else ""
        forward = {"cone": "accept", "blocked": "meta l4proto udp drop"}.get(kind, "")
        into = "" if kind in ("answer", "cone") else "iifname out ct state new drop"
        return f"""
table ip nat {{
    chain after {{
        type nat hook postrouting priority 100
        oifname out masquerade{random}
    }}
    chain before {{
        type nat hook prerouting priority -100
        {f'iifname out meta l4proto {{ tcp, udp }} dnat to {inner}' if kind == 'cone' else ''}
    }}
}}
table ip filter {{
    chain through {{
        type filter hook forward priority 0; policy drop;
        {forward}
        ct state established,related accept
        iifname in oifname out accept
    }}
    chain into {{
        type filter hook input priority 0; policy accept;
        {into}
    }}
}}
"""

    def start_relay(self):
        self.relay = self.start(self.middle, "relay.log", "turnserver", "-n", "--listening-ip", RELAY, "--relay-ip", RELAY,
                                "--user", "rig:rig", "--realm", "rig", "--lt-cred-mech", "--no-tls", "--no-dtls", "--no-cli",
                                "--fingerprint", "--log-file", "stdout", "--simple-log",
                                "--pidfile", os.path.join(self.folder, "relay.pid"))
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            listening = self.inside(self.middle, "ss", "-Hltun", "sport", "=", "3478").stdout
            if "udp" in listening and "tcp" in listening:
                return
            time.sleep(0.02)
        raise RuntimeError("the relay does not start:\n" + self.read("relay.log"))

    def cut_direct(self):
        """From now on the two hosts' public addresses do not reach each other; the relay reaches both."""
        self.inside(self.public, "nft", "-f", "-", input="""
table bridge cut {
    chain between {
        type filter hook forward priority 0; policy accept;
        ip saddr 10.99.0.1 ip daddr 10.99.0.2 drop
        ip saddr 10.99.0.2 ip daddr 10.99.0.1 drop
    }
}
""")


def start_ends(rig, peer_pair, messages, every):
    ends = []
    for number, role in enumerate(["--offer", "--answer"]):
        own, other = (os.path.join(rig.folder, f"words{side}") for side in (number, 1 - number))
        ends.append(rig.start(rig.hosts[number], f"end{number}.log", peer_pair, role, "--out", own, "--in", other,
                              "--relay", f"udp:{RELAY}:3478:rig:rig", "--relay", f"tcp:{RELAY}:3478:rig:rig",
                              "--messages", str(messages), "--every", str(every)))
    return ends


def wait_for(rig, ends, ready):
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        if ready() or all(end.poll() is not None for end in ends):
            return
        time.sleep(0.02)


def outcome(rig, ends):
    """Whether both ends are content, the path of the opening, its time, and the last path."""
    logs = [rig.read(f"end{number}.log") for number in (0, 1)]
    lines = [line.split() for line in logs[0].splitlines()]
    opened = next((line for line in lines if line and line[0] == "open"), ["open", "none", "-"])
    paths = [line[1] for line in lines if line and line[0] == "path"]
    content = all(end.poll() == 0 for end in ends)
    return content, opened[1], opened[2], (paths or [opened[1]])[-1], logs


def run_pair(peer_pair, kinds, show):
    with Rig(kinds) as rig:
        ends = start_ends(rig, peer_pair, 100, 2)
        wait_for(rig, ends, lambda: False)
        content, path, took, last, logs = outcome(rig, ends)
        good = content and (last == "direct" or tuple(kinds) not in DIRECT and tuple(kinds[::-1]) not in DIRECT)
        print(f"| {kinds[0]} | {kinds[1]} | {last if content else 'none'} | {took} | {'yes' if good else 'NO'} |", flush=True)
        if show or not good:
            print("\n".join(logs))
            if show:
                print(rig.read("relay.log"), rig.read("words0"), rig.read("words1"))
        return good


def run_accident(peer_pair, title, kinds, accident, expected):
    """Something happens in the midst of a stream of messages both ways."""
    with Rig(kinds) as rig:
        ends = start_ends(rig, peer_pair, 3000, 5)
        wait_for(rig, ends, lambda: "progress 400" in rig.read("end0.log"))
        accident(rig)
        wait_for(rig, ends, lambda: False)
        content, path, _, last, logs = outcome(rig, ends)
        good = content and path == "direct" and last == expected
        print(f"{'ok' if good else 'NOT OK'}: {title}: began {path}, ended {last}, "
              f"{'3000 texts each way, none lost, none twice' if content else 'not all texts arrived'}", flush=True)
        if not good:
            print("\n".join(logs))
        return good


def kill_relay(rig):
    """coturn is the child of `ip netns exec`, which has become coturn itself."""
    rig.relay.send_signal(signal.SIGKILL)


def main():
    parser = argparse.ArgumentParser(description="Private channels across NATs.")
    parser.add_argument("peer_pair")
    parser.add_argument("--only", help="one pair, as drop-cone")
    parser.add_argument("--show", action="store_true", help="what the ends and the relay said")
    options = parser.parse_args()
    peer_pair = os.path.abspath(options.peer_pair)
    if os.geteuid() != 0:
        sys.exit("rig.py: needs root")
    signal.signal(signal.SIGTERM, lambda *unused: sys.exit(1))
    good = True
    print("| asks | answers | path | open after ms | as it must be |\n| --- | --- | --- | --- | --- |")
    for kinds in itertools.combinations_with_replacement(KINDS, 2):
        if not options.only or "-".join(kinds) == options.only:
            good = run_pair(peer_pair, list(kinds), options.show) and good
    if not options.only:
        good = run_accident(peer_pair, "direct path cut", ["drop", "drop"], Rig.cut_direct, "relay") and good
        good = run_accident(peer_pair, "relay killed", ["none", "drop"], kill_relay, "direct") and good
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
