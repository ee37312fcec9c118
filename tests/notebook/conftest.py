"""A real kernel, and the Dune that it talks to."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import start_new_kernel

import dune_frames
from dune_frames.local import LocalDune

SOURCE = Path(dune_frames.__file__).parents[1]


@dataclass
class Ran:
    """What a cell did.

    Attributes
    ----------
    status : str
        ``"ok"`` or ``"error"``.
    outputs : list of (str, dict)
        Kind and content of each of its outputs, in order.
    """

    status: str
    outputs: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def texts(self, kind: str) -> list[str]:
        """Return the plain texts of the outputs of a kind."""
        return [said["data"]["text/plain"] for of, said in self.outputs if of == kind]

    @property
    def error(self) -> str:
        """What is shown of the cell's error."""
        ((_, said),) = [each for each in self.outputs if each[0] == "error"]
        return "\n".join(said["traceback"])

    @property
    def stderr(self) -> str:
        """What the cell wrote to stderr."""
        written = [said for kind, said in self.outputs if kind == "stream"]
        return "".join(said["text"] for said in written if said["name"] == "stderr")


class Kernel:
    """A kernel of IPython in a process of its own."""

    def __init__(self, manager: Any, client: Any) -> None:
        self._manager = manager
        self.client = client

    def run(self, code: str) -> Ran:
        """Run a cell to its end."""
        outputs: list[tuple[str, dict[str, Any]]] = []

        def take(message: dict[str, Any]) -> None:
            if message["msg_type"] not in ("status", "execute_input"):
                outputs.append((message["msg_type"], message["content"]))

        reply = self.client.execute_interactive(code, output_hook=take, timeout=60)
        return Ran(reply["content"]["status"], outputs)

    def interrupted(self, code: str, seen: threading.Event) -> Ran:
        """Run a cell, and interrupt the kernel when something is seen."""

        def press() -> None:
            if seen.wait(30):
                self._manager.interrupt_kernel()

        finger = threading.Thread(target=press)
        finger.start()
        try:
            return self.run(code)
        finally:
            finger.join()


@pytest.fixture(scope="session")
def dune():
    """The Dune that the environment of the kernel describes."""
    with LocalDune() as server:
        server.save_query(3493826, "SELECT '{{chain}}' AS chain, 1 AS one", {"chain": "ethereum"})
        yield server


@pytest.fixture(scope="session")
def slow_dune():
    """A Dune whose runs take a while."""
    with LocalDune(queue_seconds=1.5, execution_seconds=600) as server:
        yield server


@pytest.fixture(scope="session")
def kernel(dune, tmp_path_factory):
    """A kernel with the extension loaded."""
    folder = tmp_path_factory.mktemp("kernel")
    environment = os.environ | {
        "PYTHONPATH": str(SOURCE),
        "IPYTHONDIR": str(folder),
        "DUNE_API_BASE_URL": dune.url,
        "DUNE_API_KEY": "local",
    }
    manager, client = start_new_kernel(kernel_name="python3", env=environment, cwd=str(folder))
    try:
        kernel = Kernel(manager, client)
        assert kernel.run("%load_ext dune_frames").outputs == []
        yield kernel
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
