"""DuneSQL: read, checked and typed as Dune does it, and written as DuckDB's SQL.

`translate` is the way in. Every expression gets its Dune type before it is written, so that the
result has Dune's types, operators follow Dune's rules for them, and what is not known to mean the
same in DuckDB fails instead of giving another answer.
"""

from dune_frames.local.sql.failures import SqlError
from dune_frames.local.sql.tables import Table, Tables
from dune_frames.local.sql.translation import Translation, translate

__all__ = ["SqlError", "Table", "Tables", "Translation", "translate"]
