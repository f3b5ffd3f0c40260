"""Why a measurement does not count, why a score is withheld, and what is worth knowing about a value that counts."""

from enum import StrEnum


class Reason(StrEnum):
    """Exclusion reasons; all but the first two in the order in which the checks are walked."""

    PATIENT_UNKNOWN = "PATIENT_UNKNOWN"
    METRIC_UNKNOWN = "METRIC_UNKNOWN"
    DATE_INVALID = "DATE_INVALID"
    STATUS = "STATUS"
    SUPERSEDED = "SUPERSEDED"
    NON_NUMERIC = "NON_NUMERIC"
    NOT_APPLICABLE = "NOT_APPLICABLE"
    UNIT_UNKNOWN = "UNIT_UNKNOWN"
    UNIT_NOT_CONVERTIBLE = "UNIT_NOT_CONVERTIBLE"
    UNIT_INFERRED = "UNIT_INFERRED"
    IMPLAUSIBLE = "IMPLAUSIBLE"
    CONTEXT = "CONTEXT"
    ACUTE_PHASE = "ACUTE_PHASE"
    GENDER_REQUIRED = "GENDER_REQUIRED"
    STALE = "STALE"


class Withheld(StrEnum):
    """Why a patient has no score, in the order in which the gates are walked."""

    MINOR = "minor"
    PREGNANCY = "pregnancy"
    SEX_UNKNOWN = "sex_unknown"
    COVERAGE = "coverage"
    TOO_FEW_METRICS = "too_few_metrics"
    CATEGORY_MISSING = "category_missing"


class Flag(StrEnum):
    """Remarks on a value that counts, in the order in which they are written.

    `censored`: reported as a limit that lies inside the optimum, so the sub-score is exact; `censored_bound`: the limit
    lies outside, so the sub-score is a bound.
    """

    CENSORED = "censored"
    CENSORED_BOUND = "censored_bound"
    APPROXIMATE = "approximate"
    UNIT_ASSUMED = "unit_assumed"
    CRITICAL_LOW = "critical_low"
    CRITICAL_HIGH = "critical_high"
    CONTEXT_UNKNOWN = "context_unknown"


# Result status words, letters of HL7 table 0085 among them. A table without a status column delivers blank: final.
FINAL_STATUSES = frozenset(["", "final", "f", "complete", "completed", "verified"])
CORRECTED_STATUSES = frozenset(["corrected", "c", "amended", "revised"])
SUPERSEDED_STATUSES = frozenset(["superseded", "replaced"])
