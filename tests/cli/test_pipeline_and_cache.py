"""pipeline and cache: what they show, in both forms, and how they end."""

from __future__ import annotations

import json


def test_pipeline_shows_each_node_in_order(shell, dune):
    """The nodes come in the order of their dependencies, with states and execution ids."""
    dune.save_query(61, "SELECT {{n}} AS n", {"n": 20})
    dune.save_query(62, "SELECT n + {{m}} AS n FROM query_61", {"m": 1})
    ended = shell("pipeline", "62", "-p", "m:=3")
    assert ended.status == 0, ended.err
    lines = [line.split() for line in ended.out.splitlines()]
    assert lines[1] == ["state", "completed"]
    assert [line[:5] for line in lines[2:]] == [
        ["node", "1", "query", "61", "QUERY_STATE_COMPLETED"],
        ["node", "2", "query", "62", "QUERY_STATE_COMPLETED"],
    ]
    read = shell("execution", lines[3][5], "--to", "csv", "--quiet")
    assert read.out == "n\n23\n"
    assert all(line.startswith("dune-frames: ") for line in ended.err.splitlines())


def test_pipeline_as_json(shell, dune):
    """--json prints one object with the nodes."""
    dune.save_query(63, "SELECT 1 AS one")
    told = json.loads(shell("pipeline", "63", "--json").out)
    assert (told["state"], told["error"]) == ("completed", None)
    assert [node["query_id"] for node in told["nodes"]] == [63]


def test_a_failed_pipeline_ends_with_its_status_and_names_the_node(shell, dune):
    """What became of each node is shown, and the exit status is that of a failed run."""
    dune.save_query(64, "SELECT nothing FROM nowhere")
    dune.save_query(65, "SELECT 1 AS one FROM query_64")
    ended = shell("pipeline", "65")
    assert ended.status == 5
    assert "nowhere" in ended.err
    assert [line.split()[4:5] for line in ended.out.splitlines()[2:]] == [
        ["QUERY_STATE_FAILED"],
        ["QUERY_STATE_PENDING"],
    ]


def test_cache_shows_what_it_holds_and_clears_it(shell, dune):
    """Folder and size on stdout; --clear empties it."""
    dune.save_query(66, "SELECT n FROM UNNEST(sequence(1, 10000)) AS t(n)")
    assert shell("query", "66", "--to", "csv").status == 0
    told = shell("cache")
    assert (told.status, told.err) == (0, "")
    facts = dict(line.split(maxsplit=1) for line in told.out.splitlines())
    assert facts["folder"] == shell.environment["DUNE_FRAMES_CACHE_DIR"]
    assert float(facts["megabytes"]) > 0
    cleared = shell("cache", "--clear").out.splitlines()
    assert cleared[1].split() == ["megabytes", "0.000"]
