"""Completion: the options of the magic, and the words that they take."""

from __future__ import annotations

import re

from IPython.core.completer import (
    CompletionContext,
    SimpleCompletion,
    SimpleMatcherResult,
    context_matcher,
)

from dune_frames.magic.options import OPTIONS

#: A line that calls the magic, up to the word at the cursor.
_CALL = re.compile(r"(?:.*=)?\s*%%?dune\s(.*\s)?")


@context_matcher()  # type: ignore[untyped-decorator, unused-ignore]
def complete(context: CompletionContext) -> SimpleMatcherResult:
    """Return what may stand at the cursor: an option's words after it, else options."""
    token, until = context.token, context.text_until_cursor
    call = _CALL.fullmatch(until.removesuffix(token))
    found = (
        [each for each in _words((call[1] or "").split()) if each.startswith(token)] if call else []
    )
    completions = [SimpleCompletion(text=each, type="option") for each in found]
    return SimpleMatcherResult(completions=completions, suppress=bool(found), ordered=True)


def _words(before: list[str]) -> list[str]:
    last = next((each for each in OPTIONS if before and before[-1] in each.flags), None)
    if last is not None and last.takes_value:
        return list(last.choices)
    return [flag for option in OPTIONS for flag in option.flags if flag.startswith("--")]
