"""The page docs/dunesql.md: it claims nothing that no query proves, and leaves no function out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import test_dunesql
import test_functions
import test_people_write

from dune_frames.local.sql.functions import AGGREGATES, SCALARS, WINDOWS
from dune_frames.local.sql.moments import PARTS

_PAGE = Path(__file__).parents[2] / "docs" / "dunesql.md"
_COVERED, _MISSING = _PAGE.read_text("utf-8").split("## Not covered")
#: Names of one function: Dune's older one, and the parts of a moment, of which some are shown.
_SHOWN_BY_OTHERS = set(PARTS)


def _proofs() -> str:
    texts = [expression for expression, _, _ in test_dunesql.EXPRESSIONS]
    texts += [sql for sql, _ in test_dunesql.QUERIES]
    texts += [expression for expression, _, _ in test_functions.FUNCTIONS]
    texts += [
        f"SELECT {selected} FROM {source}" for selected, source, _, _ in test_functions.AGGREGATES
    ]
    texts += [sql for sql, _, _ in test_people_write.PEOPLE]
    texts += [name for _, name, _ in test_people_write.VIEWS]
    texts += [written for written, _, _, _ in test_people_write.PARAMETERS]
    # What the tests of windows and of ASOF joins run.
    texts.append(
        Path(test_functions.__file__).read_text("utf-8").split("def test_window_functions")[1]
    )
    return re.sub(r"\s+", " ", "\n".join(texts)).lower()


PROOFS = _proofs()
CLAIMS = sorted(
    {
        claim
        for row in re.findall(r"^\| [^|]+ \| (.*) \|$", _COVERED, re.MULTILINE)
        for claim in re.findall(r"`([^`]+)`", row)
    }
)


def test_every_claim_has_a_query_that_proves_it():
    """Each name in the table of what is covered stands in a query whose rows and types are tested."""
    assert len(CLAIMS) > 300

    def proved(claim: str) -> bool:
        names = {claim.lower(), claim.lower().replace("varbinary_", "bytearray_")}
        return any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", PROOFS) for name in names)

    assert [claim for claim in CLAIMS if not proved(claim)] == []


def test_no_function_is_left_out():
    """Every function that a query can call is named on the page."""
    known = {
        name
        for functions in (SCALARS, AGGREGATES, WINDOWS)
        for name in functions.names
        if not name.startswith("bytearray_")
    }
    assert known - set(CLAIMS) - _SHOWN_BY_OTHERS == set()


EXAMPLES = re.findall(r"^\| [^|]+ \| `([^`]+)` \|$", _MISSING, re.MULTILINE)


@pytest.mark.parametrize("sql", EXAMPLES)
def test_what_is_not_covered_fails_with_its_place(ask, sql):
    """Each example of the page fails as on Dune, with line and column."""
    answer = ask.run(sql)
    assert answer["state"] == "QUERY_STATE_FAILED"
    assert answer["error"]["type"] == "FAILED_TYPE_EXECUTION_FAILED"
    assert answer["error"]["metadata"]["line"] == 1
    assert answer["error"]["metadata"]["column"] >= 1
