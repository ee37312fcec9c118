"""The guard: files and addresses that nothing may reach, and what Python itself opens."""

from __future__ import annotations

import socket
import sys
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = "a-word-that-stands-only-in-the-watched-file-7d1f"


class Guard:
    """A watched folder and a watched port.

    Attributes
    ----------
    places : dict of str to str
        Their names, for SQL that tries to reach them.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "secret.csv"
        self._file.write_text(f"a,b\n1,{TOKEN}\n", "utf-8")
        self._seen: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._listen, daemon=True, name="fuzz-guard").start()
        address = f"http://127.0.0.1:{self._listener.getsockname()[1]}/secret.parquet"
        self.places = {"file": str(self._file), "folder": str(folder), "url": address}
        self._is_watching = True
        sys.addaudithook(self._heard)

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.close()
            self._seen.append("the watched port was reached")

    def _heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._is_watching:
            return
        if event == "open" and str(self._folder) in str(arguments[0]):
            self._seen.append(f"Python opened {arguments[0]}")
        if event in ("subprocess.Popen", "os.system", "os.exec", "os.fork", "ctypes.dlopen"):
            self._seen.append(f"{event} {arguments}")

    def problems(self) -> list[str]:
        """Return what was reached since the last time."""
        found, self._seen = self._seen, []
        names = sorted(path.name for path in self._folder.iterdir())
        if names != [self._file.name]:
            found.append(f"the watched folder has {names}")
        return found

    def close(self) -> None:
        """Stop watching; Python keeps the hook."""
        self._is_watching = False
        self._listener.close()
