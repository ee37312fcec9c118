"""Functions: which signature a call has, and how it is written."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dune_frames._types.table import DuneType, Field, parse_type
from dune_frames.local.duckdb_types import computed_type
from dune_frames.local.sql import signatures
from dune_frames.local.sql.binding import bound
from dune_frames.local.sql.casts import cast
from dune_frames.local.sql.types import INTEGERS, UNKNOWN, can_become, common_type
from dune_frames.local.sql.values import Value, failing, sql_string

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: Parentheses may stand in parentheses three deep, as in ``array(row(decimal(38, 0)))``.
_INSIDE = r"(?:[^()]|\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))*"
_LINE = re.compile(rf"(?P<name>\w+)\((?P<parameters>{_INSIDE})\) (?P<returns>\w.*?) = (?P<sql>.*)")
#: A value that fails with a message, of the type that the function returns.
_FAILING = re.compile(r"\{fail:([^}]*)\}")
_ANY = ("t", "k", "v")
#: Of any precision.
_MOMENTS = {"s": "timestamp", "z": "timestamp with time zone"}
_NARROW_NUMBER = "n"
_NARROW_NUMBERS = (*INTEGERS, "real", "double", "decimal")

Bindings = dict[str, DuneType]


@dataclass(frozen=True, slots=True)
class Signature:
    """One line of `signatures`.

    Attributes
    ----------
    parameters : tuple of DuneType
        The arguments' types; type variables are types of their names.
    variadic : bool
        Whether the last may repeat.
    returns : DuneType
        The value's type.
    sql : str
        The template.
    """

    parameters: tuple[DuneType, ...]
    variadic: bool
    returns: DuneType
    sql: str

    def wanted(self, count: int) -> tuple[DuneType, ...] | None:
        """Return a type for each of so many arguments, None when it does not take so many."""
        if self.variadic and count >= len(self.parameters):
            return self.parameters + self.parameters[-1:] * (count - len(self.parameters))
        return self.parameters if count == len(self.parameters) else None

    def bound(self, arguments: Sequence[Value]) -> Bindings | None:
        """Return what its type variables stand for, None when it does not take the arguments."""
        wanted = self.wanted(len(arguments))
        if wanted is None:
            return None
        bindings: Bindings = {}
        for parameter, argument in zip(wanted, arguments, strict=True):
            if not _bind(parameter, argument.type, bindings):
                return None
        pairs = zip(wanted, arguments, strict=True)
        fits = all(can_become(a.type, substituted(p, bindings)) for p, a in pairs)
        return bindings if fits else None

    def coerced(self, arguments: Sequence[Value], bindings: Bindings) -> list[Value]:
        """Return the arguments, each cast to what the signature wants."""
        wanted = self.wanted(len(arguments)) or ()
        return [
            cast(argument, substituted(parameter, bindings))
            for parameter, argument in zip(wanted, arguments, strict=True)
        ]


def _bind(parameter: DuneType, given: DuneType, bindings: Bindings) -> bool:
    """Match a parameter with a type, and note what type variables must be."""
    name = parameter.name
    if name in (*_ANY, *_MOMENTS, _NARROW_NUMBER):
        return _allows(name, given) and _noted(name, given, bindings)
    if parameter.children and given.name == name:
        if len(parameter.children) != len(given.children):
            return False
        pairs = zip(parameter.children, given.children, strict=True)
        return all(_bind(inner.type, other.type, bindings) for inner, other in pairs)
    for inner in parameter.children if given == UNKNOWN else ():
        _bind(inner.type, UNKNOWN, bindings)
    return True


def _allows(variable: str, given: DuneType) -> bool:
    if variable in _MOMENTS:
        return given.name == _MOMENTS[variable]
    return variable != _NARROW_NUMBER or given.name in _NARROW_NUMBERS


def _noted(variable: str, given: DuneType, bindings: Bindings) -> bool:
    common = common_type(bindings.get(variable, given), given)
    if common is not None:
        bindings[variable] = common
    return common is not None


def substituted(dune: DuneType, bindings: Bindings) -> DuneType:
    """Return a type with its type variables replaced."""
    if dune.name in bindings:
        return bindings[dune.name]
    children = tuple(Field(c.name, substituted(c.type, bindings)) for c in dune.children)
    return replace(dune, children=children)


@dataclass(frozen=True, slots=True)
class Call:
    """A function call whose signature is found.

    Attributes
    ----------
    sql : str
        The call with its arguments.
    finish : str
        What to make of its value, as a template of ``{value}``.
    type : DuneType
        The type of the whole.
    """

    sql: str
    finish: str
    type: DuneType

    def value(self, sql: str | None = None) -> Value:
        """Return the finished value of the call, or of something made of the call."""
        finished = self.finish.format(value=sql or self.sql)
        return Value(f"CAST({finished} AS {computed_type(self.type)})", self.type)


class Functions:
    """The functions of one part of `signatures`."""

    def __init__(self, lines: str) -> None:
        self._by_name: dict[str, list[Signature]] = {}
        for name, signature in _read(lines):
            self._by_name.setdefault(name, []).append(signature)

    @property
    def names(self) -> frozenset[str]:
        """Return the functions' names, in lower case."""
        return frozenset(self._by_name)

    def signatures(self) -> Iterator[tuple[str, Signature]]:
        """Yield each name with each of its signatures."""
        for name, signatures_of_name in self._by_name.items():
            for signature in signatures_of_name:
                yield name, signature

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def call(self, name: str, arguments: Sequence[Value]) -> Call | None:
        """Return a call of a known function, None when no signature takes the arguments."""
        found = None
        for signature in self._by_name[name]:
            bindings = signature.bound(arguments)
            if bindings is None:
                continue
            if _is_exact(signature, arguments, bindings):
                return _written(signature, arguments, bindings)
            found = found or (signature, bindings)
        return _written(found[0], arguments, found[1]) if found else None


