"""Parameters: `-p name=value` and parameter files, as the values that a query takes."""

from __future__ import annotations

import json
import tomllib
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from dune_frames.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def read_parameters(pairs: Sequence[str], file: Path | None) -> dict[str, Any]:
    """Return the parameters of a file and of pairs; a pair goes before the file.

    Parameters
    ----------
    pairs : sequence of str
        ``name=text``, or ``name:=json`` for a value that is no text. The first ``=`` parts them.
    file : Path or None
        JSON, or TOML by its suffix: an object of names and values.

    Raises
    ------
    InvalidRequestError
        A pair is none, names a parameter twice, or a file does not hold an object.
    """
    return (_of_file(file) if file else {}) | _of_pairs(pairs)


def _of_pairs(pairs: Sequence[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for pair in pairs:
        name, value = _split(pair)
        if name in values:
            raise InvalidRequestError(
                f"parameter {name!r} is given twice",
                advice=f"""for several values at once: -p '{name}:=["a", "b"]'.""",
            )
        values[name] = value
    return values


def _split(pair: str) -> tuple[str, Any]:
    left, equals, text = pair.partition("=")
    name, typed = left.removesuffix(":"), left.endswith(":")
    if not equals or not name:
        raise InvalidRequestError(
            f"-p {pair!r} is no parameter", advice="give -p name=text or -p name:=json."
        )
    return name, _typed(pair, text) if typed else text


def _typed(pair: str, text: str) -> Any:
    try:
        return _json(text)
    except ValueError as problem:
        raise InvalidRequestError(
            f"-p {pair!r} has no JSON behind its := ({problem})",
            advice="give text as name=text, without a colon.",
        ) from None


def _json(text: str) -> Any:
    """Read JSON with its numbers exact."""
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON number")


def _toml(text: str) -> Any:
    return tomllib.loads(text, parse_float=Decimal)


def _of_file(file: Path) -> dict[str, Any]:
    read = _toml if file.suffix.lower() == ".toml" else _json
    try:
        values = read(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as problem:
        raise _unreadable(file, str(problem)) from None
    if not isinstance(values, dict):
        raise _unreadable(file, "it holds no object")
    return values


def _unreadable(file: Path, why: str) -> InvalidRequestError:
    return InvalidRequestError(
        f"the parameter file {file} cannot be used: {why}",
        advice='give JSON such as {"name": "value", "day": "2025-01-01"}, or TOML in a .toml file.',
    )
