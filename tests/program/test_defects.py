"""The table of deliberate defects fits the tree, so that `make defects` can try them."""
import collections
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "defects"))

import defects  # noqa: E402


@pytest.mark.parametrize("row", defects.table(), ids=lambda row: row.name)
def test_the_row_fits(row):
    assert not defects.misfits(row)


def test_names_are_unique():
    counts = collections.Counter(row.name for row in defects.table())
    assert [name for name, count in counts.items() if count > 1] == []
