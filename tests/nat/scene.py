"""The rig with the real programs: earshotd and coturn in the middle, `earshot --json` on the machines, and all that server and
relay are told captured. A scene that ends well has looked through all of it for the private texts."""
import glob
import os
import secrets
import sys
import time

import capture
from network import RELAY, Rig
from people import Failure, Person

HERE = os.path.dirname(os.path.abspath(__file__))
SERVER = "10.99.0.201"
PORT = 4000
PRIVATE = "only-for-you-" + secrets.token_hex(8)  # in every private text
ORDINARY = "for-the-server-" + secrets.token_hex(8)
CLEAR = "in-the-clear-" + secrets.token_hex(8)
STUN_SOFTWARE = b"Coturn-"

SPEAK_CLEARLY = f"""
import socket, time
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"{CLEAR} udp", ("{RELAY}", 3478))
server = socket.create_connection(("{SERVER}", {PORT}))
server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
for piece in (b"{CLEAR[:9]}", b"{CLEAR[9:]} tcp"):
    server.send(piece)
    time.sleep(0.05)
"""


class Scene(Rig):
    def __init__(self, build, kinds, relay=True):
        super().__init__(kinds, secret="rig-" + secrets.token_hex(8), relay=relay)
        self.build_dir = build
        self.captures = []
        self.server_starts = 0
        self.counts = None

    def build(self):
        super().build()
        self.office = self.space("server")
        self.join_public(self.office, "to-server", SERVER)
        with open(os.path.join(self.folder, "secret"), "w", encoding="utf-8") as file:
            file.write(self.secret + "\n")
        for space, name in ((self.middle, "relay"), (self.office, "server")):
            self.captures.append((self.start(space, f"{name}.capture", sys.executable, os.path.join(HERE, "capture.py"),
                                             os.path.join(self.folder, f"{name}.pcap")), name))
        for _, name in self.captures:
            self.wait_for_text(f"{name}.capture", "capturing")
        self.start_server()
        self.inside(self.public, sys.executable, "-c", SPEAK_CLEARLY)

    def wait_for_text(self, name, text):
        deadline = time.monotonic() + 30
        while text not in self.read(name):
            if time.monotonic() > deadline:
                raise Failure(f"{name} does not say {text}:\n{self.read(name)[-2000:]}")
            time.sleep(0.02)

    def start_server(self):
        self.server_starts += 1
        log = f"server{self.server_starts}.log"
        turn = [f"--turn=turn:{RELAY}:3478?transport={kind}" for kind in ("udp", "tcp")] if self.with_relay else []
        if turn:
            turn += ["--turn-secret-file", os.path.join(self.folder, "secret")]
        self.server = self.start(self.office, log, "env", f"LD_PRELOAD={self.build_dir}/tests/nat/libtap.so",
                                 f"EARSHOT_TAP={self.folder}/data/said", f"{self.build_dir}/earshotd",  # it can write nowhere else
                                 "--listen", f"{SERVER}:{PORT}", "--data", os.path.join(self.folder, "data"), *turn)
        self.wait_for_text(log, "ready ")

    def person(self, number, name, *options):
        return Person(self, self.hosts[number], name, f"{self.build_dir}/earshot", f"{SERVER}:{PORT}", *options)

    def two_people(self, *options_of_the_first):
        pair = self.person(0, "alice", *options_of_the_first), self.person(1, "bob")
        for person in pair:
            person.expect("online")
        pair[0].ok(f"message bob {ORDINARY}")
        return pair

    def kill(self, program):
        """What `ip netns exec` started has its process id."""
        program.kill()
        program.wait()

    def files(self, pattern):
        texts = []
        for path in filter(os.path.isfile, glob.glob(os.path.join(self.folder, pattern))):
            with open(path, "rb") as file:
                texts.append(file.read())
        return b"\n--\n".join(texts)

    def search(self):
        """Looks for private texts wherever there must be none, and for what must be there, which shows that the looking works."""
        for program, name in self.captures:
            if program.poll() is not None:
                raise Failure(f"the capture at the {name} has ended early")
            program.terminate()
            program.wait()
            if "lost 0\n" not in self.read(f"{name}.capture"):
                raise Failure(f"the capture at the {name} is not whole: {self.read(f'{name}.capture')}")
        wires = {name: capture.read_back(os.path.join(self.folder, f"{name}.pcap")) for _, name in self.captures}
        software = STUN_SOFTWARE if self.with_relay else b""
        places = [("what the relay received and sent", wires["relay"], [CLEAR.encode() + b" udp", software]),
                  ("what the server received and sent", wires["server"], [CLEAR.encode() + b" tcp"]),
                  ("what the server received, decrypted", self.files("data/said*"), [ORDINARY.encode()]),
                  ("the server's database", self.files("data/earshot.db*"), [ORDINARY.encode()]),
                  ("the server's log", self.files("server[0-9]*.log"), [b"ready "]),
                  ("the relay's log", self.files("relay.log"), [])]
        for name, text, _ in places:
            if PRIVATE.encode() in text:
                raise Failure(f"a private text in {name}")
        for name, text, controls in places:
            for control in controls:
                if control not in text:
                    raise Failure(f"{control!r} is not in {name}: the search proves nothing")
        self.counts = {name: len(text) for name, text, _ in places}

    def logs(self):
        names = sorted(os.path.basename(path) for path in glob.glob(os.path.join(self.folder, "*.log")))
        return "\n".join(f"--- {name}\n{self.read(name)[-3000:]}" for name in names)
