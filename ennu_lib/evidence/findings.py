"""What a check found, in a form that a reviewer can decide from."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from pydantic import Field

from ennu_lib.config import Strict

LISTED = 20  # references in a finding; all of them are in the file that it names


class Status(StrEnum):
    """The outcome of one check."""

    PASS = "pass"
    PASS_WITH_EXCEPTIONS = "pass_with_exceptions"
    FAIL = "fail"
    NOT_APPLICABLE = "not_applicable"
    ERROR = "error"


class Severity(StrEnum):
    """How much a failed check weighs: `error` fails the phase, and `block` leaves it without an end marker as well."""

    INFO = "info"
    WARN = "warn"
    ERROR = "error"
    BLOCK = "block"


class RowReferences(Strict):
    """The rows that a finding is about, by keyed pseudonyms that resolve in the workspace only.

    The first `listed` in their own order, the true `total`, and the workspace `file` that has all with their keys.
    """

    listed: list[str] = Field(max_length=LISTED)
    total: int = Field(ge=0)
    file: str


def row_references(pseudonyms: Iterable[str], file: str) -> RowReferences:
    """References to rows of workspace file `file`; a row that is named several times counts once."""
    distinct = sorted(set(pseudonyms))
    return RowReferences(listed=distinct[:LISTED], total=len(distinct), file=file)


class Finding(Strict):
    """One check: `numerator` of `denominator` rows or records did not hold; `threshold` is what is tolerated.

    `rows` says which, where the check knows them row by row.
    """

    id: str
    title: str
    status: Status
    severity: Severity = Severity.WARN
    numerator: int | None = None
    denominator: int | None = None
    threshold: float | None = None
    threshold_reason: str = ""
    note: str = ""
    rows: RowReferences | None = None


def check(
    id: str,
    title: str,
    failed: int,
    out_of: int,
    *,
    tolerated: float = 0.0,
    reason: str = "",
    severity: Severity = Severity.ERROR,
    note: str = "",
) -> Finding:
    """A finding from a count: `failed` of `out_of` did not hold, a share of up to `tolerated` is accepted.

    An empty population is 'not applicable', never a pass.
    """
    if out_of == 0:
        status = Status.NOT_APPLICABLE
    elif failed == 0:
        status = Status.PASS
    else:
        status = Status.PASS_WITH_EXCEPTIONS if failed / out_of <= tolerated else Status.FAIL
    return Finding(
        id=id,
        title=title,
        status=status,
        severity=severity,
        numerator=failed,
        denominator=out_of,
        threshold=tolerated,
        threshold_reason=reason,
        note=note,
    )


def verdict_of(findings: list[Finding]) -> Status:
    """The verdict of a phase: the worst of its findings, where only error and block severities can fail it."""
    serious = [f for f in findings if f.severity in (Severity.ERROR, Severity.BLOCK)]
    if any(f.status is Status.ERROR for f in findings):
        return Status.ERROR
    if any(f.status is Status.FAIL for f in serious):
        return Status.FAIL
    if any(f.status in (Status.FAIL, Status.PASS_WITH_EXCEPTIONS) for f in findings):
        return Status.PASS_WITH_EXCEPTIONS
    return Status.PASS
