"""The checks that a measurement has to pass before it may count, walked in their order for one patient."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from ennu_lib.scores.formula import Formula
from ennu_lib.scores.measurement import BLANKS, UNKNOWN_TIMES, Measurement, Moment, Person, parse_moment
from ennu_lib.scores.preset import Preset
from ennu_lib.scores.reading import Reading
from ennu_lib.scores.reasons import CORRECTED_STATUSES, FINAL_STATUSES, SUPERSEDED_STATUSES, Reason

_WORDS = re.compile(r"[;|,]")
_AFTER_CONTEXT = (None, Reason.CONTEXT, Reason.ACUTE_PHASE, Reason.GENDER_REQUIRED)


@dataclass(frozen=True)
class Examined:
    """A measurement with what was understood of it; `reason` is None while nothing speaks against it."""

    measurement: Measurement
    moment: Moment | None
    reading: Reading | None
    reason: Reason | None
    context_unknown: bool = False

    @property
    def code(self) -> str:
        """The metric that was measured."""
        return self.measurement.metric_code


def examine_all(
    measurements: Iterable[Measurement], person: Person, as_of: dt.date, formula: Formula
) -> list[Examined]:
    """Examine all measurements of one patient: each gets the reason of the first check that it fails, or none."""
    examined = [_examine(measurement, person, as_of, formula) for measurement in measurements]
    spoiled_days = {
        (code, e.moment.day)
        for code, rule in formula.preset.context.calculated_not_with.items()
        for e in examined
        if e.code == rule.metric and e.reading.spoils and _is_dated_and_final(e, person, as_of)
    }
    return [_without_spoiled(e, spoiled_days) for e in examined]


def _is_dated_and_final(e: Examined, person: Person, as_of: dt.date) -> bool:
    dated = _date_fault(e.measurement, e.moment, person, as_of) is None
    return dated and _status_fault(e.measurement.status) is None


def _without_spoiled(e: Examined, spoiled_days: set[tuple[str, dt.date]]) -> Examined:
    spoiled = e.moment is not None and (e.code, e.moment.day) in spoiled_days
    if spoiled and e.reason in _AFTER_CONTEXT and "calculated" in _words(e.measurement.context):
        return replace(e, reason=Reason.CONTEXT)
    return e


def _examine(measurement: Measurement, person: Person, as_of: dt.date, formula: Formula) -> Examined:
    """Walk the checks in their order; the first that fails gives the reason."""
    code = measurement.metric_code
    if code not in formula.catalogue:
        return Examined(measurement, None, None, Reason.METRIC_UNKNOWN)
    moment = parse_moment(measurement.measured_on)
    reading = formula.reader.read(code, measurement.value, measurement.unit)
    rule_reason = formula.rules[person.basis, code].reason
    context_fault, context_unknown = _context(measurement, moment, reading, person, formula)
    checks = (
        _date_fault(measurement, moment, person, as_of),
        _status_fault(measurement.status),
        reading.fault if reading.fault is Reason.NON_NUMERIC else None,
        rule_reason if rule_reason is Reason.NOT_APPLICABLE else None,
        reading.fault,
        Reason.CONTEXT if context_fault else None,
        Reason.ACUTE_PHASE if reading.acute else None,
        rule_reason,
    )
    reason = next((reason for reason in checks if reason is not None), None)
    return Examined(measurement, moment, reading, reason, context_unknown)


def _date_fault(measurement: Measurement, moment: Moment | None, person: Person, as_of: dt.date) -> Reason | None:
    entered = parse_moment(measurement.entered_at)
    known = (
        moment is not None
        and moment.day <= as_of
        and (person.birth_date is None or moment.day >= person.birth_date)
        and (entered is None or entered.day <= as_of)
    )
    return None if known else Reason.DATE_INVALID


def _status_fault(status: str) -> Reason | None:
    word = status.strip(BLANKS).lower()
    if word in FINAL_STATUSES or word in CORRECTED_STATUSES:
        return None
    return Reason.SUPERSEDED if word in SUPERSEDED_STATUSES else Reason.STATUS


def _context(
    measurement: Measurement, moment: Moment | None, reading: Reading, person: Person, formula: Formula
) -> tuple[bool, bool]:
    """Whether the specimen forbids counting the value, and whether something that matters about it is unknown."""
    code, rules, words = measurement.metric_code, formula.preset.context, _words(measurement.context)
    biomarker = formula.catalogue[code]
    fasting = _state(code in rules.fasting, words, "fasting", "non_fasting")
    morning = _state(_is_morning_metric(code, formula.preset), words, "morning", "not_morning")
    if morning is None:
        morning = _in_the_morning(moment, formula.preset)
    forbidden = (
        fasting is False
        or morning is False
        or (reading.needs_method and measurement.test_code.strip(BLANKS) not in biomarker.lab_codes)
        or (person.pregnant and biomarker.category == "Hormones")
        or (person.on_hormone_therapy and code in rules.suppress_on_therapy)
    )
    cycle_unknown = code in rules.cycle and person.basis == "female" and "cycle_day" not in words
    return forbidden, fasting is None or morning is None or cycle_unknown


def _words(context: str) -> set[str]:
    return {word.strip(BLANKS).lower() for word in _WORDS.split(context)}


def _state(matters: bool, words: set[str], yes: str, no: str) -> bool | None:
    """True where nothing speaks against the specimen, False where it is known to be wrong, None where unknown."""
    if not matters:
        return True
    return False if no in words else True if yes in words else None


def _is_morning_metric(code: str, preset: Preset) -> bool:
    return preset.context.morning is not None and code in preset.context.morning.metrics


def _in_the_morning(moment: Moment | None, preset: Preset) -> bool | None:
    if moment is None or moment.time in UNKNOWN_TIMES:
        return None
    return preset.context.morning.from_ <= moment.time[:5] <= preset.context.morning.to
