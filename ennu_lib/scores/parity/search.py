"""The search for what reproduces a stored score: one change at a time in the agreed order, then pairs, then its inputs.

Every stage proposes points for the scores that are still open; the first proposal that agrees with the stored score
settles it. Source of the order and the classes: health score definition, section 7.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from typing import Any, NamedTuple

import polars as pl

from ennu_lib.catalog.biomarkers import BiomarkerCatalogue
from ennu_lib.scores.formula import compile_formula
from ennu_lib.scores.intake import known_sex
from ennu_lib.scores.parity.boundary import flipped
from ennu_lib.scores.parity.classes import ParityClass
from ennu_lib.scores.parity.numbers import POINT, agreement, last_place, units_of
from ennu_lib.scores.parity.params import ParityRules
from ennu_lib.scores.parity.recompute import PART, Recomputed, contributions_with, recompute, with_parts
from ennu_lib.scores.parity.units import in_other_units, under_other_codes
from ennu_lib.scores.parity.versions import MetricHistory, era_of
from ennu_lib.scores.preset import Preset

NEVER = {"full_days": None, "half_days": None}
FOUND = {"score_id": pl.String, "class": pl.String, "how": pl.String, "points": pl.Int64}


class Proposal(NamedTuple):
    """Points for open scores (score_id, how, points) under a class.

    `contributions`: what each metric contributes (score_id, metric_id, points, value) to the scores in a frame of
    proposed points, one row per score. `of_one_metric`: the change is about one metric.
    """

    kind: ParityClass
    points: pl.DataFrame
    contributions: Callable[[pl.DataFrame], pl.DataFrame]
    of_one_metric: bool


@dataclass(frozen=True)
class Change:
    """One change of policy, inputs or metric table, which may be paired with another."""

    kind: ParityClass
    how: str
    preset: dict[str, Any] = field(default_factory=dict)
    rows: str = "base"
    catalogue: BiomarkerCatalogue | None = None


class Search:
    """The open scores of one preset and one metric table, and what has been found about the others.

    `rows`: as `inputs_of` gives them, with the values of corrected results as first reported in `first_value` and
    `first_unit`. `stored_rows`: the inputs that are stored with the scores, as measurement rows; `stored_parts`: what
    each metric contributed, and from what value (score_id, metric_id, points, value). Where these add up to the stored
    score, a change explains it only if it gives the same contributions, from the same value where it is about one
    metric: one of some hundred changes would give the total by chance. Where they do not, a change of one metric has to
    give those that are there, and a change of the whole score its total.
    """

    def __init__(
        self,
        occasions: pl.DataFrame,
        rows: pl.DataFrame,
        stored_rows: pl.DataFrame,
        stored_parts: pl.DataFrame,
        preset: Preset,
        history: MetricHistory,
        rules: ParityRules,
    ):
        self.open = occasions
        self.preset, self.history, self.rules = preset, history, rules
        self.by_table = preset.weight_source == "metric_weight"
        day = occasions["as_of"].min()
        self.catalogue = history.on(day) if self.by_table else history.catalogue
        self.formula = compile_formula(preset, self.catalogue)
        self._rows, self._stored_rows, self._stored_parts = rows, stored_rows, _adding_up(stored_parts, occasions)
        self._within = last_place(self._stored_parts["points"])
        self.base = recompute(occasions, self.rows("base"), preset, self.catalogue)
        self._found: list[pl.DataFrame] = []

    def rows(self, which: str) -> pl.DataFrame:
        """Measurement rows of the open scores: base, late (those entered later as well), first (as first reported)."""
        if which == "stored":
            return self._stored_rows.join(self.open, left_on="patient_id", right_on="score_id", how="semi")
        mine = self._rows.join(self.open, left_on="patient_id", right_on="score_id", how="semi")
        if which == "late":
            return mine
        mine = mine.filter(~pl.col("late"))
        if which == "first":
            mine = mine.with_columns(
                value=pl.coalesce("first_value", "value"),
                unit=pl.when(pl.col("first_value").is_not_null())
                .then(pl.coalesce("first_unit", "unit"))
                .otherwise("unit"),
            )
        return mine

    def run(self) -> pl.DataFrame:
        """Columns of FOUND, one row per score; what nothing reproduces is UNEXPLAINED with the points we compute."""
        self._settle_base()
        for stage in STAGES:
            self._rest()
            for proposal in stage(self) if self.open.height else ():
                self._settle(proposal)
                if not self.open.height:
                    break
        left = self.open.join(self.base.points, on="score_id", how="left")
        unexplained = pl.lit(ParityClass.UNEXPLAINED.value)
        self._keep(left.with_columns(unexplained.alias("class"), how=pl.lit("")))
        return pl.concat(self._found)

    def _rest(self) -> None:
        self.base = self.base.keep(self.open)

    def _settle_base(self) -> None:
        judged = self.open.join(self.base.points, on="score_id", how="left").with_columns(
            agreement(pl.col("points"), pl.col("stored"), pl.col("decimals")).alias("class"), how=pl.lit("")
        )
        self._take(judged)

    def _settle(self, proposal: Proposal) -> None:
        agreed = agreement(pl.col("points"), pl.col("stored"), pl.col("decimals")).is_not_null()
        left = self.open.join(proposal.points.drop_nulls("points"), on="score_id", maintain_order="right").filter(
            agreed
        )
        kind = pl.lit(proposal.kind.value).alias("class")
        while left.height:  # of several changes that give the total, the first that gives the contributions as well
            first = left.unique("score_id", keep="first", maintain_order=True)
            refuted = self._refuted(proposal.contributions(first), proposal.of_one_metric)
            self._take(first.join(refuted, on="score_id", how="anti").with_columns(kind))
            left = left.join(first, on=["score_id", "how"], how="anti").join(refuted, on="score_id", how="semi")

    def _refuted(self, contributions: pl.DataFrame, of_one_metric: bool) -> pl.DataFrame:
        """The scores whose stored contributions are not these."""
        stored = self._stored_parts.join(contributions, on="score_id", how="semi")
        known = contributions.join(stored, on="score_id", how="semi").rename({"points": "ours", "value": "from"})
        both = stored.join(known, on=PART, how="full", coalesce=True)
        apart = (pl.col("points").fill_null(0) - pl.col("ours").fill_null(0)).abs()
        other = (
            (pl.col("value") - pl.col("from")).abs() > float(self.rules.value_within) * pl.col("from").abs()
        ).fill_null(True)
        wrong = (apart > self._within) | (pl.col("from").is_not_null() & other)
        complete = pl.col("adds_up").any().over("score_id").fill_null(False)
        partial = pl.col("adds_up").is_not_null() if of_one_metric else pl.lit(False)
        return both.filter(wrong & (complete | partial)).select("score_id").unique()

    def _take(self, judged: pl.DataFrame) -> None:
        hit = judged.filter(pl.col("class").is_not_null())
        self._keep(hit)
        self.open = self.open.join(hit, on="score_id", how="anti")

    def _keep(self, rows: pl.DataFrame) -> None:
        self._found.append(rows.select(pl.col(name).cast(dtype) for name, dtype in FOUND.items()))

    def under(self, *changes: Change) -> Proposal:
        """The open scores under all of the changes together, named after the first."""
        preset = self.preset
        for change in changes:
            preset = preset.varied(**change.preset) if change.preset else preset
        which = next((change.rows for change in changes if change.rows != "base"), "base")
        catalogue = next((change.catalogue for change in changes if change.catalogue), self.catalogue)
        found = recompute(self.open, self.rows(which), preset, catalogue)
        return as_whole(changes[0].kind, "; ".join(change.how for change in changes), found)

    @cached_property
    def missing(self) -> list[Change]:
        """Other ways to deal with what was not measured, or not lately."""
        other = "renormalise" if self.preset.missing_policy == "zero_points" else "zero_points"
        found = [Change(ParityClass.MISSING_POLICY, other, {"missing_policy": other})]
        if any(limits.half_days is not None for limits in _limits(self.preset)):
            carried = {"freshness": {"default": NEVER, "categories": {}, "metrics": {}}}
            found.append(Change(ParityClass.MISSING_POLICY, "last value carried forward", carried))
        return found

    @cached_property
    def stale(self) -> list[Change]:
        """Other limits of age: none, or one for all metrics, up to which weights fall off as they do now."""
        limits: list[tuple[str, int | None]] = [
            (f"values up to {days} days old", days) for days in self.rules.age_limits
        ]
        if any(one.half_days is not None for one in _limits(self.preset)):
            limits.insert(0, ("values of any age", None))
        return [Change(ParityClass.STALE_POLICY, how, {"freshness": _aged(self.preset, days)}) for how, days in limits]

    @cached_property
    def late(self) -> list[Change]:
        """Other inputs: what was entered later counted already, or what was corrected later stood as first reported."""
        first = pl.col("first_value").is_not_null()
        found = []
        if self._rows["late"].any():
            found.append(Change(ParityClass.LATE_INPUT, "with what was entered later", rows="late"))
        if self._rows.select(first.any()).item():
            found.append(Change(ParityClass.LATE_INPUT, "with what was corrected later", rows="first"))
        return found

    @cached_property
    def ranges(self) -> list[Change]:
        """The metric table before, after, and now."""
        if not self.by_table or not self.history.versions:
            return []
        eras = self.history.eras()
        at = era_of(self.open["as_of"].min(), eras)
        days = [eras[n - 1] for n in (at - 1, at + 1, len(eras)) if 0 < n <= len(eras) and n != at]
        tables = {table.version: (day, table) for day, table in ((day, self.history.on(day)) for day in days)}
        tables.pop(self.catalogue.version, None)
        return [
            Change(ParityClass.RANGE_VERSION, f"metric table of {day}", catalogue=table)
            for day, table in tables.values()
        ]


def _limits(preset: Preset):
    return [preset.freshness.default, *preset.freshness.categories.values(), *preset.freshness.metrics.values()]


def _aged(preset: Preset, days: int | None) -> dict[str, Any]:
    """Freshness with every limit of age replaced; a metric that never grows stale stays so."""
    any_age = 10**6

    def limit(one) -> dict[str, int | None]:
        if one.half_days is None and one is not preset.freshness.default:
            return NEVER
        oldest = any_age if days is None else days
        return {"full_days": oldest if one.full_days is None else min(one.full_days, oldest), "half_days": oldest}

    limits = preset.freshness
    return {
        "default": limit(limits.default),
        "categories": {name: limit(one) for name, one in limits.categories.items()},
        "metrics": {name: limit(one) for name, one in limits.metrics.items()},
    }


def as_whole(kind: ParityClass, how: str, found: Recomputed) -> Proposal:
    """Scores computed anew as a proposal."""
    nothing = pl.lit(None, pl.Float64).alias("value")
    parts = found.parts.select(*PART, nothing, points=pl.col("contribution").cast(pl.Float64))
    return Proposal(
        kind,
        found.points.with_columns(how=pl.lit(how)),
        lambda proposed: parts.join(proposed, on="score_id", how="semi"),
        of_one_metric=False,
    )


def _as_change(kind: ParityClass, search: Search, parts: pl.DataFrame, *, added: bool = False) -> Proposal:
    """Scores with single contributions changed as a proposal; `parts` as in `with_parts`."""
    base = search.base.keep(search.open)
    return Proposal(
        kind,
        with_parts(base, parts, added=added),
        lambda proposed: contributions_with(base, parts, proposed, added=added),
        of_one_metric=True,
    )


def _adding_up(parts: pl.DataFrame, occasions: pl.DataFrame) -> pl.DataFrame:
    """The stored contributions with `adds_up`: whether the score is their sum, to one unit of its last decimal."""
    sums = parts.group_by("score_id").agg(sum=pl.col("points").sum() * POINT)
    apart = (pl.col("sum") - pl.col("stored")).abs()
    judged = occasions.join(sums, on="score_id").select("score_id", adds_up=apart <= units_of(pl.col("decimals")))
    return parts.join(judged, on="score_id")


def _boundary(search: Search) -> Iterator[Proposal]:
    if search.preset.subscore == "binary":
        parts = flipped(search.base, search.open, search.formula, search.rules.boundary)
        yield _as_change(ParityClass.BOUNDARY, search, parts)


def _singles(name: str) -> Callable[[Search], Iterator[Proposal]]:
    def stage(search: Search) -> Iterator[Proposal]:
        yield from (search.under(change) for change in getattr(search, name))

    return stage


def _single_versions(search: Search) -> Iterator[Proposal]:
    """One metric in another version of its own."""
    for number in range(search.history.most_versions) if search.by_table else ():
        table = search.history.nth(number)
        parts = recompute(search.open, search.rows("base"), search.preset, table).parts
        same = search.base.parts.select(*PART, "weight", "earned")
        other = parts.join(same, on=same.columns, how="anti")
        named = pl.format("{} in version {}", "metric_code", pl.lit(number + 1))
        yield _as_change(ParityClass.RANGE_VERSION, search, other.with_columns(how=named))


def _units(search: Search) -> Iterator[Proposal]:
    parts = in_other_units(search.open, search.rows("base"), search.preset, search.catalogue)
    yield _as_change(ParityClass.UNIT, search, parts)


def _gender(search: Search) -> Iterator[Proposal]:
    other = {"male": "female", "female": "male"}
    sexed = search.open.with_columns(sex=known_sex(pl.col("sex")).replace_strict(other, default="unknown"))
    found = recompute(sexed, search.rows("base"), search.preset, search.catalogue)
    yield as_whole(ParityClass.GENDER, "the other sex", found)


def _duplicate_codes(search: Search) -> Iterator[Proposal]:
    parts = under_other_codes(search.open, search.rows("base"), search.preset, search.catalogue)
    yield _as_change(ParityClass.DUPLICATE_CODE, search, parts, added=True)
    every = parts.with_columns(how=pl.lit("every metric once per laboratory code"))
    yield _as_change(ParityClass.DUPLICATE_CODE, search, every, added=True)


def _stored_inputs(search: Search) -> Iterator[Proposal]:
    """The values stored with the score: whatever has become of the measurements since, the formula is ours."""
    found = recompute(search.open, search.rows("stored"), search.preset, search.catalogue)
    yield as_whole(ParityClass.LATE_INPUT, "with the values stored beside it", found)


def _pairs(search: Search) -> Iterator[Proposal]:
    for one, other in combinations((search.missing, search.stale, search.late, search.ranges), 2):
        for first in one:
            for second in other:
                if not first.preset.keys() & second.preset.keys() and search.open.height:
                    yield search.under(first, second)


STAGES: tuple[Callable[[Search], Iterator[Proposal]], ...] = (
    _boundary,
    _singles("missing"),
    _singles("stale"),
    _singles("late"),
    _singles("ranges"),
    _single_versions,
    _units,
    _gender,
    _duplicate_codes,
    _stored_inputs,
    _pairs,
)
