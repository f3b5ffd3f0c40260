"""What reviewers decided: events with who, when and why, which outrank the model on every later run."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from ennu_lib.errors import ConfigurationError

MUST_LINK, CANNOT_LINK, WITHDRAWN = "must_link", "cannot_link", "withdrawn"
SCHEMA = {c: pl.String for c in ("left", "right", "decision", "who", "when", "why")}


@dataclass(frozen=True)
class Replayed:
    """The decisions in force, as pairs of positions (lower first), and how many events name a row that is gone."""

    must: np.ndarray
    cannot: np.ndarray
    stale: int

    def packed(self) -> dict[str, np.ndarray]:
        """Both as one integer per pair."""
        return {k: p[:, 0].astype(np.uint64) << np.uint64(32) | p[:, 1].astype(np.uint64)
                for k, p in (("must", self.must), ("cannot", self.cannot))}  # fmt: skip


def replay(events: pl.DataFrame | None, keys: pl.Series) -> Replayed:
    """Apply the events in order of time; the latest about a pair is in force. Keys are compared as text.

    Raises ConfigurationError for a missing column, an unknown decision, or an event without who, when or why.
    """
    if events is None or not len(events):
        return Replayed(np.empty((0, 2), np.int64), np.empty((0, 2), np.int64), 0)
    _check(events)
    events = events.select(pl.col(list(SCHEMA)).cast(pl.String))
    place = pl.DataFrame({"key": keys.cast(pl.String), "place": np.arange(len(keys))})
    for side in ("left", "right"):
        events = events.join(
            place.rename({"key": side, "place": f"{side}_place"}), on=side, how="left", maintain_order="left"
        )
    known = events.filter(pl.col("left_place").is_not_null() & pl.col("right_place").is_not_null())
    known = known.with_columns(
        a=pl.min_horizontal("left_place", "right_place"), b=pl.max_horizontal("left_place", "right_place")
    ).filter(pl.col("a") < pl.col("b"))
    # Two events at the same instant: keeping apart is the one that can be undone.
    known = known.with_columns(apart=pl.col("decision") == CANNOT_LINK).sort("when", "apart", maintain_order=True)
    latest = known.unique(["a", "b"], keep="last").sort("a", "b")
    pairs = {
        d: latest.filter(pl.col("decision") == d).select("a", "b").to_numpy().reshape(-1, 2)
        for d in (MUST_LINK, CANNOT_LINK)
    }
    return Replayed(pairs[MUST_LINK], pairs[CANNOT_LINK], len(events) - len(known))


def _check(events: pl.DataFrame) -> None:
    missing = [c for c in SCHEMA if c not in events.columns]
    if missing:
        raise ConfigurationError("decisions", [f"column {c!r} is missing" for c in missing])
    mistakes = []
    unknown = ~pl.col("decision").is_in([MUST_LINK, CANNOT_LINK, WITHDRAWN])
    for problem, test in (("an unknown decision", unknown), *((f"no {c}", _blank(c)) for c in ("who", "when", "why"))):
        rows = events.with_row_index("event", offset=1).filter(test.fill_null(True))["event"].to_list()
        if rows:
            mistakes.append(f"{len(rows)} events have {problem}, the first is number {rows[0]}")
    if mistakes:
        raise ConfigurationError("decisions", mistakes)


def _blank(column: str) -> pl.Expr:
    return pl.col(column).is_null() | (pl.col(column).cast(pl.String).str.strip_chars() == "")
