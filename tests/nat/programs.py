#!/usr/bin/python3
"""Private channels across NATs with the real programs. Needs root, iproute2, procps, nftables and coturn. See docs/NAT.md.

    programs.py BUILD                    everything
    programs.py BUILD --only WORD        only the parts with this word in their title
"""
import argparse
import concurrent.futures
import contextlib
import os
import signal
import sys
import time

import accidents
from network import KINDS, must_be_direct
from people import Failure, introduce, say, stop
from scene import ORDINARY, PRIVATE, Scene

AT_ONCE = 3
LEAVING = 20  # seconds


def matrix(build):
    """Each kind asks each kind, in one network in which all of them are there, twice."""
    kinds, good = KINDS, True
    with Scene(build, [*kinds, *kinds]) as scene:
        people = [scene.person(number, f"{kind}{number // len(kinds) + 1}") for number, kind in enumerate(scene.kinds)]
        for person in people:
            person.expect("online")
        people[0].ok(f"message {people[1].name} {ORDINARY}")
        before = [sockets(person) for person in people]
        print("| asks \\ answers | " + " | ".join(kinds) + " |\n|" + " --- |" * (len(kinds) + 1), flush=True)
        for asker in people[:len(kinds)]:
            cells = [cell(asker, answerer) for answerer in people[len(kinds):]]
            good = good and not any("NOT OK" in text for text in cells)
            print(f"| {asker.name[:-1]} | " + " | ".join(cells) + " |", flush=True)
        wait_for_sockets(people, before)
        for person in people:
            person.logout()
        scene.search()
    return good, scene.counts


def sockets(person):
    folder = f"/proc/{person.program.pid}/fd"
    count = 0
    for name in os.listdir(folder):
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            count += os.readlink(os.path.join(folder, name)).startswith("socket:")
    return count


def wait_for_sockets(people, before):
    """Channels that are over leave none behind, once the relay has been told goodbye."""
    deadline = time.monotonic() + LEAVING
    for person, count in zip(people, before):
        while sockets(person) > count:
            if time.monotonic() > deadline:
                raise Failure(f"{person.name} has {sockets(person)} sockets open, {count} before the first channel")
            time.sleep(0.05)


def cell(asker, answerer):
    try:
        paths, took = introduce(asker, answerer)
        say(asker, answerer, f"{PRIVATE} there")
        say(answerer, asker, f"{PRIVATE} and back")
        for one, other in ((asker, answerer), (answerer, asker)):
            paths.extend(event["path"] for event in one.all("private_path", **{"with": other.name}))
        stop(asker, answerer)
    except Failure as failure:
        print(f"NOT OK: {asker.name} to {answerer.name}: {failure}", flush=True)
        return "NOT OK"
    if must_be_direct([asker.name[:-1], answerer.name[:-1]]) and "relay" in paths[:2]:
        return f"NOT OK: relay {took}"
    return f"{paths[0] if paths[0] == paths[1] else '/'.join(paths[:2])} {took}"


def accident(build, title, kinds, what, relay):
    began = time.monotonic()
    with Scene(build, kinds, relay) as scene:
        try:
            found = what(scene)
            scene.search()
            return True, f"ok: {title} ({'-'.join(kinds)}): {found} [{time.monotonic() - began:.0f} s]", scene.counts
        except Failure as failure:
            return False, f"NOT OK: {title} ({'-'.join(kinds)}): {failure}\n{scene.logs()}", None


def add_up(totals, counts):
    for name, count in (counts or {}).items():
        totals[name] = totals.get(name, 0) + count


def main():
    parser = argparse.ArgumentParser(description="Private channels across NATs, with the real programs.")
    parser.add_argument("build")
    parser.add_argument("--only", default="", help="parts with this word in their title; table, or the titles printed")
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("programs.py: needs root")
    signal.signal(signal.SIGTERM, lambda *unused: sys.exit(1))
    build, began, totals, good = os.path.abspath(options.build), time.monotonic(), {}, True
    if not options.only or options.only == "table":
        print("Path of the channel, and milliseconds from the yes until it is open on both ends:\n", flush=True)
        try:
            good, counts = matrix(build)
            add_up(totals, counts)
        except Failure as failure:
            print(f"NOT OK: {failure}")
            good = False
        print(flush=True)
    wanted = [part for part in accidents.ALL if options.only in part[0]]
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for fine, line, counts in pool.map(lambda part: accident(build, *part), wanted):
            print(line, flush=True)
            good = good and fine
            add_up(totals, counts)
    for part in accidents.ALONE:
        if options.only in part[0]:
            fine, line, counts = accident(build, *part)
            print(line, flush=True)
            good = good and fine
            add_up(totals, counts)
    if good:
        print("\nNo private text is in " + ", ".join(f"{name} ({count} bytes)" for name, count in totals.items()) + ".")
    print(f"{'all as it must be' if good else 'NOT as it must be'}, {time.monotonic() - began:.0f} s")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
