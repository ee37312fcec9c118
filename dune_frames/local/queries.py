"""Saved queries and their parameters."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Literal

from dune_frames.local.answers import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PLACEHOLDER = re.compile(r"\{\{\s*(.+?)\s*\}\}")
_VIEW = re.compile(r"query_(?P<id>\d+)(?:\((?P<values>.*)\))?", re.DOTALL | re.IGNORECASE)
_VIEW_VALUE = re.compile(r"(\w[^=,]*?)\s*=\s*'((?:[^'\\]|\\.)*)'", re.DOTALL)
#: Dune gives a parameter that is used without being declared this value.
_UNDECLARED = "default value"
_UNKNOWN_PARAMETERS = "unknown parameters (Invalid Parameter)"

Kind = Literal["text", "number", "datetime", "enum"]


@dataclass(frozen=True, slots=True)
class QueryParameter:
    """A parameter of a saved query.

    Attributes
    ----------
    key : str
        Its name, which stands in the SQL as ``{{key}}``.
    value : str
        Its default.
    kind : {"text", "number", "datetime", "enum"}
        Its type in Dune's words; a list in the app is an ``enum`` on the wire.
    options : tuple of str
        What an enum allows; empty allows everything.
    """

    key: str
    value: str
    kind: Kind = "text"
    options: tuple[str, ...] = ()

    @classmethod
    def of(cls, key: str, default: Any) -> QueryParameter:
        """Make a parameter of a Python default.

        Parameters
        ----------
        key : str
            Its name.
        default : str, int, float, Decimal, datetime, date, list or QueryParameter
            A number makes a number parameter, a moment a datetime, a list an enum whose first
            value is the default, anything else text.
        """
        if isinstance(default, QueryParameter):
            return default
        if isinstance(default, list | tuple):
            options = tuple(str(option) for option in default)
            return cls(key, options[0], "enum", options)
        if isinstance(default, dt.date):
            return cls(key, f"{default:%Y-%m-%d %H:%M:%S}", "datetime")
        number = isinstance(default, int | float | Decimal) and not isinstance(default, bool)
        return cls(key, str(default), "number" if number else "text")

    def accepted(self, value: Any) -> str:
        """Return a given value as the text that goes into the SQL.

        Raises
        ------
        RefusedError
            The type does not allow it.
        """
        values = [_text(one) for one in value] if isinstance(value, list) else [_text(value)]
        for one in values:
            if not self.allows(one):
                raise RefusedError(
                    400,
                    f"query parameter {self.key} has invalid value {one} for type {self.kind}",
                )
        return ",".join(values)

    def allows(self, value: str) -> bool:
        """Tell whether its type allows a value."""
        if self.kind == "enum":
            return not self.options or value in self.options
        if self.kind == "number":
            return _is_number(value)
        return self.kind != "datetime" or _is_moment(value)

    def json(self) -> dict[str, Any]:
        """Return it as the query object shows it."""
        shown: dict[str, Any] = {"key": self.key, "type": self.kind, "value": self.value}
        return shown | ({"enumOptions": list(self.options)} if self.options else {})


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _is_number(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False


def _is_moment(text: str) -> bool:
    try:
        dt.datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class SavedQuery:
    """A query as Dune saves it.

    Attributes
    ----------
    query_id : int
        Its number.
    sql : str
        Its text, with placeholders.
    parameters : tuple of QueryParameter
        Declared ones and then those that the text uses without declaration.
    name : str
        What it is called.
    version : int
        Counts the edits; a stored result belongs to one version.
    """

    query_id: int
    sql: str
    parameters: tuple[QueryParameter, ...]
    name: str
    version: int = 1

    @classmethod
    def of(
        cls,
        query_id: int,
        sql: str,
        params: Mapping[str, Any] | None = None,
        name: str | None = None,
    ) -> SavedQuery:
        """Make a query of a text and Python defaults."""
        declared = {key: QueryParameter.of(key, value) for key, value in (params or {}).items()}
        for key in placeholders(sql):
            declared.setdefault(key, QueryParameter(key, _UNDECLARED))
        return cls(query_id, sql, tuple(declared.values()), name or f"Query {query_id}")

    @property
    def params(self) -> dict[str, QueryParameter]:
        """Return the parameters by their names."""
        return {parameter.key: parameter for parameter in self.parameters}

    def values(self, given: Mapping[str, Any]) -> dict[str, str]:
        """Return a value for each parameter: the given ones, and defaults for the rest.

        Raises
        ------
        RefusedError
            A given name is no parameter, or a value is not allowed.
        """
        known = self.params
        if given.keys() - known.keys():
            raise RefusedError(400, _UNKNOWN_PARAMETERS)
        return {
            key: parameter.accepted(given[key]) if key in given else parameter.value
            for key, parameter in known.items()
        }

    def json(self) -> dict[str, Any]:
        """Return it as the query endpoint shows it."""
        return {
            "query_id": self.query_id,
            "name": self.name,
            "description": "",
            "tags": [],
            "version": self.version,
            "parameters": [parameter.json() for parameter in self.parameters],
            "query_engine": "v2 Dune SQL",
            "query_sql": self.sql,
            "is_private": False,
            "is_archived": False,
            "is_unsaved": False,
            "owner": "local",
        }


def placeholders(sql: str) -> Sequence[str]:
    """Return the names in a text's placeholders, each once, in order."""
    return list(dict.fromkeys(_PLACEHOLDER.findall(sql)))


def ad_hoc_values(sql: str, given: Mapping[str, Any]) -> dict[str, str]:
    """Return the given values for the placeholders of a text that is not saved.

    Raises
    ------
    RefusedError
        A given name has no placeholder.
    """
    if given.keys() - set(placeholders(sql)):
        raise RefusedError(400, _UNKNOWN_PARAMETERS)
    return {key: QueryParameter(key, "").accepted(value) for key, value in given.items()}


def view_sql(name: str, queries: Mapping[int, SavedQuery]) -> str | None:
    r"""Return the text of a saved query by the name that other queries have for it.

    Parameters
    ----------
    name : str
        ``query_123``, or ``query_123(a='b')`` with values for its parameters, in which ``\'`` is a
        quote (https://docs.dune.com/query-engine/query-a-query).
    queries : mapping of int to SavedQuery
        The saved queries.

    Returns
    -------
    str or None
        None when it is no such name, or there is no such query.
    """
    match = _VIEW.fullmatch(name)
    query = queries.get(int(match["id"])) if match else None
    if match is None or query is None:
        return None
    given = {
        key: value.replace("\\'", "'") for key, value in _VIEW_VALUE.findall(match["values"] or "")
    }
    return filled(query.sql, query.values(given))


def filled(sql: str, values: Mapping[str, str]) -> str:
    """Put values into a text's placeholders; one without a value stays as it is."""
    return _PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), sql)
