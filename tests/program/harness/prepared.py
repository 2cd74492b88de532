"""Data directories with accounts in them, made once by earshotd itself and then copied: hashing passwords is slow on purpose."""
import atexit
import pathlib
import shutil
import tempfile

from .hub import Hub

FOLDER = pathlib.Path(tempfile.mkdtemp(prefix="earshot-prepared-"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
made = {}


def prepare(server_type, accounts):
    """The folder of a data directory in which `accounts` exist."""
    key = tuple(accounts)
    if key not in made:
        hub = Hub()
        server = server_type(hub, FOLDER / str(len(made)), accounts=accounts, prepared=False)
        server.start().stop()
        hub.close()
        made[key] = server.data
    return made[key]
