"""Machines behind NAT boxes of several kinds and a relay (coturn) between them, in network namespaces of this machine. Needs
root, iproute2, procps, nftables and coturn; touches nothing outside of its namespaces, whose names begin with "earshot-" and
the process's id.

    with Rig(["drop", "cone"]) as rig:
        rig.start(rig.hosts[0], "log", "program", "argument")

A kind is what stands between a machine and the others:
    none       nothing: the machine has a public address
    drop       masquerade; what nobody inside asked for is dropped
    answer     masquerade; what nobody inside asked for, the box answers itself
    symmetric  masquerade with another random port for every destination; drops too
    cone       masquerade; everything from outside is forwarded to the machine
    blocked    masquerade that lets no UDP through
"""
import itertools
import os
import shutil
import subprocess
import tempfile
import time

KINDS = ["none", "drop", "answer", "symmetric", "cone", "blocked"]
DIRECT = {("none", "none"), ("drop", "drop"), ("none", "drop"), ("none", "cone"), ("drop", "cone"), ("symmetric", "cone"),
          ("cone", "cone")}
RELAY = "10.99.0.200"
NUMBERS = itertools.count(1)


def must_be_direct(kinds):
    return tuple(kinds) in DIRECT or tuple(kinds[::-1]) in DIRECT


def run(*words, **options):
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)


class Rig:
    """The network, up inside `with`, gone after it whatever happened. Without `secret` the relay knows rig, password rig."""

    def __init__(self, kinds, secret=None, relay=True):
        self.kinds = kinds
        self.secret = secret
        self.with_relay = relay
        self.prefix = f"earshot-{os.getpid()}-{next(NUMBERS)}-"
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
        if self.with_relay:
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
        users = ["--lt-cred-mech", "--user", "rig:rig"]
        if self.secret:
            users = ["--use-auth-secret", "--static-auth-secret", self.secret]
        self.relay = self.start(self.middle, "relay.log", "turnserver", "-n", "--listening-ip", RELAY, "--relay-ip", RELAY,
                                *users, "--realm", "rig", "--no-tls", "--no-dtls", "--no-cli", "--fingerprint",
                                "--log-file", "stdout", "--simple-log", "--pidfile", os.path.join(self.folder, "relay.pid"),
                                "--userdb", os.path.join(self.folder, "relay.db"))
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
