"""Runs every conversation in transcripts/; harness/transcript.py says how they are written."""
import pathlib

import pytest

from harness.transcript import Transcript

FOLDER = pathlib.Path(__file__).parent / "transcripts"


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.txt")))
def test_transcript(world, name):
    try:
        Transcript(world, (FOLDER / f"{name}.txt").read_text()).run()
    except AssertionError as problem:
        pytest.fail(f"{name}.txt, {problem}", pytrace=False)
