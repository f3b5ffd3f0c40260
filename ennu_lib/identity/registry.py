"""What is remembered about people from run to run: reviewers' decisions, and which row survived for whom.

It lies beside the runs, in workspace/people/<name of the run file>/, because it outlives each of them.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from ennu_lib.config import people_folder
from ennu_lib.identity.tables import append_decisions, read_decisions
from ennu_lib.workspace import make_private, replacing, storage


class Registry:
    """The memory of the runs of one run file."""

    def __init__(self, name: str, root: Path | None = None):
        self.folder = people_folder(name, root)

    @property
    def decisions_file(self) -> Path:
        return self.folder / "decisions.jsonl"

    def decisions(self) -> pl.DataFrame:
        """All review events, oldest first. Raises ConfigurationError for a line that is no event."""
        return read_decisions(self.decisions_file)

    def decide(self, events: pl.DataFrame) -> None:
        """Add review events; nothing is ever rewritten. Raises StorageFull."""
        with storage("the decisions of reviewers"):
            make_private(self.folder)
            append_decisions(self.decisions_file, events)

    def people(self) -> pl.DataFrame | None:
        """key, golden_id (the surviving row) of the last finished run; None before the first."""
        file = self.folder / "people.parquet"
        return pl.read_parquet(file) if file.is_file() else None

    def remember(self, crosswalk: pl.DataFrame) -> None:
        """Keep the crosswalk (patient_id, golden_id) for the next run."""
        with replacing(self.folder / "people.parquet") as temporary:
            crosswalk.select(key="patient_id", golden_id="golden_id").write_parquet(temporary)
