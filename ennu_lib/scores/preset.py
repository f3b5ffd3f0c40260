"""Presets: how ranges and weights combine into a score, as data in `params/scores/*.yml`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from ennu_lib.catalog.biomarkers import CATEGORIES, BiomarkerCatalogue
from ennu_lib.config import Strict, load_model
from ennu_lib.errors import ConfigurationError

Share = Annotated[Decimal, Field(ge=0, le=1)]
Positive = Annotated[Decimal, Field(gt=0)]
ClockTime = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
SCALE_MAX = 100


class Freshness(Strict):
    """Days for which a value has full, then half weight; both null: it never grows stale."""

    full_days: int | None = Field(ge=0)
    half_days: int | None = Field(ge=0)

    @model_validator(mode="after")
    def _in_order(self) -> Freshness:
        if (self.full_days is None) != (self.half_days is None):
            raise ValueError("give both full_days and half_days, or null for both")
        if self.full_days is not None and self.full_days > self.half_days:
            raise ValueError("full_days must not exceed half_days")
        return self


class FreshnessLimits(Strict):
    """The limit of a metric is its own, else its category's, else the default."""

    default: Freshness
    categories: dict[str, Freshness] = {}
    metrics: dict[str, Freshness] = {}

    def of(self, code: str, category: str) -> Freshness:
        """The limits for one metric."""
        return self.metrics.get(code) or self.categories.get(category) or self.default


class GenderTarget(Strict):
    """Weight and closed range of one metric for one sex; `high_ok`: above the range is as good as in it."""

    w: Positive
    lo: Decimal
    hi: Decimal
    high_ok: bool = False

    @model_validator(mode="after")
    def _in_order(self) -> GenderTarget:
        if self.lo > self.hi:
            raise ValueError("lo must not exceed hi")
        return self


class MorningDraw(Strict):
    """Metrics that only a morning specimen may be scored for, and the local time that counts as morning."""

    metrics: list[str]
    from_: ClockTime = Field(alias="from")
    to: ClockTime


class SpoiledBy(Strict):
    """A calculated value is invalid on a day on which `metric`, one of its inputs, reaches `at_or_above`."""

    metric: str
    at_or_above: Decimal


class ContextRules(Strict):
    """What has to be known about a specimen before its value may count."""

    fasting: list[str] = []
    morning: MorningDraw | None = None
    cycle: list[str] = []
    method_code_above: dict[str, Decimal] = {}
    calculated_not_with: dict[str, SpoiledBy] = {}
    suppress_on_therapy: list[str] = []

    def metrics(self) -> Iterator[tuple[str, str]]:
        """Every metric code that a rule names, with the rule."""
        named = {
            "fasting": self.fasting,
            "morning": self.morning.metrics if self.morning else [],
            "cycle": self.cycle,
            "method_code_above": list(self.method_code_above),
            "calculated_not_with": [
                *self.calculated_not_with,
                *(spoiled.metric for spoiled in self.calculated_not_with.values()),
            ],
            "suppress_on_therapy": self.suppress_on_therapy,
        }
        for rule, codes in named.items():
            yield from ((f"context.{rule}", code) for code in codes)


class Band(Strict):
    """A named band that begins at a score."""

    from_: Decimal = Field(alias="from", ge=0, le=SCALE_MAX)
    name: str


