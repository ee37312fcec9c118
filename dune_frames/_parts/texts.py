"""The options as texts, as Spark hands them over: read into what the Python calls take."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dune_frames.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: What is read, of which exactly one is named.
SOURCES = ("query_id", "sql", "execution_id")


@dataclass(frozen=True, slots=True)
class Told:
    """What the options of one read say.

    Attributes
    ----------
    source, reference : str
        One of `SOURCES`, and its text.
    connection : dict
        `base_url`, `api_key_file`.
    options : dict
        What `plan_query`, `plan_sql` and `plan_execution` take.
    """

    source: str
    reference: str
    connection: dict[str, str]
    options: dict[str, Any]


def read_texts(texts: Mapping[str, str]) -> Told:
    """Read options; their names in whatever case.

    Raises
    ------
    InvalidRequestError
        One is not known or not readable, or not exactly one source is named.
    """
    told = {name.lower(): text for name, text in texts.items()}
    _refuse_unknown(told)
    sources = [name for name in SOURCES if name in told]
    if len(sources) != 1:
        raise InvalidRequestError(
            f"the options name {' and '.join(sources) or 'nothing'} to read",
            advice=f"give exactly one of {', '.join(SOURCES)}.",
        )
    options = {name: _read(name, told[name]) for name in _READERS if name in told}
    connection = {name: told[name] for name in _CONNECTION if name in told}
    return Told(sources[0], told[sources[0]], connection, options)


def _refuse_unknown(told: Mapping[str, str]) -> None:
    known = (*SOURCES, *_CONNECTION, *_READERS)
    if "api_key" in told:
        raise InvalidRequestError(
            "the key is no option: Spark would show it in plans and logs",
            advice="set DUNE_API_KEY where the driver and the executors start, or name a file that "
            'holds it there: .option("api_key_file", ...).',
        )
    for name in told:
        if name not in known:
            raise InvalidRequestError(
                f"there is no option {name!r}", advice=f"the options are {', '.join(known)}."
            )


def _read(name: str, text: str) -> Any:
    what, reader = _READERS[name]
    with suppress(ValueError, TypeError, KeyError):
        return reader(text)
    raise InvalidRequestError(f"{name}={text!r} is no {what}", advice=f"give {name} as {what}.")


def _boolean(text: str) -> bool:
    return {"true": True, "false": False}[text.strip().lower()]


def _names(text: str) -> list[str]:
    """Read a JSON list, or names between commas."""
    if not text.lstrip().startswith("["):
        return [name.strip() for name in text.split(",")]
    names = json.loads(text)
    if not all(isinstance(name, str) for name in names):
        raise TypeError
    return list(names)


def _object(text: str) -> dict[str, Any]:
    told = json.loads(text)
    if not isinstance(told, dict):
        raise TypeError
    return told


def _types(text: str) -> dict[str, Any]:
    import pyarrow as pa

    return {name: pa.type_for_alias(alias) for name, alias in _object(text).items()}


def _age(text: str) -> float | str:
    with suppress(ValueError):
        return float(text)
    return text


_TEXT, _COUNT, _NUMBER, _FLAG = (
    ("text", str),
    ("whole number", int),
    ("number", float),
    ('"true" or "false"', _boolean),
)
_CONNECTION = ("base_url", "api_key_file")
_READERS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "params": ('JSON object, such as {"chain": "base"}', _object),
    "max_age": ("age", _age),
    "performance": _TEXT,
    "columns": ("list of names, between commas or as JSON", _names),
    "filters": _TEXT,
    "sort_by": _TEXT,
    "limit": _COUNT,
    "offset": _COUNT,
    "schema_overrides": ('JSON object of Arrow types, such as {"amount": "string"}', _types),
    "uint256": _TEXT,
    "varbinary": _TEXT,
    "format": _TEXT,
    "timeout": _NUMBER,
    "allow_partial": _FLAG,
    "cache": _FLAG,
    "offline": _FLAG,
    "max_export_mb": _NUMBER,
    "partition_rows": _COUNT,
}
