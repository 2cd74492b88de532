"""What `make install` brings, below DESTDIR, and what it leaves alone."""
import os
import shutil
import subprocess

import pytest

from harness import surroundings

SHIPPED = (surroundings.ROOT / "packaging" / "earshotd.conf").read_text()
MINE = "timeout = 60\n"


def install(place, *args):
    argv = ["meson", "install", "-C", surroundings.BUILD, "--no-rebuild", *args]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=6 * surroundings.PATIENCE, check=False,
                          env=surroundings.environment(**({} if args else {"DESTDIR": place})))
    assert done.returncode == 0, done
    found = list(place.glob("**/earshotd.conf"))
    assert len(found) == 1, found
    return found[0]


@pytest.mark.skipif(shutil.which("meson") is None, reason="meson is not installed")
@pytest.mark.parametrize("by_option", [False, True], ids=["environment", "option"])
def test_settings_outlive_an_installation(tmp_path, by_option):
    args = ["--destdir", tmp_path] if by_option else []
    settings = install(tmp_path, *args)
    fresh = settings.with_name("earshotd.conf.new")
    assert settings.read_text() == SHIPPED and settings.parent.name == "earshot"
    settings.chmod(0o640)
    install(tmp_path, *args)
    assert not fresh.exists() and settings.stat().st_mode & 0o777 == 0o640
    settings.write_text(MINE)
    for _ in range(2):
        install(tmp_path, *args)
        assert settings.read_text() == MINE
        assert fresh.read_text() == SHIPPED
    elsewhere = tmp_path / "kept.conf"
    settings.rename(elsewhere)
    settings.symlink_to(elsewhere)
    install(tmp_path, *args)
    assert os.readlink(settings) == str(elsewhere) and elsewhere.read_text() == MINE
