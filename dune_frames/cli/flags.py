"""Flags: the options that several commands take, each written once, as small frozen values."""

# typer reads these annotations at run time, so they are no strings here.

from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from dune_frames._download.plan import Format
from dune_frames._read.options import Reading, ReadOptions, RunOptions
from dune_frames._types.table import Uint256, Varbinary
from dune_frames.cli.access import LocalFlags
from dune_frames.cli.parameters import read_parameters
from dune_frames.cli.values import names_of, number_or_text

_ROWS, _TYPES, _RUN = "Which rows", "Which types", "The run"

_DEFAULTS = {each.name: each.default for each in fields(Reading) if each.default is not MISSING}


def _choice(name: str, text: str) -> Any:
    """Return an option whose help shows the library's own default."""
    shown = str(_DEFAULTS[name])
    return typer.Option(help=text, show_default=shown, rich_help_panel=_TYPES)


@dataclass(frozen=True, kw_only=True)
class ReadingFlags:
    """What to take of a result. The names are those of the library's own read options."""

    columns: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAMES",
            help="Columns to export, in this order: name,name,... Quote a name that has a comma.",
            rich_help_panel=_ROWS,
        ),
    ] = None
    filters: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="Rows to export, in Dune's filter language: amount > 100 AND symbol = 'WETH'.",
            rich_help_panel=_ROWS,
        ),
    ] = None
    sort_by: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", help="Order, such as: amount desc, symbol.", rich_help_panel=_ROWS
        ),
    ] = None
    limit: Annotated[
        int | None, typer.Option(help="Rows to export at most.", rich_help_panel=_ROWS)
    ] = None
    offset: Annotated[
        int | None, typer.Option(help="Rows of the result to skip first.", rich_help_panel=_ROWS)
    ] = None
    sample_count: Annotated[
        int | None,
        typer.Option(
            help="About how many rows to draw at random; not with --limit, --offset, --filters.",
            rich_help_panel=_ROWS,
        ),
    ] = None
    uint256: Annotated[
        Uint256 | None, _choice("uint256", "What uint256 and int256 become; exact is text.")
    ] = None
    varbinary: Annotated[Varbinary | None, _choice("varbinary", "Text 0x... or bytes.")] = None
    format: Annotated[
        Format | None,
        _choice("format", "What travels from Dune. The output's format is that of -o or --to."),
    ] = None
    cache: Annotated[
        bool | None,
        typer.Option(
            "--cache/--no-cache",
            help="Keep the rows on this machine, and take from there what was read before.",
            show_default=str(_DEFAULTS["cache"]),
            rich_help_panel=_RUN,
        ),
    ] = None
    offline: Annotated[
        bool,
        typer.Option(
            "--offline",
            help="Send nothing: answer from what was read before.",
            rich_help_panel=_RUN,
        ),
    ] = False
    max_export_mb: Annotated[
        float | None,
        typer.Option(
            metavar="MB",
            help="Refuse an export that is estimated to be larger.",
            rich_help_panel=_RUN,
        ),
    ] = None
    timeout: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            help="How long all of it may take; then the run is cancelled.",
            rich_help_panel=_RUN,
        ),
    ] = None
    allow_partial: Annotated[
        bool,
        typer.Option(
            "--allow-partial",
            help="Take what Dune kept of a result that was too large.",
            rich_help_panel=_RUN,
        ),
    ] = False

    @property
    def options(self) -> ReadOptions:
        """The options that were given; the library's defaults stand for the rest."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        values["columns"] = names_of(self.columns) if self.columns else None
        given = {name: value for name, value in values.items() if value is not None}
        return cast("ReadOptions", given)


@dataclass(frozen=True, kw_only=True)
class ParameterFlags:
    """The parameters of a query."""

    param: Annotated[
        list[str] | None,
        typer.Option(
            "--param",
            "-p",
            metavar="NAME=TEXT",
            help="A parameter; may be repeated. NAME:=JSON gives a number, list, true or null.",
        ),
    ] = None
    params_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Parameters from a JSON or .toml file; -p goes before it."
        ),
    ] = None

    @property
    def values(self) -> dict[str, Any]:
        """The parameters by name."""
        return read_parameters(self.param or [], self.params_file)


@dataclass(frozen=True, kw_only=True)
class RunFlags:
    """When a run is needed, and how."""

    max_age: Annotated[
        str | None,
        typer.Option(
            metavar="AGE",
            help="Greatest age of a stored result to take: seconds, 30m, 1h, 2d; 0 always runs.",
            rich_help_panel=_RUN,
        ),
    ] = None
    performance: Annotated[
        str | None,
        typer.Option(
            metavar="TIER",
            help="Dune's tier for the run; sent only when named.",
            rich_help_panel=_RUN,
        ),
    ] = None

    def options(self, reading: ReadingFlags, local: LocalFlags) -> RunOptions:
        """Return what the library takes: all that was given, for the run and for reading it."""
        age = None if self.max_age is None else number_or_text(self.max_age)
        options = RunOptions(**reading.options, max_age=age, performance=self.performance)
        if local.local:
            # An embedded Dune that ends with this command leaves nothing to remember.
            options["cache"] = False
        return options
