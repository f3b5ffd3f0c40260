"""What a reported value says: an exact number in the metric's canonical unit, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from ennu_lib.catalog.biomarker import Biomarker
from ennu_lib.catalog.biomarkers import BiomarkerCatalogue
from ennu_lib.catalog.ranges import Range
from ennu_lib.catalog.reading import parse_number
from ennu_lib.catalog.units import IDENTITY, Conversion
from ennu_lib.scores.preset import Preset
from ennu_lib.scores.reasons import Flag, Reason


@dataclass(frozen=True, slots=True)
class Reading:
    """A value as far as it can be understood without knowing whose it is.

    `fault` is the first of NON_NUMERIC, the unit reasons and IMPLAUSIBLE that applies. `value` is canonical and None
    where there is none. `acute`: beyond the acute-phase limit. `needs_method`: counts only with a known assay code.
    `spoils`: makes the metrics that must not be read beside it invalid.
    """

    fault: Reason | None
    value: Fraction | None = None
    comparator: str = "eq"
    flags: tuple[Flag, ...] = ()
    acute: bool = False
    needs_method: bool = False
    spoils: bool = False


class _Limits(NamedTuple):
    """A range with exact bounds; an open side is None."""

    low: Fraction | None
    high: Fraction | None

    @classmethod
    def of(cls, limits: Range) -> _Limits:
        return cls(*(None if bound is None else Fraction(bound) for bound in (limits.low, limits.high)))

    def exceeded_below(self, value: Fraction) -> bool:
        return self.low is not None and value < self.low

    def exceeded_above(self, value: Fraction) -> bool:
        return self.high is not None and value > self.high

    def hold(self, value: Fraction) -> bool:
        return not self.exceeded_below(value) and not self.exceeded_above(value)


REMEMBERED = 200_000  # distinct readings, some tens of megabytes: laboratory values repeat a great deal


class Reader:
    """Reads values under one preset and one metric table, each distinct one once."""

    def __init__(self, preset: Preset, catalogue: BiomarkerCatalogue):
        self._catalogue = catalogue
        self._plausible = {b.code: _Limits.of(b.plausible) for b in catalogue}
        self._critical = {b.code: _Limits.of(b.critical) for b in catalogue}
        self._assume_unit = preset.unit_missing_policy == "assume_canonical_if_only_plausible_reading"
        self._acute = {code: Fraction(limit) for code, limit in preset.acute_phase_exclusion.items()}
        self._method = {code: Fraction(limit) for code, limit in preset.context.method_code_above.items()}
        self._spoils = {s.metric: Fraction(s.at_or_above) for s in preset.context.calculated_not_with.values()}
        self._remembered = lru_cache(REMEMBERED)(self._read)

    def read(self, metric_code: str, text: str, unit: str) -> Reading:
        """Read one reported value of a metric that the table has; `unit` is the spelling of the source, or blank."""
        return self._remembered(metric_code, text, unit)

    def _read(self, metric_code: str, text: str, unit: str) -> Reading:
        biomarker = self._catalogue[metric_code]
        number = parse_number(text)
        if number is None:
            return Reading(Reason.NON_NUMERIC)
        comparator, reported = number
        conversion = self._conversion(biomarker, unit.strip(), reported)
        if isinstance(conversion, Reason):
            return Reading(conversion, comparator=comparator)
        value = conversion(reported)
        if not self._plausible[metric_code].hold(value):
            return Reading(Reason.IMPLAUSIBLE, value, comparator)
        return Reading(
            fault=None,
            value=value,
            comparator=comparator,
            flags=tuple(self._flags(metric_code, value, comparator, conversion, assumed=not unit.strip())),
            acute=metric_code in self._acute and value > self._acute[metric_code],
            needs_method=metric_code in self._method and value > self._method[metric_code],
            spoils=metric_code in self._spoils and value >= self._spoils[metric_code],
        )

    def _conversion(self, biomarker: Biomarker, unit: str, reported: Fraction) -> Conversion | Reason:
        if not unit:
            certain = self._assume_unit and self._only_canonical_is_plausible(biomarker, reported)
            return IDENTITY if certain else Reason.UNIT_INFERRED
        resolved = self._catalogue.units.resolve(unit, biomarker.code) or unit
        try:
            return biomarker.conversion_from(resolved) or Reason.UNIT_NOT_CONVERTIBLE
        except KeyError:
            return Reason.UNIT_UNKNOWN

    def _only_canonical_is_plausible(self, biomarker: Biomarker, reported: Fraction) -> bool:
        """Units that differ in spelling only give the same reading; a unit without a factor can never be ruled out."""
        limits = self._plausible[biomarker.code]
        others = [rule for rule in biomarker.conversions.values() if rule is None or not rule.is_identity]
        ambiguous = any(rule is None or limits.hold(rule(reported)) for rule in others)
        return limits.hold(reported) and not ambiguous

    def _flags(
        self, metric_code: str, value: Fraction, comparator: str, conversion: Conversion, *, assumed: bool
    ) -> Iterator[Flag]:
        if comparator != "eq":
            yield Flag.CENSORED
        if conversion.approximate:
            yield Flag.APPROXIMATE
        if assumed:
            yield Flag.UNIT_ASSUMED
        if self._critical[metric_code].exceeded_below(value):
            yield Flag.CRITICAL_LOW
        if self._critical[metric_code].exceeded_above(value):
            yield Flag.CRITICAL_HIGH
