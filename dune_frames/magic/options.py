"""The magic's options: those of every read, made from the one text that documents them."""

from __future__ import annotations

import re
from argparse import SUPPRESS
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar, get_args

from IPython.core.magic_arguments import argument

from dune_frames._frame.frames import FrameName
from dune_frames._read.options import OPTIONS_TEXT, RUN_OPTIONS_TEXT, Running
from dune_frames.cli.values import names_of, number_or_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_Function = TypeVar("_Function", bound="Callable[..., Any]")


@dataclass(frozen=True, slots=True)
class Option:
    """One option: its spellings, and what argparse is to make of it."""

    flags: tuple[str, ...]
    settings: dict[str, Any]

    @property
    def choices(self) -> tuple[str, ...]:
        """The words that it may take, where these are known."""
        return tuple(self.settings.get("choices", ()))

    @property
    def takes_value(self) -> bool:
        """Whether a word follows it."""
        return "action" not in self.settings or self.settings["action"] == "append"


#: How the documentation calls a type, and how argparse reads one.
_READERS: dict[str, dict[str, Any]] = {
    "str, optional": {"metavar": "TEXT"},
    "int, optional": {"type": int, "metavar": "N"},
    "float, optional": {"type": float, "metavar": "NUMBER"},
    "float, timedelta or str, optional": {"type": number_or_text, "metavar": "AGE"},
    "iterable of str, optional": {"type": lambda text: names_of([text]), "metavar": "NAME,NAME"},
}

_DEFAULTS = {each.name: each.default for each in fields(Running)}


def _documented() -> Iterator[Option]:
    """Yield an option for everything that the text documents and a line can say."""
    for entry in re.split(r"\n(?=\S)", f"{RUN_OPTIONS_TEXT}\n{OPTIONS_TEXT}"):
        head, _, text = entry.partition("\n")
        names, _, kind = head.partition(" : ")
        for name in names.split(", "):
            settings = _settings(name, kind)
            if settings is not None:
                negated = settings.get("action") == "store_false"
                flag = f"--{'no-' if negated else ''}{name.replace('_', '-')}"
                lead = "Switch this off: " if negated else ""
                yield Option((flag,), {"dest": name, "help": lead + _help(text), **settings})


def _settings(name: str, kind: str) -> dict[str, Any] | None:
    """Return what argparse is to make of a documented type; `None` where a line cannot say it."""
    if kind == "bool":
        return {"action": "store_false" if _DEFAULTS[name] is True else "store_true"}
    words = re.findall(r'"(\w+)"', kind) if kind.startswith("{") else []
    return {"choices": words} if words else _READERS.get(kind)


def _help(text: str) -> str:
    return " ".join(text.split()).replace("``", "").replace("%", "%%")


_OWN = (
    Option(
        ("-p", "--param"),
        {
            "action": "append",
            "dest": "pairs",
            "metavar": "NAME=TEXT",
            "help": "A parameter; may be repeated. NAME:=JSON gives a number, list, true or null.",
        },
    ),
    Option(
        ("--params",),
        {
            "action": "store_true",
            "dest": "from_variables",
            "help": "Take each {{name}} that -p does not give from the variable of that name; of a "
            "saved query, the parameters that it declares and that are variables.",
        },
    ),
    Option(
        ("--frame",),
        {"choices": list(get_args(FrameName)), "help": "What to return; pandas unless named."},
    ),
    Option(
        ("--local",),
        {
            "action": "store_true",
            "help": "Use an embedded Dune with sample tables: no account, no network. There is one "
            "for the kernel; dune_frames.magic.local_dune() gives it.",
        },
    ),
    Option(("-q", "--quiet"), {"action": "store_true", "help": "Show no progress and no summary."}),
)

#: All of them, in the order of the help.
OPTIONS: tuple[Option, ...] = (*_OWN, *_documented())


def takes_options(magic: _Function) -> _Function:
    """Let a magic take all of them; what is not given is not in what the parser returns."""
    for option in reversed(OPTIONS):
        magic = argument(*option.flags, default=SUPPRESS, **option.settings)(magic)
    return magic
