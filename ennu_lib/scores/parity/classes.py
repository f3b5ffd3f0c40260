"""The classes of parity, in the order in which they are tried, and what each says about a stored score."""

from __future__ import annotations

from enum import StrEnum


class ParityClass(StrEnum):
    """Why a stored score is what it is; the first that reproduces it. Source: health score definition, section 7."""

    EXACT = "EXACT"
    ROUNDING = "ROUNDING"
    BOUNDARY = "BOUNDARY"
    MISSING_POLICY = "MISSING_POLICY"
    STALE_POLICY = "STALE_POLICY"
    LATE_INPUT = "LATE_INPUT"
    RANGE_VERSION = "RANGE_VERSION"
    UNIT = "UNIT"
    GENDER = "GENDER"
    DUPLICATE_CODE = "DUPLICATE_CODE"
    UNEXPLAINED = "UNEXPLAINED"
    NOT_COMPARABLE = "NOT_COMPARABLE"


PASSING = (ParityClass.EXACT, ParityClass.ROUNDING, ParityClass.BOUNDARY)
POLICY = (ParityClass.MISSING_POLICY, ParityClass.STALE_POLICY, ParityClass.RANGE_VERSION)
FOR_THE_CLINIC = (ParityClass.UNIT, ParityClass.GENDER, ParityClass.DUPLICATE_CODE)
COUNTS_AS = {
    ParityClass.EXACT: "pass",
    ParityClass.ROUNDING: "pass",
    ParityClass.BOUNDARY: "pass, listed",
    ParityClass.MISSING_POLICY: "explained: a policy to ask about",
    ParityClass.STALE_POLICY: "explained: another limit of age",
    ParityClass.LATE_INPUT: "explained: other inputs on the day",
    ParityClass.RANGE_VERSION: "explained: another version of the metric table",
    ParityClass.UNIT: "defect of a source value",
    ParityClass.GENDER: "defect of the demographics",
    ParityClass.DUPLICATE_CODE: "defect of the old formula",
    ParityClass.UNEXPLAINED: "fail, listed with both contribution tables",
    ParityClass.NOT_COMPARABLE: "no day, number or patient, or no id of its own",
}
