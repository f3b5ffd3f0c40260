"""What a reported value says: an exact number in the metric's canonical unit, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from ennu_lib.catalog.biomarker import Biomarker
from ennu_lib.catalog.biomarkers import BiomarkerCatalogue
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


class Reader:
    """Reads values under one preset and one metric table."""

    def __init__(self, preset: Preset, catalogue: BiomarkerCatalogue):
        self._catalogue = catalogue
        self._assume_unit = preset.unit_missing_policy == "assume_canonical_if_only_plausible_reading"
        self._acute = {code: Fraction(limit) for code, limit in preset.acute_phase_exclusion.items()}
        self._method = {code: Fraction(limit) for code, limit in preset.context.method_code_above.items()}
        self._spoils = {s.metric: Fraction(s.at_or_above) for s in preset.context.calculated_not_with.values()}

    def read(self, metric_code: str, text: str, unit: str) -> Reading:
        """Read one reported value of a metric that the table has; `unit` is the spelling of the source, or blank."""
        biomarker = self._catalogue[metric_code]
        number = parse_number(text)
        if number is None:
            return Reading(Reason.NON_NUMERIC)
        comparator, reported = number
        conversion = self._conversion(biomarker, unit.strip(), reported)
        if isinstance(conversion, Reason):
            return Reading(conversion, comparator=comparator)
        value = conversion(reported)
        if not _within(biomarker, value):
            return Reading(Reason.IMPLAUSIBLE, value, comparator)
        return Reading(
            fault=None,
            value=value,
            comparator=comparator,
            flags=tuple(_flags(biomarker, value, comparator, conversion, assumed=not unit.strip())),
            acute=metric_code in self._acute and value > self._acute[metric_code],
            needs_method=metric_code in self._method and value > self._method[metric_code],
            spoils=metric_code in self._spoils and value >= self._spoils[metric_code],
        )

    def _conversion(self, biomarker: Biomarker, unit: str, reported: Fraction) -> Conversion | Reason:
        if not unit:
            certain = self._assume_unit and _only_canonical_is_plausible(biomarker, reported)
            return IDENTITY if certain else Reason.UNIT_INFERRED
        resolved = self._catalogue.units.resolve(unit, biomarker.code) or unit
        try:
            return biomarker.conversion_from(resolved) or Reason.UNIT_NOT_CONVERTIBLE
        except KeyError:
            return Reason.UNIT_UNKNOWN


def _within(biomarker: Biomarker, value: Fraction) -> bool:
    limits = biomarker.plausible
    return (limits.low is None or value >= limits.low) and (limits.high is None or value <= limits.high)


def _only_canonical_is_plausible(biomarker: Biomarker, reported: Fraction) -> bool:
    """Units that differ in spelling only give the same reading; a unit without a factor can never be ruled out."""
    if not _within(biomarker, reported):
        return False
    others = [rule for rule in biomarker.conversions.values() if rule is None or not rule.is_identity]
    return not any(rule is None or _within(biomarker, rule(reported)) for rule in others)


def _flags(biomarker: Biomarker, value: Fraction, comparator: str, conversion: Conversion, *, assumed: bool):
    if comparator != "eq":
        yield Flag.CENSORED
    if conversion.approximate:
        yield Flag.APPROXIMATE
    if assumed:
        yield Flag.UNIT_ASSUMED
    if biomarker.critical.low is not None and value < biomarker.critical.low:
        yield Flag.CRITICAL_LOW
    if biomarker.critical.high is not None and value > biomarker.critical.high:
        yield Flag.CRITICAL_HIGH
