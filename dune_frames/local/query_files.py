"""Query files: saved queries as SQL files, whose header says what else Dune keeps of a query.

The header is the comment lines before the SQL; those not of these forms are plain comments::

    -- id: 3493826
    -- name: Trades by project
    -- param chain: enum = ethereum, base
    -- param since: datetime = 2026-01-05 00:00:00
    -- param least: number = 10
    -- param word: text = hello
    SELECT project, count(*) FROM dex.trades WHERE blockchain = '{{chain}}' ...

A parameter has one of Dune's types and its default; the first value of an enum is its default.
``-- query name:`` and ``-- query link: https://dune.com/queries/3493826``, the header of Dune's own
template for repositories of queries, say name and id too. Without an id in the header, it is the
number at the end of the file's name: ``3493826.sql``, ``weekly___3493826.sql``.
"""

from __future__ import annotations

import re
from itertools import takewhile
from typing import TYPE_CHECKING, get_args

from dune_frames._ask.query import query_id_of
from dune_frames.errors import InvalidRequestError
from dune_frames.local.queries import Kind, QueryParameter, SavedQuery

if TYPE_CHECKING:
    from pathlib import Path

_ID = re.compile(r"--\s*(?:id|query\s+link)\s*:\s*(\S+)", re.IGNORECASE)
_NAME = re.compile(r"--\s*(?:query\s+)?name\s*:\s*(.+)", re.IGNORECASE)
_PARAM = re.compile(
    r"--\s*param\s+(?P<key>.+?)\s*:\s*(?P<kind>\w+)\s*=(?P<value>.*)", re.IGNORECASE
)
_MEANT_AS_PARAM = re.compile(r"--\s*param\s.*", re.IGNORECASE)
_NUMBER_AT_END = re.compile(r"(?:.*_)?(\d+)")


def read_query(file: Path, query_id: int | None = None) -> SavedQuery:
    """Read a query file.

    Parameters
    ----------
    file : Path
        The file, in UTF-8.
    query_id : int, optional
        Its number, whatever its header says.

    Returns
    -------
    SavedQuery
        With the whole text as its SQL, the header too, so that places in errors are the file's.

    Raises
    ------
    ValueError
        Its header does not say what it should, or it is no UTF-8.
    OSError
        It cannot be read.
    """
    sql = file.read_text(encoding="utf-8-sig")
    header = _header(sql)
    number = query_id or _id(header, file)
    params = dict(_params(header))
    return SavedQuery.of(number, sql, params, _found(_NAME, header))


def _header(sql: str) -> list[str]:
    lines = (line.strip() for line in sql.splitlines())
    return [
        line for line in takewhile(lambda line: not line or line.startswith("--"), lines) if line
    ]


def _found(pattern: re.Pattern[str], header: list[str]) -> str | None:
    return next((match[1].strip() for line in header if (match := pattern.fullmatch(line))), None)


def _id(header: list[str], file: Path) -> int:
    named = _NUMBER_AT_END.fullmatch(file.stem)
    reference = _found(_ID, header) or (named and named[1])
    if not reference:
        raise ValueError("it has no id: begin it with a line '-- id: 123'")
    try:
        return query_id_of(reference)
    except InvalidRequestError:
        raise ValueError(f"{reference!r} is no id of a query") from None


def _params(header: list[str]) -> list[tuple[str, QueryParameter]]:
    parameters = [_param(line) for line in header if _MEANT_AS_PARAM.fullmatch(line)]
    return [(parameter.key, parameter) for parameter in parameters]


def _param(line: str) -> QueryParameter:
    match = _PARAM.fullmatch(line)
    kinds = {kind: kind for kind in get_args(Kind)}
    if match is None or match["kind"].lower() not in kinds:
        raise ValueError(f"{line!r} is no '-- param name: {'|'.join(kinds)} = default'")
    kind: Kind = kinds[match["kind"].lower()]
    values = [match["value"].strip()]
    if kind == "enum":
        values = [value.strip() for value in match["value"].split(",")]
    parameter = QueryParameter(
        match["key"], values[0], kind, tuple(values) if kind == "enum" else ()
    )
    if not parameter.allows(values[0]):
        raise ValueError(f"{line!r}: the default is no {kind}")
    return parameter
