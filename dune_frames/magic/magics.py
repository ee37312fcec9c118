"""The magics: a cell of DuneSQL, or a line that names what to read, as a frame."""

from __future__ import annotations

import keyword
import re
import shlex
from contextlib import contextmanager
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments
from IPython.display import display

from dune_frames._api import default_client
from dune_frames._ask.binding import placeholders
from dune_frames._frame.provenance import provenance
from dune_frames._in_a_cell import words
from dune_frames.cli.parameters import read_parameters
from dune_frames.errors import ConfigurationError, DuneError, InvalidRequestError
from dune_frames.magic.options import takes_options

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterable, Iterator

    from dune_frames.client import Dune
    from dune_frames.local import LocalDune

#: Dune's ids of executions: 26 letters and digits, while a query's number has no letters.
_EXECUTION_ID = re.compile(r"(?=.*[A-Za-z])[0-9A-Za-z]{26}")
_MEGABYTE = 1_000_000


@cache
def local_dune() -> LocalDune:
    """Return the embedded Dune of ``--local``: one for this kernel, started when first needed.

    Raises
    ------
    ConfigurationError
        The extra ``local`` is not installed.
    """
    try:
        from dune_frames.local import LocalDune
    except ModuleNotFoundError as problem:
        raise ConfigurationError(
            f"the embedded Dune needs {problem.name}, which is not installed",
            advice="%pip install 'dune-frames[local]'",
        ) from None
    return LocalDune().start()


@magics_class
class DuneMagics(Magics):
    """``%dune`` and ``%%dune``."""

    @no_var_expand
    @line_cell_magic
    @magic_arguments()
    @argument(
        "what",
        nargs="?",
        help="%%%%dune: the variable that the frame becomes; without, the frame is shown. "
        "%%dune: a query's number or URL, or an execution's id.",
    )
    @takes_options
    def dune(self, line: str, cell: str | None = None) -> Any:
        """Read from Dune into a frame.

        %%dune NAME [options]    runs the cell as DuneSQL
        %dune WHAT [options]     reads a saved query or an execution

        Interrupting the cell cancels the run that it started. Quotes group words. $ and {} in the
        line are taken as they stand: variables are used with --params only.
        """
        with _alone():
            asked = self._parsed(line)
            what = asked.pop("what")
            return self._read(what, asked) if cell is None else self._run(what, cell, asked)

    def _parsed(self, line: str) -> dict[str, Any]:
        """Return what the line gives, by name; `what` always."""
        try:
            given = shlex.split(line)
        except ValueError as problem:
            raise UsageError(f"{problem}: {line}") from None
        magic: Any = self.dune
        parsed: Namespace = magic.parser.parse_args(given)
        return vars(parsed)

    @property
    def _names(self) -> dict[str, Any]:
        """The variables of the notebook."""
        return {} if self.shell is None else self.shell.user_ns

    def _run(self, name: str | None, sql: str, asked: dict[str, Any]) -> Any:
        """Run a cell; bind its frame to a name, or return it."""
        if name is not None and (not name.isidentifier() or keyword.iskeyword(name)):
            raise UsageError(f"{name!r} is no variable name; %dune {name} (one %) reads a query.")
        quiet, client, params = asked.get("quiet", False), _client(asked), self._bound(sql, asked)
        frame = client.read_sql(sql, params, **_options(asked))
        if name is None:
            return frame
        self._names[name] = frame
        if not quiet:
            display({"text/plain": _summary(name, frame)}, raw=True)
        return None

    def _bound(self, sql: str, asked: dict[str, Any]) -> dict[str, Any]:
        """Return a value for each placeholder of SQL."""
        params = _pairs(asked)
        if asked.pop("from_variables", False):
            params |= self._variables(name for name in placeholders(sql) if name not in params)
        _refuse_missing(sql, params)
        return params

    def _read(self, what: str | None, asked: dict[str, Any]) -> Any:
        """Return the frame of a saved query or an execution."""
        if what is None:
            raise UsageError("name a query's number or URL, or an execution's id; see %dune?")
        client = _client(asked)
        if _EXECUTION_ID.fullmatch(what):
            if asked.keys() & {"pairs", "from_variables", "max_age", "performance"}:
                raise UsageError("an execution is read as it is: leave parameters and max-age out.")
            return client.read_execution(what, **_options(asked))
        params = _pairs(asked)
        if asked.pop("from_variables", False):
            declared = (each.name for each in client.query(what).parameters)
            params = self._variables(each for each in declared if each in self._names) | params
        return client.read_query(what, params, **_options(asked))

    def _variables(self, names: Iterable[str]) -> dict[str, Any]:
        """Return variables of the notebook by name."""
        wanted = dict.fromkeys(names)
        missing = [name for name in wanted if name not in self._names]
        if missing:
            raise InvalidRequestError(
                f"no variable is called {', '.join(missing)}",
                advice="set it, or give -p name=value. Nothing was sent.",
            )
        return {name: self._names[name] for name in wanted}


@contextmanager
def _alone() -> Iterator[None]:
    """Let errors of ours and interrupts show their words only: the cell is nothing but the call."""
    try:
        yield
    except (DuneError, KeyboardInterrupt) as problem:
        problem.__dict__["_render_traceback_"] = partial(list, [words(problem)])
        raise


def _client(asked: dict[str, Any]) -> Dune:
    return _local_client() if asked.pop("local", False) else default_client()


@cache
def _local_client() -> Dune:
    return local_dune().client()


def _pairs(asked: dict[str, Any]) -> dict[str, Any]:
    return read_parameters(asked.pop("pairs", []), None)


def _options(asked: dict[str, Any]) -> dict[str, Any]:
    """Return what is left for the library."""
    return ({"progress": False} if asked.pop("quiet", False) else {}) | asked


def _refuse_missing(sql: str, params: dict[str, Any]) -> None:
    missing = [name for name in dict.fromkeys(placeholders(sql)) if name not in params]
    if missing:
        raise InvalidRequestError(
            f"no value for {', '.join(f'{{{{{name}}}}}' for name in missing)}",
            advice=f"give -p {missing[0]}=..., or --params to take variables of these names. "
            "Nothing was sent.",
        )


def _summary(name: str, frame: Any) -> str:
    """Say what a variable holds now, and what it took."""
    rows, columns = frame.shape
    text = f"{name}: {rows:,} rows, {columns:,} columns"
    origin = provenance(frame)
    if origin is None:
        return text
    size = f"{origin['bytes_exported'] / _MEGABYTE:,.2f} MB exported"
    place = "from cache" if origin["from_cache"] else size
    return f"{text}; {place}, execution {origin['execution_id']}"