class Preset(Strict):
    """A complete scoring formula apart from the metric table. Scores run from 0 to 100."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    subscore: Literal["linear", "binary"]
    weight_source: Literal["metric_weight", "per_gender_weights"]
    per_gender_weights: dict[Literal["male", "female"], dict[str, GenderTarget]] | None = None
    significance_factor: dict[Literal["critical", "significant", "moderate"], Positive]
    fallback_span: Positive = Decimal("0.5")
    missing_policy: Literal["renormalise", "zero_points"]
    coverage_min: Share
    coverage_complete: Share
    min_metrics: int = Field(ge=1)
    required_categories: list[Literal[CATEGORIES]]
    minimum_age: int = Field(ge=0)
    freshness: FreshnessLimits
    unknown_gender_policy: Literal["shared_ranges_only", "no_score"]
    unit_missing_policy: Literal["assume_canonical_if_only_plausible_reading", "exclude"]
    acute_phase_exclusion: dict[str, Decimal] = {}
    extra_loinc: dict[str, str] = {}
    context: ContextRules = ContextRules()
    decimals: int = Field(ge=0, le=4)
    rounding: Literal["ROUND_HALF_UP"]
    bands: list[Band] = Field(min_length=1)

    def __hash__(self) -> int:
        return hash(self.digest)

    @cached_property
    def digest(self) -> str:
        """Eight hex digits over the content, so that an edited preset gives another formula version."""
        return hashlib.blake2b(self.model_dump_json(by_alias=True).encode(), digest_size=4).hexdigest()

    def varied(self, **changes: object) -> Preset:
        """The same preset with some values changed, checked again; it has its own digest."""
        return Preset.model_validate({**self.model_dump(by_alias=True), **changes})

    @field_validator("significance_factor")
    @classmethod
    def _all_classes(cls, factors: dict[str, Decimal]) -> dict[str, Decimal]:
        if len(factors) != 3:
            raise ValueError("give a factor for each of critical, significant, moderate")
        return factors

    @field_validator("bands")
    @classmethod
    def _bands_descend(cls, bands: list[Band]) -> list[Band]:
        starts = [band.from_ for band in bands]
        if starts != sorted(set(starts), reverse=True) or starts[-1] != 0:
            raise ValueError("bands must descend without repeating and end at 0")
        return bands

    @model_validator(mode="after")
    def _consistent(self) -> Preset:
        problems = [*self._weight_problems()]
        if self.coverage_min > self.coverage_complete:
            problems.append("coverage_min must not exceed coverage_complete")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _weight_problems(self) -> Iterator[str]:
        given = self.per_gender_weights
        if (self.weight_source == "per_gender_weights") != (given is not None):
            yield "per_gender_weights is required by weight_source per_gender_weights, and by nothing else"
            return
        for sex in ("male", "female") if given is not None else ():
            total = sum((target.w for target in given.get(sex, {}).values()), Decimal(0))
            if total != SCALE_MAX:
                yield f"weights of {sex} sum to {total}, not {SCALE_MAX}"


def load_preset(path: Path, catalogue: BiomarkerCatalogue) -> Preset:
    """Read a preset and hold it against the metric table.

    Raises ConfigurationError with every mistake: unknown keys, values out of bounds, metrics that the table lacks.
    """
    preset = load_model(path, Preset)
    mistakes = [
        f"{where}: '{code}' is no metric of the table" for where, code in _named(preset) if code not in catalogue
    ]
    mistakes += [
        f"freshness.categories: '{category}' is no category"
        for category in preset.freshness.categories
        if category not in CATEGORIES
    ]
    if preset.name != path.stem:
        mistakes.append(f"name: '{preset.name}' must be the name of the file")
    if mistakes:
        raise ConfigurationError(str(path), mistakes)
    return preset


def load_presets(directory: Path, catalogue: BiomarkerCatalogue) -> dict[str, Preset]:
    """All presets (`hs-*.yml`) of a folder by name. Raises ConfigurationError with the mistakes of every file."""
    presets: dict[str, Preset] = {}
    mistakes: list[str] = []
    for path in sorted(directory.glob("hs-*.yml")):
        try:
            presets[path.stem] = load_preset(path, catalogue)
        except ConfigurationError as error:
            mistakes += [f"{path.name}: {mistake}" for mistake in error.mistakes]
    if mistakes:
        raise ConfigurationError(str(directory), mistakes)
    return presets


def _named(preset: Preset) -> Iterator[tuple[str, str]]:
    for sex, targets in (preset.per_gender_weights or {}).items():
        yield from ((f"per_gender_weights.{sex}", code) for code in targets)
    yield from (("freshness.metrics", code) for code in preset.freshness.metrics)
    yield from (("acute_phase_exclusion", code) for code in preset.acute_phase_exclusion)
    yield from (("extra_loinc", code) for code in preset.extra_loinc.values())
    yield from preset.context.metrics()
