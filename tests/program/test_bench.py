"""The load generator counts: what it says about a server can be relied upon. All workloads run in the suite "bench"."""
import subprocess
import sys

from harness import surroundings


def test_what_waited_comes_once_and_in_order():
    """8 users write to others who are not there, who then log in: to the bare relay, and to earshotd."""
    run = subprocess.run([sys.executable, surroundings.ROOT / "bench" / "run", "--smoke", "--build", surroundings.BUILD, "offline"],
                         stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "bench: 3 passed, 0 failed" in run.stdout
