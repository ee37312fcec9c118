"""The tree of exceptions: drawn as it is, each with what to do, each fit to travel."""

from __future__ import annotations

import copy
import inspect
import pickle
import re

import pytest

import dune_frames
from dune_frames import errors

CLASSES = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, errors.DuneError)
]
#: Never raised itself.
ROOTS = {errors.DuneError}


def drawn():
    """Read the drawing in the module's docstring: name, parent, second base."""
    parents, found = {}, {}
    for line in errors.__doc__.splitlines():
        match = re.match(r"    ([│├└─ ]*)(\w+Error)(?: \[(\w+)\])?", line)
        if match:
            depth = len(match[1]) // 4
            parents[depth] = match[2]
            found[match[2]] = (parents.get(depth - 1), match[3])
    return found


def test_the_tree_is_drawn_as_it_is():
    """Every exception stands in the drawing, under its parent, with the built-in it is too."""
    built_ins = {
        kind.__name__: next(
            (base.__name__ for base in kind.__bases__ if base.__module__ == "builtins"), None
        )
        for kind in CLASSES
    }
    parents = {
        kind.__name__: kind.__bases__[0].__name__ if kind not in ROOTS else None for kind in CLASSES
    }
    tree = drawn()
    assert set(tree) == {kind.__name__ for kind in CLASSES}
    assert {name: parent for name, (parent, _) in tree.items()} == parents
    assert {name: built_in for name, (_, built_in) in tree.items() if name != "DuneError"} == {
        name: built_in for name, built_in in built_ins.items() if name != "DuneError"
    }


@pytest.mark.parametrize("kind", CLASSES)
def test_every_exception_is_documented_and_says_what_to_do(kind):
    """Whoever meets one learns what it is and what comes next; the root is never raised itself."""
    assert kind.__doc__
    if kind not in ROOTS:
        assert str(kind("it went wrong")).splitlines()[-1].startswith("What to do: ")


def told(kind):
    """Return an error with everything that it can carry."""
    return kind(
        "it went wrong",
        execution_id="01ABC",
        query_id=7,
        server_text="no",
        advice="do something.",
    )


@pytest.mark.parametrize("kind", CLASSES)
def test_the_message_tells_everything_in_order(kind):
    """What happened, where, what Dune said, what to do: a line each."""
    assert str(told(kind)).splitlines() == [
        "it went wrong",
        "Execution: 01ABC",
        "Query: 7 (https://dune.com/queries/7)",
        "Dune says: no",
        "What to do: do something.",
    ]


def pickled(error):
    """Return what another process would get."""
    return pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("travel", [pickled, copy.copy])
def test_an_exception_travels_whole(kind, travel):
    """Across processes and copies, type, message, attributes and notes stay."""
    error = told(kind)
    error.add_note("a note")
    error.extra = 3
    other = travel(error)
    assert type(other) is kind
    assert str(other) == str(error)
    assert vars(other) == vars(error)
    assert other.__notes__ == ["a note"]
    assert other.args == ("it went wrong",)
    assert repr(other) == repr(error)


@pytest.mark.parametrize("kind", CLASSES)
def test_an_exception_is_caught_by_its_built_in(kind):
    """Code that knows nothing of this library catches what it expects."""
    for base in kind.__mro__[1:-1]:
        with pytest.raises(base):
            raise told(kind)


def test_dune_says_nothing_twice():
    """Dune's words in the message are not repeated below it."""
    error = errors.BadRequestError("Dune answered 400: no such thing", server_text="no such thing")
    assert str(error).count("no such thing") == 1


def test_the_root_is_exported():
    """`except dune_frames.DuneError` catches all of them."""
    assert dune_frames.DuneError is errors.DuneError
    assert all(issubclass(kind, dune_frames.DuneError) for kind in CLASSES)
