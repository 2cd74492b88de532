"""File systems of a test's own: small ones, and a disk whose power can be cut.

What the kernel has not yet written to the device, because nobody has asked for it with fsync, is in no copy of the device: so a copy of
the image, made while the writer stands still, is what a machine finds after its power was cut, and mounting it replays the journal as
after a real one. Needs root. The mounts are in a namespace of this process, so that they vanish with it, however it ends.
"""
import contextlib
import ctypes
import os
import subprocess

import pytest

from . import surroundings

NEW_MOUNTS = 0x00020000  # CLONE_NEWNS
apart = []


def tool(*argv):
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    done = subprocess.run([str(word) for word in argv], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                          timeout=10 * surroundings.PATIENCE, env={**surroundings.environment(), "PATH": path})
    if done.returncode != 0:
        raise OSError(f"{' '.join(map(str, argv))}: {done.stderr.strip()}")


def possible():
    """Skips the test where it cannot be."""
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    if not apart:
        if ctypes.CDLL(None, use_errno=True).unshare(NEW_MOUNTS) != 0:
            pytest.skip("mount namespaces are not allowed here")
        try:
            tool("mount", "--make-rprivate", "/")
        except OSError as problem:
            pytest.skip(f"mounting is not allowed here: {problem}")
        apart.append(True)


def fill(path):
    """Takes every byte that is left there; removing the file, which is returned, gives them back."""
    ballast = path / "ballast"
    with open(ballast, "wb", buffering=0) as file:
        for size in (1 << 20, 4096, 512, 1):
            with contextlib.suppress(OSError):
                while file.write(b"x" * size) == size:
                    pass
    return ballast


class Mount:
    """What is mounted at `path`. Belongs to a world, which closes it when its programs have ended."""

    def __init__(self, world, name):
        possible()
        self.world = world
        self.path = world.directory / f"{name}{len(world.belongings)}"
        self.path.mkdir()
        self.mounted = False
        world.belongings.append(self)

    def mount(self, *argv):
        tool("mount", *argv, self.path)
        self.mounted = True

    def close(self):
        if self.mounted:
            tool("umount", self.path)
            self.mounted = False


class Memory(Mount):
    """A file system in memory, of so many MiB."""

    def __init__(self, world, megabytes):
        super().__init__(world, "memory")
        self.mount("-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs")


class Disk(Mount):
    """ext4 on a loop device. Its image lies in `folder`, and takes room there as it is written."""

    def __init__(self, world, megabytes=0, image=None, folder=None):
        super().__init__(world, "disk")
        self.image = image or (folder or world.directory) / f"{self.path.name}.image"
        if image is None:
            self.make(megabytes)
        self.mount("-o", "loop", self.image)

    def make(self, megabytes):
        with open(self.image, "wb") as file:
            file.truncate(megabytes << 20)
        try:
            tool("mkfs.ext4", "-q", "-F", "-N", "256", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0", self.image)
            tool("mount", "-o", "loop", self.image, self.path)
            tool("umount", self.path)
        except (OSError, FileNotFoundError) as problem:
            pytest.skip(f"no file system can be made here: {problem}")

    def after_a_power_cut(self):
        """The disk as it would be found now. Whoever writes must stand still meanwhile."""
        image = self.world.directory / f"{self.path.name}.after.image"
        tool("cp", "--sparse=always", "--reflink=auto", self.image, image)
        return Disk(self.world, image=image)

    def again(self):
        """After it was closed."""
        self.mount("-o", "loop", self.image)

    def discard(self):
        self.close()
        self.image.unlink()
