"""The picture of the figures, for the README."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.bench.report import Measured
    from tests.bench.rounds import Runs

_OURS, _OTHERS, _FLOOR = "#d95f30", "#7a8699", "#c9ced6"


def draw(measured: Measured, title: str, path: Path) -> None:
    """Draw the medians with and without a delay, and save them as a PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5.6), layout="constrained")
    above, below = figure.subplots(2, 1)
    figure.suptitle(title, fontsize=11)
    _bars(above, f"{measured.delay:g} s before each answer", measured.slow)
    _bars(below, "no delay", measured.fast)
    below.set_xlabel("seconds until all rows are there (median)")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)


def _bars(axes: Any, title: str, runs: Mapping[str, Runs]) -> None:
    names = list(runs)
    seconds = [runs[name].median for name in names]
    bars = axes.barh(names, seconds, color=[_colour(name) for name in names])
    axes.bar_label(bars, labels=[f"{each:.2f} s" for each in seconds], padding=4, fontsize=9)
    axes.set_title(title, loc="left", fontsize=10)
    axes.invert_yaxis()
    axes.margins(x=0.1)
    axes.tick_params(labelsize=9)
    axes.spines[["top", "right"]].set_visible(False)


def _colour(name: str) -> str:
    if name.startswith("dune_frames"):
        return _OURS
    return _FLOOR if name.startswith("bare") else _OTHERS
