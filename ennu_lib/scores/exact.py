"""The score of one patient in exact fractions: the definition in code, and the judge of the vectorised engine."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction

from ennu_lib.catalog.biomarkers import CATEGORIES, BiomarkerCatalogue
from ennu_lib.scores.checks import Examined, examine_all
from ennu_lib.scores.formula import HALF, Formula, compile_formula
from ennu_lib.scores.measurement import BLANKS, WHOLE_ID, Measurement, Person, age_in_years, parse_sex
from ennu_lib.scores.preset import Preset
from ennu_lib.scores.reasons import CORRECTED_STATUSES, Flag, Reason, Withheld
from ennu_lib.scores.result import CONTRIBUTION_DECIMALS, Contribution, Exclusion, Score, half_up, telescoped

OPTIMAL_STATUS = {-1: "below_optimal", 0: "optimal", 1: "above_optimal"}
INSUFFICIENT = "insufficient"


def score_patient(
    measurements: Iterable[Measurement],
    sex: str,
    as_of: dt.date,
    preset: Preset,
    catalogue: BiomarkerCatalogue,
    *,
    birth_date: dt.date | None = None,
    pregnant: bool = False,
    on_hormone_therapy: bool = False,
) -> Score:
    """Score one patient as of the end of a day.

    Every measurement ends either as a contribution or as an exclusion with one reason; none raises.
    """
    formula = compile_formula(preset, catalogue)
    person = Person(parse_sex(sex), birth_date, pregnant, on_hormone_therapy)
    examined = examine_all(measurements, person, as_of, formula)
    counted, excluded = _newest_of_each_metric(examined, as_of, formula)
    return _composed(counted, excluded, person, as_of, formula)


def _newest_of_each_metric(
    examined: Sequence[Examined], as_of: dt.date, formula: Formula
) -> tuple[list[Examined], list[Exclusion]]:
    newest: dict[str, Examined] = {}
    for candidate in examined:
        code = candidate.code
        if candidate.reason is None and (code not in newest or _rank(candidate) > _rank(newest[code])):
            newest[code] = candidate
    excluded, counted = [], []
    for e in examined:
        if e.reason is not None:
            excluded.append(Exclusion(e.measurement, e.reason))
        elif newest[e.code] is not e:
            excluded.append(Exclusion(e.measurement, Reason.SUPERSEDED))
        elif freshness(e.code, (as_of - e.moment.day).days, formula) is None:
            excluded.append(Exclusion(e.measurement, Reason.STALE))
        else:
            counted.append(e)
    counted.sort(key=lambda e: formula.catalogue[e.code].metric_id)
    return counted, excluded


def _rank(e: Examined) -> tuple:
    """Later day, corrected over final, nearer source, later time, higher id; then whatever makes the choice certain."""
    m = e.measurement
    number = int(m.source_id) if re.fullmatch(WHOLE_ID, m.source_id) else -1
    corrected = m.status.strip(BLANKS).lower() in CORRECTED_STATUSES
    certain = (m.source_id, m.source_table, m.value, m.unit, m.test_code, m.context, m.status, m.measured_on)
    return (e.moment.day, corrected, -m.source_rank, e.moment.time, number, *certain)


def freshness(metric_code: str, age_days: int, formula: Formula) -> Fraction | None:
    """1, one half, or None for a value too old to count."""
    limits = formula.freshness[metric_code]
    if limits.full_days is None or age_days <= limits.full_days:
        return Fraction(1)
    return HALF if age_days <= limits.half_days else None


def _composed(
    counted: list[Examined], excluded: list[Exclusion], person: Person, as_of: dt.date, formula: Formula
) -> Score:
    contributions = _contributions(counted, person, as_of, formula)
    exact = sum((c.points for c in contributions), Fraction(0)) if contributions else None
    applicable = formula.applicable_weight[person.basis]
    coverage = sum((c.weight for c in contributions), Fraction(0)) / applicable if applicable else Fraction(0)
    withheld = _withheld(contributions, coverage, person, as_of, formula)
    decimals = formula.preset.decimals
    composite = half_up(exact, decimals) if exact is not None and withheld is None else None
    complete = coverage >= Fraction(formula.preset.coverage_complete)
    return Score(
        as_of=as_of,
        basis=person.basis,
        status=INSUFFICIENT if composite is None else "complete" if complete else "partial",
        withheld=withheld,
        composite=composite,
        band=INSUFFICIENT if composite is None else formula.band(composite),
        exact=exact,
        categories={c: None if composite is None else _category(contributions, c, decimals) for c in CATEGORIES},
        coverage=coverage,
        contributions=tuple(contributions),
        exclusions=tuple(excluded),
        formula_version=formula.version,
    )


def _contributions(counted: list[Examined], person: Person, as_of: dt.date, formula: Formula) -> list[Contribution]:
    weights = [_effective_weight(e, person, as_of, formula) for e in counted]
    total = sum(weights, Fraction(0))
    if formula.preset.missing_policy == "zero_points":
        total = formula.applicable_weight[person.basis]
    subscores = [formula.subscore(person.basis, e.code, e.reading.value) for e in counted]
    points = [weight * subscore / total for weight, subscore in zip(weights, subscores, strict=True)]
    stored = telescoped(points, CONTRIBUTION_DECIMALS)
    return [
        _contribution(e, person, as_of, formula, subscore=s, points=p, stored_points=d, headroom=100 * w / total - p)
        for e, w, s, p, d in zip(counted, weights, subscores, points, stored, strict=True)
    ]


def _effective_weight(e: Examined, person: Person, as_of: dt.date, formula: Formula) -> Fraction:
    code = e.code
    return formula.rules[person.basis, code].weight * freshness(code, (as_of - e.moment.day).days, formula)


def _contribution(e: Examined, person: Person, as_of: dt.date, formula: Formula, **numbers) -> Contribution:
    code = e.code
    biomarker, rule = formula.catalogue[code], formula.rules[person.basis, code]
    fresh = freshness(code, (as_of - e.moment.day).days, formula)
    side = rule.target.side(e.reading.value)
    return Contribution(
        metric_code=code,
        metric_id=biomarker.metric_id,
        category=biomarker.category,
        measurement=e.measurement,
        measured_on=e.moment.day,
        comparator=e.reading.comparator,
        value=e.reading.value,
        unit=biomarker.unit,
        weight=rule.weight,
        freshness=fresh,
        effective_weight=rule.weight * fresh,
        optimal_status=OPTIMAL_STATUS[side],
        flags=flags_of(e.reading.flags, outside=side != 0, context_unknown=e.context_unknown),
        **numbers,
    )


def flags_of(flags: Iterable[Flag], *, outside: bool, context_unknown: bool) -> tuple[Flag, ...]:
    """A censored value outside its optimum is only a bound; an unknown specimen context is remarked last."""
    bound = [Flag.CENSORED_BOUND if outside and flag is Flag.CENSORED else flag for flag in flags]
    return (*bound, *([Flag.CONTEXT_UNKNOWN] if context_unknown else []))


def _category(contributions: list[Contribution], category: str, decimals: int) -> Decimal | None:
    members = [c for c in contributions if c.category == category]
    total = sum((c.effective_weight for c in members), Fraction(0))
    return (
        half_up(sum((c.effective_weight * c.subscore for c in members), Fraction(0)) / total, decimals)
        if members
        else None
    )


def _withheld(
    contributions: list[Contribution], coverage: Fraction, person: Person, as_of: dt.date, formula: Formula
) -> Withheld | None:
    preset = formula.preset
    if person.birth_date is not None and age_in_years(person.birth_date, as_of) < preset.minimum_age:
        return Withheld.MINOR
    if person.pregnant:
        return Withheld.PREGNANCY
    if person.basis == "neutral" and preset.unknown_gender_policy == "no_score":
        return Withheld.SEX_UNKNOWN
    if coverage >= Fraction(preset.coverage_complete):
        return None
    if coverage < Fraction(preset.coverage_min) or not contributions:
        return Withheld.COVERAGE
    if len(contributions) < preset.min_metrics:
        return Withheld.TOO_FEW_METRICS
    present = {c.category for c in contributions}
    return None if present.issuperset(preset.required_categories) else Withheld.CATEGORY_MISSING
