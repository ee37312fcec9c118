"""What a table looks like in a terminal."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from dune_frames.cli.display import display

_NAMES = some.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=20)


@pytest.fixture(params=[80, 200], scope="module")
def width(request):
    """The width of the terminal."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", str(request.param))
        yield request.param


@settings(deadline=None)
@given(names=some.lists(_NAMES, min_size=1, max_size=40, unique=True))
def test_every_column_is_shown(width, names):
    """However many columns: each name with its type and its first value, and no line too long."""
    table = pa.table({name: [f"first {name}", None, "last"] for name in names})
    lines = display(table).splitlines()
    assert lines[0] == f"shape: (3, {len(names)})"
    assert max(map(len, lines)) <= width
    cells = {cell.strip() for line in lines for cell in line.replace("│", "┆").split("┆")}
    assert set(names) <= cells
    assert cells & {"str", "string"}
    assert {f"first {name}" for name in names if len(name) < 10} <= cells


def test_long_results_show_both_ends():
    """Of many rows the first and the last are shown, and how many there are."""
    text = display(pa.table({"n": range(100_000)}))
    assert "shape: (100_000, 1)" in text
    assert "\n│ 0 " in text
    assert "\n│ 99999 " in text
    assert len(text.splitlines()) < 60


def test_numbers_are_shown_whole():
    """A number is shown with all its digits, not in powers of ten."""
    text = display(pa.table({"usd": [1234567890.12, 1e-7], "big": [2**63 - 1, None]}))
    assert all(each in text for each in ("1234567890.12", "0.0000001", str(2**63 - 1), "null"))


@settings(deadline=None)
@given(text=some.text(some.characters(categories=["Cc"]), min_size=1))
def test_a_result_cannot_steer_the_terminal(text):
    """Control characters in values, which anybody may put on a blockchain, are not sent on."""
    shown = display(pa.table({"name": [f"be{text}fore"], "nested": [[text]]}))
    assert not set(shown) & ({chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))} - {"\n"})


def test_a_column_without_a_name_or_rows_is_shown():
    """Nothing is too small to show: no rows, no columns."""
    assert "shape: (0, 1)" in display(pa.table({"a": pa.array([], pa.int64())}))
    assert "shape: (0, 0)" in display(pa.table({}))
