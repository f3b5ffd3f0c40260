"""What reviewers decided: events with who, when and why, which outrank the model on every later run.

Each reviewer has one vote on a pair, their latest. Votes that differ keep the pair apart until the reviewers agree;
`unsure` is a vote for neither; a `withdrawn` event takes back every vote before it, whoever cast it.
"""

from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl
from sklearn.metrics import cohen_kappa_score

from ennu_lib.errors import ConfigurationError

MUST_LINK, CANNOT_LINK, UNSURE, WITHDRAWN = "must_link", "cannot_link", "unsure", "withdrawn"
SCHEMA = {c: pl.String for c in ("left", "right", "decision", "who", "when", "why")}


def _no_pairs() -> np.ndarray:
    return np.empty((0, 2), np.int64)


@dataclass(frozen=True)
class Replayed:
    """The decisions in force, as pairs of positions (lower first).

    `must`, `cannot`: joined and kept apart; `votes`: how many reviewers want each pair of `must`. `waiting`: pairs that
    need one more reviewer. `disputed`: pairs on which reviewers differ; they are in `cannot` too. `stale`: how many
    events name a row that is gone.
    """

    must: np.ndarray
    cannot: np.ndarray
    stale: int
    votes: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    waiting: np.ndarray = field(default_factory=_no_pairs)
    disputed: np.ndarray = field(default_factory=_no_pairs)

    def packed(self) -> dict[str, np.ndarray]:
        """Every kind as one integer per pair."""
        pairs = {k: getattr(self, k) for k in ("must", "cannot", "waiting", "disputed")}
        return {k: packed_pairs(p) for k, p in pairs.items()}

    def with_second_reviewer(self, risky: np.ndarray, reviewers: int) -> "Replayed":
        """Only those joins in force that enough reviewers want; `risky` are packed pairs that need `reviewers`."""
        if not len(self.must):
            return self
        short = np.isin(packed_pairs(self.must), risky) & (self.votes < reviewers)
        return replace(self, must=self.must[~short], votes=self.votes[~short], waiting=self.must[short])


def replay(events: pl.DataFrame | None, keys: pl.Series) -> Replayed:
    """Apply the events in order of time. Keys are compared as text.

    Raises ConfigurationError for a missing column, an unknown decision, or an event without who, when or why.
    """
    if events is None or not len(events):
        return Replayed(_no_pairs(), _no_pairs(), 0)
    votes, stale = _votes(events, keys)
    told = votes.group_by("a", "b").agg(
        join=(pl.col("decision") == MUST_LINK).sum(), part=(pl.col("decision") == CANNOT_LINK).sum()
    ).sort("a", "b")  # fmt: skip
    join, part = pl.col("join") > 0, pl.col("part") > 0

    def pairs(which: pl.Expr) -> np.ndarray:
        return told.filter(which).select("a", "b").to_numpy().reshape(-1, 2)

    votes_to_join = told.filter(join & ~part)["join"].to_numpy().astype(np.int64)
    return Replayed(pairs(join & ~part), pairs(part), stale, votes_to_join, disputed=pairs(join & part))


def agreement(events: pl.DataFrame) -> dict[str, float | int | None]:
    """How far reviewers agree: pairs that two or more voted on, on how many of these they agree, and Cohen's kappa.

    With more than two reviewers a pair counts for every two of them; who was unsure did not vote. kappa is None where
    it is not defined: fewer than two pairs, or everybody always gave the same answer.
    """
    if not len(events):
        return {"pairs_by_two": 0, "agreed": 0, "kappa": None}
    votes = votes_in_force(events).filter(pl.col("decision") != UNSURE)
    both = votes.join(votes, on=["left", "right"], suffix="_other").filter(pl.col("who") < pl.col("who_other"))
    same = int((both["decision"] == both["decision_other"]).sum())
    several = len(both) > 1 and pl.concat([both["decision"], both["decision_other"]]).n_unique() > 1
    kappa = float(cohen_kappa_score(both["decision"].to_list(), both["decision_other"].to_list())) if several else None
    return {"pairs_by_two": len(both), "agreed": same, "kappa": kappa}


def votes_in_force(events: pl.DataFrame) -> pl.DataFrame:
    """left, right, who, decision: every reviewer's vote in force. Keys are text, the lower one left; reviewers are in
    lower case. Raises ConfigurationError as `replay` does."""
    keys = pl.concat([events["left"], events["right"]]).cast(pl.String).unique().sort()
    votes = _votes(events, keys)[0]
    return votes.select(left=keys.gather(votes["a"]), right=keys.gather(votes["b"]), who="who", decision="decision")


def _votes(events: pl.DataFrame, keys: pl.Series) -> tuple[pl.DataFrame, int]:
    """a, b, who, decision: every reviewer's vote in force on each pair of positions; and how many events are stale."""
    _check(events)
    events = events.select(pl.col(list(SCHEMA)).cast(pl.String))
    # Ann and ann are one reviewer: nobody is their own second.
    events = events.with_columns(pl.col("who").str.strip_chars().str.to_lowercase())
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
    taken_back = (pl.col("decision") == WITHDRAWN).cum_sum(reverse=True).over("a", "b") > 0
    votes = known.filter(~taken_back).unique(["a", "b", "who"], keep="last", maintain_order=True)
    return votes.select("a", "b", "who", "decision"), len(events) - len(known)


def packed_pairs(pairs: np.ndarray) -> np.ndarray:
    """Pairs of positions, lower first, as one integer each."""
    return pairs[:, 0].astype(np.uint64) << np.uint64(32) | pairs[:, 1].astype(np.uint64)


def _check(events: pl.DataFrame) -> None:
    missing = [c for c in SCHEMA if c not in events.columns]
    if missing:
        raise ConfigurationError("decisions", [f"column {c!r} is missing" for c in missing])
    mistakes = []
    unknown = ~pl.col("decision").is_in([MUST_LINK, CANNOT_LINK, UNSURE, WITHDRAWN])
    for problem, test in (("an unknown decision", unknown), *((f"no {c}", _blank(c)) for c in ("who", "when", "why"))):
        rows = events.with_row_index("event", offset=1).filter(test.fill_null(True))["event"].to_list()
        if rows:
            mistakes.append(f"{len(rows)} events have {problem}, the first is number {rows[0]}")
    if mistakes:
        raise ConfigurationError("decisions", mistakes)


def _blank(column: str) -> pl.Expr:
    return pl.col(column).is_null() | (pl.col(column).cast(pl.String).str.strip_chars() == "")
