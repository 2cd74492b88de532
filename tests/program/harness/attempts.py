"""Logins that are tried on a connection of their own, and what becomes of a session whose account was revoked."""
from .wire import code_name, pb


def tried(world, kind, **fields):
    peer = world.peer()
    peer.hello()
    frame = peer.request(kind, **fields)
    peer.close()
    return "ok" if frame.HasField("welcome") else code_name(frame.error.code)


def attempt(world, user, password):
    """"ok" or the error's code."""
    return tried(world, "login", user=user, password=password)


def attempt_token(world, token):
    return tried(world, "resume", token=token)


def revoked(peer):
    peer.expect("goodbye", reason=pb.Goodbye.REASON_REVOKED)
    peer.closed()
