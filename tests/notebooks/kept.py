"""Notebooks with kept outputs: run afresh, and held against what their files keep."""

from __future__ import annotations

import base64
import io
import os
import re
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from nbclient import NotebookClient

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))

#: A cell with the tag ``within-2`` shows what was measured: its numbers may differ by that factor.
WITHIN = "within-"

#: What differs from run to run, and what stands for it: execution ids, moments, ports.
_VOLATILE = {
    r"\b01[0-9A-HJKMNP-TV-Z]{24}\b": "EXECUTION",
    r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\.\d{3,9}(\+00:00| UTC)?": "MOMENT",
    r"127\.0\.0\.1:\d+": "127.0.0.1:PORT",
}
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")

#: Two pictures are the same when these small grey copies of them differ by less on average, of 255.
_THUMBNAIL, _DIFFERENCE = (64, 48), 6.0


def run(path: Path, scratch: Path) -> Any:
    """Run a notebook from top to bottom in a fresh kernel, without an account or a filled cache.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        A cell failed.
    """
    notebook = nbformat.read(path, as_version=4)
    environment = {name: text for name, text in os.environ.items() if name[:9] != "DUNE_API_"}
    environment |= {"DUNE_FRAMES_CACHE_DIR": str(scratch / "cache"), "IPYTHONDIR": str(scratch)}
    place = {"metadata": {"path": str(scratch)}}
    client = NotebookClient(notebook, timeout=240, record_timing=False, resources=place)
    client.execute(env=environment)
    for cell in code_cells(notebook):
        cell.outputs = list(_joined(filter(_shows_something, cell.outputs)))
        for output in cell.outputs:
            _shrink(output.get("data", {}))
    return notebook


def refreshed(kept: Any, fresh: Any) -> Any:
    """Return a fresh notebook with the kept outputs wherever they say the same."""
    before = {cell.id: cell for cell in code_cells(kept)}
    for cell in code_cells(fresh):
        old = before.get(cell.id)
        if old is not None and not differences(old, cell):
            cell.outputs = old.outputs
    fresh.metadata = kept.metadata
    return fresh


def code_cells(notebook: Any) -> Iterator[Any]:
    """Return the cells that run."""
    return (cell for cell in notebook.cells if cell.cell_type == "code")


def differences(kept: Any, fresh: Any) -> list[str]:
    """Return how the outputs of a cell differ from those of a fresh run, if they do."""
    factor = _factor(kept)
    found = []
    for old, new in zip_longest(map(_parts, kept.outputs), map(_parts, fresh.outputs)):
        if old is None or new is None or old.keys() != new.keys():
            found.append(f"kept: {old}\nrun: {new}")
        else:
            found += [
                f"kept: {old[kind]}\nrun: {new[kind]}"
                for kind in old
                if not _same(kind, old[kind], new[kind], factor)
            ]
    return found


def _shows_something(output: Any) -> bool:
    """Tell whether an output is more than the empty place of a progress bar that is gone."""
    return output.output_type != "display_data" or any(output.data.values())


def _shrink(data: dict[str, str]) -> None:
    """Keep a picture with a palette: it looks the same at a tenth of the size."""
    if "image/png" in data:
        small = io.BytesIO()
        _picture(data["image/png"]).convert("RGB").quantize(256).save(small, "PNG", optimize=True)
        data["image/png"] = base64.b64encode(small.getvalue()).decode()


def _picture(png: str) -> Any:
    from PIL import Image

    return Image.open(io.BytesIO(base64.b64decode(png)))


def _joined(outputs: Iterable[Any]) -> Iterator[Any]:
    """Yield outputs, those of one stream as one: a kernel cuts them at chance."""
    last = None
    for output in outputs:
        if last is not None and output.output_type == "stream" and output.get("name") == last.name:
            last.text += output.text
            continue
        last = output if output.output_type == "stream" else None
        yield output


def _parts(output: Any) -> dict[str, str]:
    """Return what an output shows, by kind."""
    if output.output_type == "stream":
        return {output.name: output.text}
    return {kind: "".join(text) for kind, text in output.get("data", {}).items()}


def _factor(cell: Any) -> float:
    tags = [tag for tag in cell.metadata.get("tags", ()) if tag.startswith(WITHIN)]
    return max((float(tag.removeprefix(WITHIN)) for tag in tags), default=1.0)


def _same(kind: str, kept: str, fresh: str, factor: float) -> bool:
    if kind == "image/png":
        return _same_picture(kept, fresh)
    kept, fresh = _steady(kept), _steady(fresh)
    return kept == fresh if factor == 1 else _close(kept, fresh, factor)


def _steady(text: str) -> str:
    for volatile, name in _VOLATILE.items():
        text = re.sub(volatile, name, text)
    return text


def _close(kept: str, fresh: str, factor: float) -> bool:
    """Tell whether texts differ in numbers only, and in those by no more than the factor."""
    shapes = [" ".join(_NUMBER.sub("#", text).split()) for text in (kept, fresh)]
    numbers = zip(*map(_numbers, (kept, fresh)), strict=False)
    return shapes[0] == shapes[1] and all(min(pair) * factor >= max(pair) for pair in numbers)


def _numbers(text: str) -> list[float]:
    return [float(each.replace(",", "")) for each in _NUMBER.findall(text)]


def _same_picture(kept: str, fresh: str) -> bool:
    """Tell whether PNGs show the same, whichever version drew them."""
    from PIL import ImageChops, ImageStat

    small = [_picture(each).convert("L").resize(_THUMBNAIL) for each in (kept, fresh)]
    return ImageStat.Stat(ImageChops.difference(*small)).mean[0] < _DIFFERENCE
