#!/usr/bin/python3
"""What a network namespace sends and receives, and what of it can be read.

    capture.py FILE     writes every packet to FILE (pcap, for tcpdump and Wireshark too) until SIGTERM; prints "capturing", and
                        at the end "lost N", the packets that the system had to leave out

read_back() gives what the packets carried: every frame as it was, and what each UDP and TCP stream said, TCP put in order.
"""
import collections
import select
import signal
import socket
import struct
import sys
import time

EVERY_PROTOCOL = 3
STATISTICS = (263, 6)  # SOL_PACKET, PACKET_STATISTICS
LONGEST = 1 << 18
BUFFER = 64 << 20


def record(path):
    over = []
    signal.signal(signal.SIGTERM, lambda *unused: over.append(True))
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(EVERY_PROTOCOL))
    wire.setsockopt(socket.SOL_SOCKET, 33, BUFFER)  # SO_RCVBUFFORCE
    wire.setblocking(False)
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, LONGEST, 1))
        print("capturing", flush=True)
        while True:
            waiting, _, _ = select.select([wire], [], [], 0.1)
            if waiting:
                packet = wire.recv(LONGEST)
                now = time.time_ns() // 1000
                file.write(struct.pack("<IIII", now // 1000000, now % 1000000, len(packet), len(packet)) + packet)
            elif over:
                break
    _, lost = struct.unpack("II", wire.getsockopt(*STATISTICS, 8))
    print("lost", lost, flush=True)


def frames(path):
    with open(path, "rb") as file:
        data = file.read()
    at = 24
    while at + 16 <= len(data):
        length = struct.unpack_from("<I", data, at + 8)[0]
        yield data[at + 16:at + 16 + length]
        at += 16 + length


def put_in_order(pieces):
    """The bytes of one direction of a TCP connection, whatever was sent again left out."""
    first = pieces[0][0]
    said, end = bytearray(), None
    places = [((number - first + (1 << 31)) % (1 << 32), data) for number, data in pieces]
    for at, data in sorted(places, key=lambda place: place[0]):
        fresh = data if end is None or at >= end else data[end - at:]
        said += fresh
        end = max(end or 0, at + len(data))
    return bytes(said)


def carried(frame):
    """((protocol, addresses, ports), TCP number, payload), or nothing."""
    if len(frame) < 34 or frame[12:14] != b"\x08\x00":
        return None
    header = (frame[14] & 15) * 4
    protocol, length = frame[23], struct.unpack_from(">H", frame, 16)[0] or len(frame) - 14
    inner = frame[14 + header:14 + length]
    if protocol == 17 and len(inner) >= 8:
        return (17, frame[26:34], inner[:4]), 0, inner[8:]
    if protocol == 6 and len(inner) >= 20:
        return (6, frame[26:34], inner[:4]), struct.unpack_from(">I", inner, 4)[0], inner[(inner[12] >> 4) * 4:]
    return None


def read_back(path):
    streams = collections.defaultdict(list)
    whole = []
    for frame in frames(path):
        whole.append(frame)
        found = carried(frame)
        if found and found[2]:
            streams[found[0]].append(found[1:])
    for (protocol, *_), pieces in streams.items():
        whole.append(put_in_order(pieces) if protocol == 6 else b"".join(data for _, data in pieces))
    return b"\n--\n".join(whole)


if __name__ == "__main__":
    record(sys.argv[1])