def _is_exact(signature: Signature, arguments: Sequence[Value], bindings: Bindings) -> bool:
    pairs = zip(signature.wanted(len(arguments)) or (), arguments, strict=True)
    return all(substituted(parameter, bindings) == value.type for parameter, value in pairs)


def _written(signature: Signature, arguments: Sequence[Value], bindings: Bindings) -> Call:
    coerced = [value.sql for value in signature.coerced(arguments, bindings)]
    template, _, finish = signature.sql.partition(" | ")
    template = template.replace("{*}", ", ".join(f"{{{n}}}" for n in range(len(coerced))))

    returns = substituted(signature.returns, bindings)

    def failed(match: re.Match[str]) -> str:
        return failing(sql_string(match[1]), returns).replace("{", "{{").replace("}", "}}")

    template = _FAILING.sub(failed, template)

    def write(*operands: str) -> str:
        return template.format(*operands)

    repeats = any(template.count(f"{{{place}}}") > 1 for place in range(len(coerced)))
    sql = bound(write, *coerced) if repeats else write(*coerced)
    return Call(sql, finish or "{value}", returns)


def _read(lines: str) -> Iterator[tuple[str, Signature]]:
    for line in filter(None, lines.splitlines()):
        match = _LINE.fullmatch(line)
        if match is None:
            raise ValueError(f"not a signature: {line}")
        variadic = match["parameters"].endswith("...")
        row = parse_type(f"row({match['parameters'].removesuffix('...')})")
        parameters = tuple(child.type for child in row.children)
        signature = Signature(parameters, variadic, parse_type(match["returns"]), match["sql"])
        yield match["name"], signature
        if match["name"].startswith("varbinary_"):
            # Dune's older name of the same function.
            yield match["name"].replace("varbinary_", "bytearray_", 1), signature


SCALARS = Functions(signatures.SCALARS)
AGGREGATES = Functions(signatures.AGGREGATES)
WINDOWS = Functions(signatures.WINDOWS)
