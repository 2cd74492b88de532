#!/usr/bin/python3
"""The transport of private channels alone, without server and names, across NATs: peer_pair on two machines of network.py,
which says what the kinds are. Needs root, iproute2, procps, nftables and coturn.

    rig.py PEER_PAIR                 every pair of kinds, then the dying path; prints the table, exit 0 if all is as it must be
    rig.py PEER_PAIR --only drop-drop --show
"""
import argparse
import itertools
import os
import signal
import sys
import time

from network import KINDS, RELAY, Rig, must_be_direct

LIMIT = 100


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
        good = content and (last == "direct" or not must_be_direct(kinds))
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
