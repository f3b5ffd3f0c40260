"""A preset and a metric table compiled: per sex, the weight and the target of every metric, in exact numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from math import lcm

from ennu_lib.catalog.biomarker import Biomarker
from ennu_lib.catalog.biomarkers import BiomarkerCatalogue
from ennu_lib.errors import ConfigurationError
from ennu_lib.scores.preset import Freshness, Preset
from ennu_lib.scores.reading import Reader
from ennu_lib.scores.reasons import Reason
from ennu_lib.scores.result import CONTRIBUTION_DECIMALS
from ennu_lib.scores.subscore import SUBSCORES, Target, target_of_gender, target_of_range

BASES = ("male", "female", "neutral")
HALF = Fraction(1, 2)

WEIGHT_DECIMALS = 6
MOST_VALUE_DECIMALS = 15
ROOM_BITS = 126
READERS = 4


@dataclass(frozen=True)
class Rule:
    """How one metric counts on one basis; `reason` says why it does not. `weight` = metric weight x class factor."""

    weight: Fraction
    target: Target | None
    reason: Reason | None


@dataclass(frozen=True, eq=False)
class Formula:
    """Everything that scoring needs to know.

    `weight_scale` makes a whole number of every effective weight, `subscore_scale` of the sub-score of every value that
    has a moderate number of decimals.
    """

    preset: Preset
    catalogue: BiomarkerCatalogue
    reader: Reader
    rules: Mapping[tuple[str, str], Rule]
    freshness: Mapping[str, Freshness]
    applicable_weight: Mapping[str, Fraction]
    weight_scale: int
    subscore_scale: int

    @property
    def version(self) -> str:
        """Preset and metric table, each with a digest of its content."""
        return f"{self.preset.name}@{self.preset.digest}+metrics@{self.catalogue.version}"

    def subscore(self, basis: str, metric_code: str, value: Fraction) -> Fraction:
        """Sub-score of a canonical value; the metric must have a target on this basis."""
        return SUBSCORES[self.preset.subscore](self.rules[basis, metric_code].target, value)

    def band(self, score: Decimal) -> str:
        """The band of a rounded score."""
        return next(band.name for band in self.preset.bands if score >= band.from_)


@lru_cache(maxsize=8)
def compile_formula(preset: Preset, catalogue: BiomarkerCatalogue) -> Formula:
    """Compile a preset against a metric table. Raises ConfigurationError when the weights have too many decimals."""
    rules = {(basis, b.code): _rule(preset, basis, b) for basis in BASES for b in catalogue}
    applicable = {basis: _applicable_weight(preset, catalogue, rules, basis) for basis in BASES}
    weight_scale = lcm(*(rule.weight.denominator for rule in rules.values())) * HALF.denominator
    if 10**WEIGHT_DECIMALS % weight_scale:
        where = f"preset {preset.name} with the metric table"
        raise ConfigurationError(where, [f"weight x class factor has more than {WEIGHT_DECIMALS - 1} decimals"])
    return Formula(
        preset=preset,
        catalogue=catalogue,
        reader=_reader(preset, catalogue),
        rules=rules,
        freshness={b.code: preset.freshness.of(b.code, b.category) for b in catalogue},
        applicable_weight=applicable,
        weight_scale=weight_scale,
        subscore_scale=_subscore_scale(rules.values(), max(applicable.values()) * weight_scale),
    )


_READERS: dict[tuple, Reader] = {}


def _reader(preset: Preset, catalogue: BiomarkerCatalogue) -> Reader:
    """One reader for all formulas that read values alike, so that what one has read the others need not read again."""
    plausible = tuple((b.code, b.plausible, b.critical, id(b.conversions)) for b in catalogue)
    rules = (preset.unit_missing_policy, repr(preset.acute_phase_exclusion), preset.context.model_dump_json())
    key = (*rules, id(catalogue.units), plausible)
    if key not in _READERS:
        while len(_READERS) >= READERS:
            del _READERS[next(iter(_READERS))]
        _READERS[key] = Reader(preset, catalogue)
    return _READERS[key]


def _subscore_scale(rules: Iterable[Rule], heaviest: Fraction) -> int:
    """A common denominator of the sub-scores, as far as the rounding of their weighted sums leaves room in 128 bits."""
    spans = lcm(*(span.denominator for rule in rules if rule.target for span in rule.target.slopes()))
    room = 2**ROOM_BITS // int(heaviest * 100 * 4 * 10**CONTRIBUTION_DECIMALS)
    spans = spans if spans <= room else 1
    decimals = max(d for d in range(MOST_VALUE_DECIMALS + 1) if spans * 10**d <= room)
    return spans * 10**decimals


def _rule(preset: Preset, basis: str, biomarker: Biomarker) -> Rule:
    if preset.per_gender_weights is not None:
        return _gender_rule(preset, basis, biomarker)
    weight = Fraction(biomarker.weight) * Fraction(preset.significance_factor[biomarker.significance])
    if basis == "neutral":
        if not any(biomarker.optimum.values()):
            return Rule(weight, None, Reason.NOT_APPLICABLE)
        if preset.unknown_gender_policy == "no_score" or not biomarker.is_sex_neutral:
            return Rule(weight, None, Reason.GENDER_REQUIRED)
    sex = "male" if basis == "neutral" else basis
    optimum = biomarker.optimum[sex]
    if optimum is None:
        return Rule(weight, None, Reason.NOT_APPLICABLE)
    zero_points = biomarker.zero_points[sex] if biomarker.zero_points is not None else None
    return Rule(weight, target_of_range(optimum, zero_points, Fraction(preset.fallback_span)), None)


def _gender_rule(preset: Preset, basis: str, biomarker: Biomarker) -> Rule:
    factor = Fraction(preset.significance_factor[biomarker.significance])
    given = preset.per_gender_weights.get(basis, {}).get(biomarker.code)
    if given is not None:
        return Rule(Fraction(given.w) * factor, target_of_gender(given), None)
    counts_somewhere = any(biomarker.code in targets for targets in preset.per_gender_weights.values())
    needs_sex = basis == "neutral" and counts_somewhere
    return Rule(Fraction(0), None, Reason.GENDER_REQUIRED if needs_sex else Reason.NOT_APPLICABLE)


def _applicable_weight(preset: Preset, catalogue: BiomarkerCatalogue, rules, basis: str) -> Fraction:
    """Weight of all metrics that could count; without a known sex, of all that could count for either."""
    applicable = [rules[basis, b.code] for b in catalogue]
    return sum((rule.weight for rule in applicable if rule.reason is not Reason.NOT_APPLICABLE), Fraction(0))
