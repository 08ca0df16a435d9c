"""Config: where one installation keeps its records and which checkpoint it parses with."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

HOME = "SIGNALEMENT_HOME"
DATABASE = "SIGNALEMENT_DATABASE"
CHECKPOINT = "SIGNALEMENT_CHECKPOINT"
DEFAULT_HOME = Path("data")


class UserError(Exception):
    """Something a user can mend; the message is one sentence: what was expected, what came, what to do."""


@dataclass(frozen=True)
class AppConfig:
    """What every command and screen works with.

    Args:
        home: folder of the SQLite file, vectors, thumbnails and logs.
        database: SQLAlchemy URL that puts the records elsewhere.
        checkpoint: weights of the parser; None is the one that ships with the program.
    """

    home: Path = DEFAULT_HOME
    database: str | None = None
    checkpoint: Path | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """The config that SIGNALEMENT_HOME, SIGNALEMENT_DATABASE and SIGNALEMENT_CHECKPOINT ask for."""
        checkpoint = environment.get(CHECKPOINT)
        return cls(
            home=Path(environment.get(HOME) or DEFAULT_HOME),
            database=environment.get(DATABASE) or None,
            checkpoint=Path(checkpoint) if checkpoint else None,
        )

    def environment(self) -> dict[str, str]:
        """The variables from which another process reads the same config."""
        values = {HOME: self.home, DATABASE: self.database, CHECKPOINT: self.checkpoint}
        return {name: str(value) for name, value in values.items() if value is not None}
