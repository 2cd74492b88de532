#!/usr/bin/python3
"""Writes the seeds of the protocol's fuzz targets: every message of the schema, empty and filled, and streams of them.

    tests/fuzz/make_corpus.py        needs protoc and python3-protobuf; run it when the schema has changed
"""

import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
PROTO = os.path.join(HERE, "..", "..", "proto")
TEXTS = [b"alice", b"hello", "caf\u00e9 \U0001f600\tand\n".encode(), b"", b"\x00\xff\x1b[1m", b"x" * 300]


def load_schema():
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["protoc", "--python_out", folder, "--proto_path", PROTO, "earshot.proto"], check=True)
        sys.path.insert(0, folder)
        import earshot_pb2

        return earshot_pb2


def sample(field, turn):
    if field.type == field.TYPE_BYTES:
        return TEXTS[turn % len(TEXTS)]
    if field.type == field.TYPE_BOOL:
        return True
    if field.type == field.TYPE_ENUM:
        return field.enum_type.values[turn % len(field.enum_type.values)].number
    return [1, 127, 128, 2**31 - 1, 3, 5][turn % 6]


def fill(message, turn):
    for field in message.DESCRIPTOR.fields:
        if field.message_type and field.label == field.LABEL_REPEATED:
            for more in range(turn + 1):
                fill(getattr(message, field.name).add(), turn + more)
        elif field.label == field.LABEL_REPEATED:
            getattr(message, field.name).extend(sample(field, turn + more) for more in range(turn + 1))
        elif not field.message_type:
            setattr(message, field.name, sample(field, turn))


def frames_of(frame_type):
    """Pairs of a name and a serialized frame."""
    for field in frame_type.DESCRIPTOR.oneofs[0].fields:
        for turn in range(3):
            frame = frame_type()
            body = getattr(frame, field.name)
            body.SetInParent()
            setattr(frame, frame_type.DESCRIPTOR.fields[0].name, turn)
            if turn:
                fill(body, turn - 1)
            yield f"{field.name}-{turn}", frame.SerializeToString()


def prefixed(payload):
    length, prefix = len(payload), b""
    while length >= 128:
        prefix, length = prefix + bytes([length & 127 | 128]), length >> 7
    return prefix + bytes([length]) + payload


def write(target, seeds):
    folder = os.path.join(HERE, "corpus", target)
    os.makedirs(folder, exist_ok=True)
    for name, content in seeds.items():
        with open(os.path.join(folder, name), "wb") as file:
            file.write(content)


def session_seeds(schema, client):
    """Streams for a session: how (1: logged in; the rest, halved, cuts the bytes), then frames."""
    seeds = {f"{name}-online": b"\x01" + prefixed(frame) for name, frame in client.items() if name.endswith("-1")}
    hello = schema.ClientFrame(number=1, hello=schema.Hello(version=1, capabilities=[1]))
    password = b"correct horse"
    logins = {
        "identify": schema.ClientFrame(number=2, identify=schema.Identify(user=b"alice")),
        "login": schema.ClientFrame(number=2, login=schema.Login(user=b"alice", password=password)),
        "wrong": schema.ClientFrame(number=2, login=schema.Login(user=b"alice", password=b"wrong")),
        "register": schema.ClientFrame(number=2, register=schema.Register(user=b"carol", password=password)),
        "resume": schema.ClientFrame(number=2, resume=schema.Resume(token=b"t" * 32, continues=True, horizon=9)),
    }
    requests = [
        schema.ClientFrame(number=16, message=schema.SendMessage(to=b"alice", body=b"hi")),
        schema.ClientFrame(number=16, message=schema.SendMessage(to=b"alice", body=b"hi")),
        schema.ClientFrame(number=17, broadcast=schema.SendBroadcast(body=b"hear")),
        schema.ClientFrame(number=18, whoelse=schema.WhoElse()),
        schema.ClientFrame(number=19, block=schema.Block(user=b"alice")),
        schema.ClientFrame(number=20, startprivate=schema.StartPrivate(user=b"alice")),
        schema.ClientFrame(received=schema.Received(positions=[schema.Position(conversation=1, id=1)])),
        schema.ClientFrame(number=21, ping=schema.Ping()),
        schema.ClientFrame(number=23, password=schema.ChangePassword(current=b"wrong", another=b"another one")),
        schema.ClientFrame(number=24, password=schema.ChangePassword(current=password, another=b"another one")),
        schema.ClientFrame(number=25, password=schema.ChangePassword(current=password, another=b"another one")),
        schema.ClientFrame(number=22, logout=schema.Logout()),
    ]
    stream = b"".join(prefixed(request.SerializeToString()) for request in requests)
    for name, login in logins.items():
        seeds[name] = b"\x00" + prefixed(hello.SerializeToString()) + prefixed(login.SerializeToString()) + stream
    return seeds | {
        "talk": b"\x01" + stream,
        "talk-in-threes": b"\x07" + stream,
        "talk-byte-by-byte": b"\x03" + stream,
        "not-the-protocol": b"\x00GET / HTTP/1.1\r\n\r\n" + b" " * 80,
    }


def main():
    schema = load_schema()
    client, server = dict(frames_of(schema.ClientFrame)), dict(frames_of(schema.ServerFrame))
    odd = {
        "unknown-body": b"\x08\x01\xc2\x3e\x00",
        "two-bodies": client["login-1"] + client["register-1"],
        "same-body-twice": client["login-1"] + client["login-2"],
        "many-bodies": b"\x4a\x00" * 200,
        "many-unknown-fields": b"\xa0\x06\x01" * 200,
        "cut": client["resume-2"][:-3],
        "wrong-wire-type": b"\x10\x05",
        "group": b"\x0b\x0c",
        "field-0": b"\x82\x00\x00",
    }
    write("fuzz_client_frame", client | odd)
    write("fuzz_server_frame", server | odd)
    write("fuzz_session", session_seeds(schema, client))
    whole = b"".join(map(prefixed, client.values()))
    write("fuzz_frame", {
        "all-at-once": b"\xff" + whole,
        "byte-by-byte": b"\x00" + whole[:400],
        "in-sevens": b"\x06" + whole[:2000],
        "empty-frames": b"\x01" + b"\x00" * 50,
        "cut": b"\x10" + whole[:333],
        "longest": b"\xff\x80\x80\x04" + b"a" * 100,
        "one-too-long": b"\xff\x81\x80\x04",
        "not-shortest": b"\x00\x05hello\x85\x00hello",
        "endless-length": b"\x00\x80\x80\x80\x80",
    })
    write("fuzz_validate", {f"text-{i}": text for i, text in enumerate(TEXTS)} | {
        "name-mixed": b"Bob-the_2.",
        "name-longest": b"a" * 32,
        "name-too-long": b"a" * 33,
        "name-dot-first": b".bob",
        "password": b"correct horse",
        "surrogate": b"\xed\xa0\x80",
        "overlong": b"\xc0\x80\xe0\x80\x80\xf0\x80\x80\x80",
        "too-high": b"\xf4\x90\x80\x80",
        "c1-control": b"\xc2\x9b1m",
        "cut-character": b"abc\xf0\x9f\x98",
        "text-longest": b"y" * 16384,
        "text-too-long": b"y" * 16385,
    })


if __name__ == "__main__":
    main()
