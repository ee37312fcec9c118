"""The embedded Dune: a real HTTP server on loopback that answers as Dune's API does."""

from dune_frames.local.executions import ExecutionError
from dune_frames.local.faults import Alter, Drip, Fault, Garbage, Hang, Reset, Status, Truncate
from dune_frames.local.folders import FolderError
from dune_frames.local.local_dune import LocalDune
from dune_frames.local.queries import QueryParameter
from dune_frames.local.recorder import RecordingDune
from dune_frames.local.replayer import ReplayingDune
from dune_frames.local.requests_log import RequestRecord
from dune_frames.local.settings import Quirks, Settings

__all__ = [
    "Alter",
    "Drip",
    "ExecutionError",
    "Fault",
    "FolderError",
    "Garbage",
    "Hang",
    "LocalDune",
    "QueryParameter",
    "Quirks",
    "RecordingDune",
    "ReplayingDune",
    "RequestRecord",
    "Reset",
    "Settings",
    "Status",
    "Truncate",
]
