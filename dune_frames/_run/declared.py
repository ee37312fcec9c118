"""What a saved query declares, held against the parameters that it shall run with."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from dune_frames.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dune_frames._ask.params import Parameters
    from dune_frames._wire.catalog import QueryParameter, SavedQuery


def refuse_undeclared(query: SavedQuery, parameters: Parameters) -> None:
    """Refuse parameters that a query cannot take.

    Raises
    ------
    InvalidRequestError
        It declares no such parameter, the value is none of an enum's choices, or no number where
        it wants one.
    """
    declared = {each.name: each for each in query.parameters}
    unknown = [name for name in parameters if name not in declared]
    if unknown:
        names = ", ".join(map(repr, declared)) or "none"
        raise _refused(
            query, f"declares no parameter {', '.join(map(repr, unknown))}", f"it declares {names}"
        )
    for name, value in parameters.items():
        for each in [value] if isinstance(value, str) else value:
            _refuse_value(query, declared[name], each)


def _refuse_value(query: SavedQuery, declared: QueryParameter, value: str) -> None:
    if declared.choices and value not in declared.choices:
        raise _refused(
            query,
            f"does not allow {value!r} for parameter {declared.name!r}",
            f"it allows {_some(declared.choices)}",
        )
    if declared.type == "number" and not _is_number(value):
        raise _refused(
            query,
            f"declares parameter {declared.name!r} as a number, which {value!r} is not",
            "give a number",
        )


def _is_number(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False


def _some(choices: Sequence[str]) -> str:
    shown = ", ".join(map(repr, choices[:_SHOWN]))
    return shown if len(choices) <= _SHOWN else f"{shown}, and {len(choices) - _SHOWN} more"


_SHOWN = 10


def _refused(query: SavedQuery, what: str, instead: str) -> InvalidRequestError:
    return InvalidRequestError(
        f"query {query.query_id} {what}",
        query_id=query.query_id,
        advice=f"{instead}; call client.query({query.query_id}) again if it was edited since.",
    )
