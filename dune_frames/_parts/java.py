"""Java: looked for before Spark is started, because Spark's own words for its absence are many."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from dune_frames.errors import ConfigurationError

#: The oldest Java that Spark 4 runs on.
OLDEST = 17


def refuse_without_java(*, started: bool) -> None:
    """Raise where Spark would be started in this process, and there is no Java that it runs on.

    Parameters
    ----------
    started : bool
        Whether this process has started it already.

    Raises
    ------
    ConfigurationError
        There is no Java, or it is too old.
    """
    # Whoever Spark itself has started needs no Java of its own, nor does a client of Spark Connect.
    of_spark = any(name.startswith("PYTHON_WORKER_FACTORY_") for name in os.environ)
    if started or of_spark or {"PYSPARK_GATEWAY_PORT", "SPARK_REMOTE"} & set(os.environ):
        return
    flaw = _flaw(os.environ.get("JAVA_HOME"))
    if flaw is not None:
        raise ConfigurationError(
            f"Spark needs Java {OLDEST} or later: {flaw}",
            advice="install a Java runtime, such as Debian's openjdk-17-jre-headless, or let "
            "JAVA_HOME name one.",
        )


def _flaw(home: str | None) -> str | None:
    """Return what is wrong with the Java that Spark would take; it looks in the same places."""
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if java is None:
        return "no java on the PATH and JAVA_HOME is not set"
    if not Path(java).is_file():
        return f"JAVA_HOME is {home}, and there is no {java}"
    version = _version_of(Path(java))
    return f"{java} is Java {version}" if version is not None and version < OLDEST else None


def _version_of(java: Path) -> int | None:
    """Return the major version of a Java, as the file beside it tells; `None` without one."""
    try:
        told = (java.resolve().parents[1] / "release").read_text(encoding="utf-8")
    except OSError:
        return None
    version = re.search(r'JAVA_VERSION="(?:1\.)?(\d+)', told)
    return int(version[1]) if version else None
