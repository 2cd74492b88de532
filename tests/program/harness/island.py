"""A network namespace that ends with the test, in which packets can be made to vanish.

    island = Island()
    world.server(..., prefix=island.prefix)        a program in it; 127.0.0.0/8 is all there is
    island.swallow("127.9.0.1")                    from now on nothing comes or goes there, and nobody is told

Needs root, unshare, nsenter and nft; Island.missing() says what is not there. It has no name: it goes with the processes in it.
"""
import os
import shutil
import subprocess

from .process import guarded


class Island:
    @staticmethod
    def missing():
        if os.geteuid() != 0:
            return "needs root"
        absent = [tool for tool in ("unshare", "nsenter", "nft", "ip") if shutil.which(tool) is None]
        if absent:
            return f"needs {absent[0]}"
        works = subprocess.run(["unshare", "-n", "nft", "list", "tables"], capture_output=True, check=False).returncode == 0
        return None if works else "needs network namespaces with nftables"

    def __init__(self):
        self.holder = subprocess.Popen(guarded(["unshare", "-n", "sh", "-c", "echo up && exec sleep 3600"]),
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        assert self.holder.stdout.readline() == b"up\n"
        self.prefix = ("nsenter", f"--net=/proc/{self.holder.pid}/ns/net", "--")
        self.run("ip", "link", "set", "lo", "up")
        self.run("nft", "add table ip earshot; add chain ip earshot input { type filter hook input priority 0; }")

    def run(self, *argv):
        subprocess.run([*self.prefix, *argv], check=True, stdin=subprocess.DEVNULL)

    def swallow(self, address):
        self.run("nft", f"add rule ip earshot input ip saddr {address} drop; add rule ip earshot input ip daddr {address} drop")

    def close(self):
        self.holder.kill()
        self.holder.wait()
        self.holder.stdout.close()
