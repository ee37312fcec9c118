"""The command: ``python -m tests.fuzz --seconds 300``."""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "local"))

from .seeds import seeds
from .session import Session


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=None, help="of the chance; the clock's, else")
    parser.add_argument("--gaps", action="store_true", help="show queries that DuckDB did not take")
    options = parser.parse_args()
    for name in ("dune_frames.local", "sqlglot"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    seed = int(time.time()) if options.seed is None else options.seed
    with tempfile.TemporaryDirectory() as folder:
        session = Session(Path(folder), seeds(), seed)
        session.run(options.seconds)
    print(f"seed {seed}:", ", ".join(f"{name} {n}" for name, n in sorted(session.counts.items())))
    for problem in session.problems[:50]:
        print(f"PROBLEM {problem.what}\n    {problem.cause!r}")
    print(f"{len(session.problems)} problems, {len(session.gaps)} queries that DuckDB did not take")
    for gap in session.gaps[:40] if options.gaps else ():
        print(f"GAP {gap.what}\n    {gap.cause!r}")
    return 1 if session.problems else 0


if __name__ == "__main__":
    sys.exit(main())
