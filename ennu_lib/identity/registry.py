"""What is remembered about people from run to run: reviewers' decisions, and which row survived for whom.

It lies beside the runs, in workspace/people/<name of the run file>/, because it outlives each of them. Decisions name
rows, so they are worth something for one database only: marks of some of its patients tell whether it still is that.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import polars as pl

from ennu_lib.config import people_folder
from ennu_lib.errors import ConfigurationError
from ennu_lib.identity.tables import append_decisions, read_decisions
from ennu_lib.keys import Keys
from ennu_lib.workspace import make_private, replacing, storage

MARKED = 2000  # patients
SAME_PEOPLE = 0.5  # of the marked patients; a clinic that corrects names and birth dates stays far above
WHO_IS_WHO = ("date_of_birth", "last_name", "first_name")


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

    def recognize(self, marks: pl.DataFrame) -> None:
        """Check that the database is the one whose people are remembered; see `marks_of`.

        Raises ConfigurationError when it is not: its rows would be joined and kept apart by decisions about strangers.
        """
        file = self.folder / "marks.parquet"
        if not file.is_file() or marks.is_empty():
            return
        before = pl.read_parquet(file)
        same = before.join(marks, on=["key", "mark"], how="semi").height
        if same < SAME_PEOPLE * before.height:
            raise ConfigurationError(
                str(self.folder),
                [
                    f"it remembers the people of another database, or was written with another key: only {same:,} of "
                    f"{before.height:,} patients are the same; give the run file another name, or move the folder away"
                ],
            )

    def mark(self, marks: pl.DataFrame) -> None:
        """Keep by which patients the database is known again."""
        if len(marks):
            with replacing(self.folder / "marks.parquet") as temporary:
                marks.write_parquet(temporary)

    def set_aside(self, now: datetime) -> Path | None:
        """Move all that is remembered out of the way, because the database is another one now; return where it is."""
        if not self.folder.is_dir():
            return None
        aside = self.folder.with_name(f"{self.folder.name}.before-{now:%Y%m%d-%H%M%S}")
        with storage("the people of the database before"):
            self.folder.rename(aside)
        return aside


def marks_of(patients: pl.LazyFrame, keys: Keys, key: str = "patient_id") -> pl.DataFrame:
    """key, mark: by which the first patients of a database are known again. A keyed pseudonym of who they are."""
    known = [c for c in WHO_IS_WHO if c in patients.collect_schema().names()]
    who = pl.concat_str([pl.col(c).cast(pl.String).fill_null("") for c in known], separator="|") if known else None
    if who is None:
        return pl.DataFrame(schema={"key": pl.String, "mark": pl.String})
    first = patients.select(key=pl.col(key).cast(pl.String), mark=who).sort("key").head(MARKED).collect()
    return first.with_columns(
        mark=pl.Series(keys.external_ids("known again", first["mark"].to_list()), dtype=pl.String)
    )
