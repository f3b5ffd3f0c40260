"""A reviewer's desk: the review queue one question at a time, every answer kept as an event at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from ennu_lib.errors import UsageError
from ennu_lib.identity.decisions import CANNOT_LINK, MUST_LINK, SCHEMA, UNSURE, votes_in_force
from ennu_lib.identity.params import IdentityParams
from ennu_lib.identity.registry import Registry
from ennu_lib.identity.review import ANSWERS, masked, side_by_side

# What the queue says of a pair that one reviewer has joined; the next one shall not know.
TELLING = "waits for a second reviewer"
_WORDS = {decision: answer for answer, decision in ANSWERS.items()}


@dataclass(frozen=True)
class Line:
    """One field of both rows, masked or not, and how they compare: same, differs, or only on one side."""

    field: str
    left: str
    right: str
    compares: str


@dataclass(frozen=True)
class Question:
    """One question of the queue as it stands for one reviewer.

    `mine` is the reviewer's own answer or empty; `others` how many other reviewers have answered, not what; `needed`
    how many answers the question takes; `disputed`: all are in, this reviewer's too, and they differ.
    """

    place: int
    left: str
    right: str
    asked_because: str
    meaning: str
    kind: str
    probability: float
    mine: str
    others: int
    needed: int
    disputed: bool

    @property
    def is_open(self) -> bool:
        """Whether this reviewer's answer is still wanted."""
        return not self.mine and self.others < self.needed


class Desk:
    """The queue of a run in front of one reviewer. Values are masked until the reviewer chooses otherwise."""

    def __init__(
        self,
        review: pl.DataFrame,
        people: pl.DataFrame | pl.LazyFrame,
        params: IdentityParams,
        registry: Registry,
        who: str,
        *,
        key: str = "patient_id",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ):
        """`review` is the queue, `people` the table that was matched. Raises UsageError without a reviewer's name."""
        if not who.strip():
            raise UsageError("say who reviews: --who NAME")
        self.who = who.strip()
        self.masked = True
        self.params = params
        self._registry = registry
        self._key = key
        self._now = now
        named = review.with_columns(pl.col("left", "right").cast(pl.String))
        self._queue = named.sort("place").to_dicts()
        wanted = pl.concat([named["left"], named["right"]]).unique()
        rows = people.lazy().filter(pl.col(key).cast(pl.String).is_in(wanted.implode()))
        self._people = rows.collect()
        self._meaning = {guard.name: guard.meaning for guard in params.guards}

    def __len__(self) -> int:
        return len(self._queue)

    def question(self, place: int) -> Question:
        """The question at `place`, from 1 on. Raises UsageError where there is none."""
        if not 1 <= place <= len(self):
            raise UsageError(f"the queue has questions 1 to {len(self)}")
        return self._standing(self._queue[place - 1], self._votes())

    def lines(self, place: int) -> list[Line]:
        """Both rows of a question, field by field."""
        asked = self._queue[place - 1]
        shown = []
        for field, left, right in side_by_side(asked, self._people, self.params.columns, self._key, mask=False):
            same = left.casefold() == right.casefold()
            compares = "same" if same else "differs" if left and right else "only left" if left else "only right"
            shown.append(Line(field, *(masked(left, right) if self.masked else (left, right)), compares))
        return shown

    def next_open(self, after: int = 0) -> int | None:
        """The next place after `after`, and then from the start, whose answer is wanted; None when all are in."""
        votes = self._votes()
        order = self._queue[after:] + self._queue[:after]
        return next((q.place for q in (self._standing(asked, votes) for asked in order) if q.is_open), None)

    def answered(self) -> int:
        """How many questions this reviewer has answered."""
        votes = self._votes()
        return sum(bool(self._standing(asked, votes).mine) for asked in self._queue)

    def keep(self, place: int, answer: str, why: str) -> None:
        """Keep an answer: on disk when this returns. A later answer of the same reviewer takes its place.

        Raises UsageError for an answer that is none or without a reason, StorageFull when it cannot be kept.
        """
        asked = self._queue[self.question(place).place - 1]
        if answer not in ANSWERS:
            raise UsageError(f"choose one of {', '.join(ANSWERS)} first")
        if not why.strip():
            raise UsageError("an answer needs a reason: choose one, or write your own")
        if len(why.strip()) > self.params.review.own_words_most:
            raise UsageError(f"a reason has at most {self.params.review.own_words_most} characters")
        when = self._now().isoformat(timespec="milliseconds")
        event = (asked["left"], asked["right"], ANSWERS[answer], self.who, when, why.strip())
        self._registry.decide(pl.DataFrame([event], schema=SCHEMA, orient="row"))

    def _votes(self) -> dict[tuple[str, str], dict[str, str]]:
        votes: dict[tuple[str, str], dict[str, str]] = {}
        for left, right, who, decision in votes_in_force(self._registry.decisions()).iter_rows():
            votes.setdefault((left, right), {})[who] = decision
        return votes

    def _standing(self, asked: dict, votes: dict[tuple[str, str], dict[str, str]]) -> Question:
        left, right = sorted((asked["left"], asked["right"]))
        told = votes.get((left, right), {})
        mine = told.get(self.who.lower(), "")
        others = sum(decision != UNSURE for who, decision in told.items() if who != self.who.lower())
        guard = asked["guard"]
        because = guard if guard and asked["reason"] == TELLING else asked["reason"]
        return Question(
            asked["place"], asked["left"], asked["right"], because, self._meaning.get(guard, ""), asked["kind"],
            asked["probability"], _WORDS.get(mine, ""), others,
            self.params.decision.reviewers_where_guarded if guard else 1,
            bool(mine) and {MUST_LINK, CANNOT_LINK} <= set(told.values()),
        )  # fmt: skip
