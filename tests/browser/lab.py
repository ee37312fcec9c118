"""A real JupyterLab on loopback, with folders of its own, and the Chromium that looks at it."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_START_SECONDS = 90

#: The window, in CSS pixels.
WIDTH, HEIGHT = 1080, 1100

#: Alone and offline: Chromium would otherwise look for updates and at addresses of its maker.
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    f"--window-size={WIDTH},{HEIGHT}",
)


def chromium() -> tuple[str, str] | None:
    """Return where Chromium and its driver are, if they are."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    browser = next(filter(None, map(shutil.which, names)), None)
    driver = shutil.which("chromedriver")
    return (browser, driver) if browser and driver else None


@contextmanager
def browser(scratch: Path) -> Iterator[Any]:
    """Give a headless Chromium with a profile of its own."""
    from selenium import webdriver

    found = chromium()
    if found is None:
        raise FileNotFoundError("chromium, chromedriver")
    options = webdriver.ChromeOptions()
    options.binary_location, driver = found
    for flag in (*_FLAGS, f"--user-data-dir={scratch / 'profile'}"):
        options.add_argument(flag)
    chrome = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        yield chrome
    finally:
        chrome.quit()


@contextmanager
def jupyterlab(folder: Path, scratch: Path) -> Iterator[str]:
    """Serve a folder in JupyterLab; give an address that needs the key in it, with ``{path}`` free."""
    _be_quiet(scratch / "config")
    token = secrets.token_hex(16)
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
        *("--ip=127.0.0.1", "--port=0", f"--ServerApp.root_dir={folder}"),
        f"--IdentityProvider.token={token}",
    ]
    with (scratch / "lab.log").open("wb") as log:
        lab = subprocess.Popen(
            command, env=_environment(scratch), cwd=folder, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        yield f"{_address(lab, scratch)}doc/tree/{{path}}?token={token}"
    finally:
        lab.terminate()
        try:
            lab.wait(20)
        except subprocess.TimeoutExpired:
            lab.kill()
            lab.wait()


def _environment(scratch: Path) -> dict[str, str]:
    """Return an environment in which nothing of this user's is read or written."""
    own = {
        name: str(scratch / folder)
        for name, folder in {
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
            "IPYTHONDIR": "ipython",
            "DUNE_FRAMES_CACHE_DIR": "cache",
        }.items()
    }
    return {k: v for k, v in os.environ.items() if not k.startswith("DUNE_API_")} | own


def _be_quiet(config: Path) -> None:
    """Let JupyterLab ask nobody for news, and nobody whether it may."""
    folder = config / "labconfig"
    folder.mkdir(parents=True)
    news = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
    (folder / "page_config.json").write_text(json.dumps(news), encoding="utf-8")


def _address(lab: subprocess.Popen[bytes], scratch: Path) -> str:
    """Wait until the server has said where it listens, and return its address."""
    told = scratch / "runtime" / f"jpserver-{lab.pid}.json"
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and lab.poll() is None:
        try:
            return str(json.loads(told.read_text(encoding="utf-8"))["url"])
        except (FileNotFoundError, json.JSONDecodeError):
            time.sleep(0.1)
    raise RuntimeError((scratch / "lab.log").read_text(encoding="utf-8", errors="replace"))
