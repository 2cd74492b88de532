"""Fixtures. `world` is what nearly every test takes: it starts servers and clients and ends them."""
import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
pytest.register_assert_rewrite("harness")

from harness import surroundings  # noqa: E402
from harness.world import World  # noqa: E402

WORLD = pytest.StashKey()


def pytest_collection_modifyitems(items):
    if os.environ.get("EARSHOT_SLOW_TESTS"):
        return
    skip = pytest.mark.skip(reason="takes long; EARSHOT_SLOW_TESTS=1 runs it")
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(skip)


def pytest_sessionstart():
    missing = [path for path in (surroundings.EARSHOTD, surroundings.EARSHOT) if not path.exists()]
    if missing:
        pytest.exit(f"not built: {missing[0]} (EARSHOT_BUILD names the build directory)", returncode=2)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure shows the conversation and what the programs wrote to standard error."""
    outcome = yield
    report = outcome.get_result()
    if call.when == "call":
        item.stash[WORLD] = report.passed
    if report.failed:
        for value in getattr(item, "funcargs", {}).values():
            if isinstance(value, World):
                report.sections.append(("conversation", value.report()))


def live(request):
    """A world; closed whatever happens, in good order if the test has passed."""
    world = World()
    trouble = []
    try:
        yield world
        if request.node.stash.get(WORLD, True):
            world.finish()
    except AssertionError as problem:
        trouble.append(str(problem))
    finally:
        world.close()
        trouble += world.sanitizer_reports()
        told = world.report() if trouble else ""
        world.remove()
    if trouble:
        pytest.fail("at the end: " + "\n".join([*trouble, told]), pytrace=False)


@pytest.fixture
def world(request):
    yield from live(request)


@pytest.fixture(scope="module")
def shared_world(request):
    """For tables of many small cases that can share one server, each with users of its own."""
    yield from live(request)


@pytest.fixture
def report(request):
    """Takes lines that say what a test tried and what it saw. With EARSHOT_SLOW_TESTS they are shown as they come; otherwise, as
    anything printed, if the test fails or with -s."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    begun = []

    def tell(line):
        if not os.environ.get("EARSHOT_SLOW_TESTS") or capture is None:
            print(line)
            return
        with capture.global_and_fixture_disabled():
            print("" if begun else "\n", f"  {line}", sep="", flush=True)
        begun.append(line)

    return tell
