"""What a read starts from: a saved query, SQL, or an execution that is there already."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from dune_frames._ask.query import execution_id_of
from dune_frames._wire import endpoints

if TYPE_CHECKING:
    from dune_frames._ask.params import Parameters


@dataclass(frozen=True, slots=True)
class Saved:
    """A saved query with its parameters, and how to run it."""

    query_id: int
    parameters: Parameters
    performance: str | None = None

    @property
    def question(self) -> str:
        """What is asked, whoever asks: earlier runs of it are found under this."""
        return f"query {self.query_id} {sorted(self.parameters.items())}"

    def request(self) -> endpoints.Request:
        """Return the request that runs it."""
        return endpoints.execute_query(self.query_id, self.parameters, self.performance)


@dataclass(frozen=True, slots=True)
class Sql:
    """SQL with its parameters already in it, and how to run it."""

    text: str
    performance: str | None = None
    parameters: Parameters = field(default_factory=dict)

    @property
    def question(self) -> str:
        """What is asked, whoever asks: earlier runs of it are found under this."""
        return f"sql {self.text}"

    def request(self) -> endpoints.Request:
        """Return the request that runs it."""
        return endpoints.execute_sql(self.text, self.performance)


@dataclass(frozen=True, slots=True)
class Existing:
    """An execution that is there already, whoever started it."""

    execution_id: str
    parameters: Parameters = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "execution_id", execution_id_of(self.execution_id))

    @property
    def question(self) -> str:
        """What is asked, whoever asks."""
        return f"execution {self.execution_id}"


Source: TypeAlias = Saved | Sql | Existing
