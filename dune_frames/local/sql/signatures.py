"""Signatures: the functions that are a matter of writing, one line each in the files beside this.

A line is Trino's signature and the DuckDB SQL for it. ``T``, ``K`` and ``V`` stand for any type,
``N`` for a number of at most 64 bits, ``S`` and ``Z`` for a timestamp without and with time zone of
any precision, ``...`` for further arguments of the last type. What a line
gives is cast to its type. Of the lines of one name the first that takes the arguments without
coercion wins, then the first that takes them at all.

``{fail:...}`` is a value of that type that fails with a message.

In `AGGREGATES` the part before ``|`` is the call, which takes DISTINCT, ORDER BY, FILTER and OVER;
the part after it says what to make of its value, called ``{value}``.

What they mean is told at https://trino.io/docs/current/functions.html and, for Dune's own, at
https://docs.dune.com/query-engine/Functions-and-operators.
"""

from __future__ import annotations

from importlib.resources import files


def _lines(name: str) -> str:
    return files(__package__).joinpath(f"{name}.txt").read_text("utf-8")


SCALARS = _lines("scalars")
AGGREGATES = _lines("aggregates")
#: Functions that only make sense over a window.
WINDOWS = _lines("windows")

#: Other names of functions.
ALIASES = {
    "ceiling": "ceil",
    "pow": "power",
    "rand": "random",
    "position": "strpos",
    "substring": "substr",
    "bytea2numeric": "varbinary_to_bigint",
    "every": "bool_and",
    "arbitrary": "any_value",
    "stddev": "stddev_samp",
    "variance": "var_samp",
    "listagg": "string_agg",
    "array_concat": "concat",
}
