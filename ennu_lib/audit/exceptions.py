"""Tables that could not be read: each stands on the page with its reason, and stops the run until it is accepted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

import polars as pl
from pydantic import Field, field_validator

from ennu_lib.config import Strict, load_model, params_dir
from ennu_lib.evidence import Finding, Severity, Status, check
from ennu_lib.source import MEANING, Extracted, Unread

FILE = Path("audit") / "exceptions.yml"
SCHEMA = {
    "table": pl.String,
    "rows": pl.Int64,
    "reason": pl.String,
    "meaning": pl.String,
    "accepted_by": pl.String,
    "accepted_on": pl.Date,
    "why": pl.String,
}


class AcceptedException(Strict):
    """Somebody's decision that a run may go on without one table, for one reason."""

    table: str = Field(min_length=1)
    reason: Unread
    who: str = Field(min_length=2)
    when: dt.date
    why: str = Field(min_length=10)


class AcceptedExceptions(Strict):
    """`params/audit/exceptions.yml`."""

    accepted: tuple[AcceptedException, ...] = ()

    @field_validator("accepted")
    @classmethod
    def _once(cls, accepted: tuple[AcceptedException, ...]) -> tuple[AcceptedException, ...]:
        tables = [each.table for each in accepted]
        if len(set(tables)) < len(tables):
            raise ValueError("a table stands twice")
        return accepted


def accepted_exceptions(folder: Path | None = None) -> AcceptedExceptions:
    """The exceptions that the data team has accepted. Raises ConfigurationError with every mistake and its line."""
    return load_model((folder or params_dir()) / FILE, AcceptedExceptions)


def unread_tables(extracted: Mapping[str, Extracted], accepted: AcceptedExceptions) -> pl.DataFrame:
    """One row per table that could not be read, with who accepted that, when and why; see `SCHEMA`."""
    decided = {(each.table, each.reason): each for each in accepted.accepted}
    rows = []
    for name, found in sorted(extracted.items()):
        if found.unread:
            decision = decided.get((name, Unread(found.unread)))
            rows.append(
                {
                    "table": name,
                    "rows": found.rows,
                    "reason": found.unread,
                    "meaning": MEANING[Unread(found.unread)],
                    "accepted_by": decision.who if decision else "nobody yet",
                    "accepted_on": decision.when if decision else None,
                    "why": decision.why if decision else "",
                }
            )
    return pl.DataFrame(rows, schema=SCHEMA)


def extraction_findings(
    extracted: Mapping[str, Extracted], unread: pl.DataFrame, accepted: AcceptedExceptions
) -> list[Finding]:
    """Whether all tables are there, from one moment, and whether what was accepted is still the case."""
    moments = sorted({t.snapshot for t in extracted.values()})
    stale = sorted({each.table for each in accepted.accepted} - set(unread["table"]))
    return [
        _readable(unread, len(extracted)),
        check(
            "EXT-02",
            "All tables are from one snapshot",
            len(moments) - 1,
            len(extracted),
            severity=Severity.WARN,
            note=f"{len(moments)} snapshots, from {moments[0]} to {moments[-1]}: rows of different tables may not fit"
            if len(moments) > 1
            else "",
        ),
        check(
            "EXT-03",
            "Every accepted exception is still one",
            len(stale),
            len(accepted.accepted),
            severity=Severity.WARN,
            note=", ".join(stale),
        ),
    ]


def _readable(unread: pl.DataFrame, tables: int) -> Finding:
    """An exception that somebody accepted by name is no failure, and no pass either."""
    open_ones = unread.filter(pl.col("accepted_on").is_null())
    found = check(
        "EXT-01",
        "Every table could be read, or somebody accepted by name that it could not",
        open_ones.height,
        tables,
        note=", ".join(f"{table} ({reason})" for table, reason in unread.select("table", "reason").iter_rows()),
    )
    if unread.height and not open_ones.height:
        return found.model_copy(update={"status": Status.PASS_WITH_EXCEPTIONS})
    return found
