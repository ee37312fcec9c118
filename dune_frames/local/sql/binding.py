"""Binding: SQL that needs an operand several times computes it once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

#: An operand of this length, like a column, may stand in the SQL as often as it is needed.
_SHORT = 48


def bound(write: Callable[..., str], *operands: str) -> str:
    """Return what `write` makes of operands.

    Parameters
    ----------
    write : callable
        From operands to SQL, in which each may stand several times.
    *operands : str
        SQL. A long one gets a name, so that nested expressions do not grow with every use.
    """
    if all(len(operand) <= _SHORT for operand in operands):
        return write(*operands)
    parts = ", ".join(f"'o{place}': {operand}" for place, operand in enumerate(operands))
    names = [f"b.o{place}" for place in range(len(operands))]
    return f"list_transform([{{{parts}}}], lambda b: {write(*names)})[1]"
