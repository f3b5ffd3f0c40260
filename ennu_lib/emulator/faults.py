"""Faults on request: which request gets which, decided by a seed.

A plan is a list of rules. A rule fires on the requests that match its method and path, by probability or by count;
the k-th matching request of a rule always draws the same number, so one seed gives one run.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import cached_property
from random import Random
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from ennu_lib.emulator.calls import Answer
from ennu_lib.emulator.errors import ApiError
from ennu_lib.emulator.limits import limit_reached


class Kind(StrEnum):
    """What goes wrong, and whether the request was carried out."""

    RESET_BEFORE = "reset_before"
    LOCKED = "locked"
    BURST = "burst"
    DAILY = "daily"
    MIGRATING = "migrating"
    SERVER_ERROR = "server_error"
    GATEWAY_TIMEOUT = "gateway_timeout"
    SILENT_EMPTY = "silent_empty"
    SLOW = "slow"
    PARTIAL = "partial"
    COMMIT_THEN_TIMEOUT = "commit_then_timeout"
    DROP_AFTER_WRITE = "drop_after_write"
    RESET_AFTER = "reset_after"
    BAD_GATEWAY = "bad_gateway"
    HTML = "html"
    TRUNCATED = "truncated"
    DRIP = "drip"
    MISSING_RESULTS = "missing_results"


INSTEAD = {Kind.LOCKED, Kind.BURST, Kind.DAILY, Kind.MIGRATING, Kind.SERVER_ERROR, Kind.GATEWAY_TIMEOUT}
"""An error in place of the work: nothing is written."""

HTML_PAGE = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"


class FaultRule(BaseModel):
    """One kind of fault and the requests that it befalls."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind
    method: str | None = None
    path: str = Field(default="", description="a regular expression, searched in the path")
    probability: float = Field(default=1.0, ge=0, le=1)
    skip: int = Field(default=0, ge=0, description="matching requests that pass first")
    times: int | None = Field(default=None, ge=0, description="how often at most")
    seconds: float = Field(default=30.0, ge=0, description="how long slow, drip and commit_then_timeout take")
    status: int | None = Field(default=None, ge=200, le=599, description="another status than the kind's own")

    @field_validator("path")
    @classmethod
    def _is_a_pattern(cls, path: str) -> str:
        try:
            re.compile(path)
        except re.error as problem:
            raise ValueError(f"not a regular expression: {problem}") from None
        return path

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The compiled path."""
        return re.compile(self.path)

    def matches(self, method: str, path: str) -> bool:
        """Whether a request may get this fault."""
        return self.method in (None, method) and self.pattern.search(path) is not None


class FaultPlan(BaseModel):
    """Rules in order of precedence, and the seed of their draws."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int = 0
    rules: tuple[FaultRule, ...] = ()


class Faults:
    """The plan in force, and how often each rule has matched and fired."""

    def __init__(self, plan: FaultPlan | None = None):
        self.replace(plan or FaultPlan())

    def replace(self, plan: FaultPlan) -> None:
        """Put another plan in force and start counting anew."""
        self.plan = plan
        self.matched = [0] * len(plan.rules)
        self.fired = [0] * len(plan.rules)

    def choose(self, method: str, path: str) -> FaultRule | None:
        """The fault of this request: the first rule that matches and fires."""
        for index, rule in enumerate(self.plan.rules):
            if not rule.matches(method, path):
                continue
            self.matched[index] += 1
            if self._fires(index, rule):
                self.fired[index] += 1
                return rule
        return None

    def _fires(self, index: int, rule: FaultRule) -> bool:
        nth = self.matched[index]
        if nth <= rule.skip or (rule.times is not None and self.fired[index] >= rule.times):
            return False
        return Random(f"{self.plan.seed}:{index}:{nth}").random() < rule.probability

    def report(self) -> dict[str, Any]:
        """The plan with its counts."""
        counts = [{"matched": m, "fired": f} for m, f in zip(self.matched, self.fired, strict=True)]
        return {"plan": self.plan.model_dump(mode="json"), "counts": counts}


def error_instead(rule: FaultRule, retry_after_header: bool) -> ApiError:
    """The error that comes in place of the work."""
    hint = 1.0 if retry_after_header else None
    if rule.kind is Kind.BURST:
        return limit_reached("TEN_SECONDLY_ROLLING", hint)
    if rule.kind is Kind.DAILY:
        return limit_reached("DAILY", hint)
    if rule.kind is Kind.LOCKED:
        return locked()
    if rule.kind is Kind.MIGRATING:
        error = ApiError(
            rule.status or 477, "This account is being migrated. Try again later.", "MIGRATION_IN_PROGRESS"
        )
        error.headers["Retry-After"] = str(int(rule.seconds))
        return error
    status = rule.status or (504 if rule.kind is Kind.GATEWAY_TIMEOUT else 500)
    return ApiError(status, "internal error", None)


def locked() -> ApiError:
    """423: another write holds the record; locks last two seconds [documented]."""
    return ApiError(423, "The resource is locked. Locks will last for 2 seconds.", "LOCKED")


def without_some_results(answer: Answer, seed: int, nth: int) -> Answer:
    """A batch answer that has lost a third of its results, at least one, and names no error for them."""
    body = answer.body
    if isinstance(body, dict) and body.get("results"):
        kept = list(body["results"])
        for _ in range(max(1, len(kept) // 3)):
            kept.pop(Random(f"{seed}:{nth}:{len(kept)}").randrange(len(kept)))
        return Answer(answer.status, {**body, "results": kept}, answer.headers)
    return answer
