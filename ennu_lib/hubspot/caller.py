"""Sends requests: waits for the limiter, judges the answer, waits and repeats what may be repeated."""

from __future__ import annotations

import logging
import random
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from ennu_lib.clock import Clock, SystemClock
from ennu_lib.errors import TargetRefused, TargetUnreachable
from ennu_lib.hubspot.answers import Rejection, correlation_of, missing_scopes, rejection_of, row_errors
from ennu_lib.hubspot.limit_params import Family
from ennu_lib.hubspot.limits import Limiter
from ennu_lib.hubspot.paths import Paths
from ennu_lib.hubspot.retry import LOCKED, Meaning, RetryPolicy, Verdict
from ennu_lib.hubspot.transport import NoReply, Reply, Transport

log = logging.getLogger(__name__)

Query = Sequence[tuple[str, str]]


@dataclass
class CallStats:
    """What was sent and how it was answered, by family and by code; for progress lines and evidence."""

    requests: Counter[str] = field(default_factory=Counter)
    answers: Counter[int] = field(default_factory=Counter)
    repeats: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Answered:
    """A 2xx with its JSON."""

    data: dict[str, Any]
    correlation_id: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """A definite no to the whole request."""

    status: int
    rejection: Rejection


@dataclass(frozen=True, slots=True)
class Lost:
    """Every attempt came to nothing certain: the portal may have done it or not."""


Outcome = Answered | Refused | Lost


class Caller:
    """The only place that sends, waits and repeats. Subclasses know the endpoints."""

    def __init__(
        self,
        transport: Transport,
        limiter: Limiter,
        paths: Paths | None = None,
        clock: Clock | None = None,
        policy: RetryPolicy | None = None,
        chance: random.Random | None = None,
    ):
        self.transport = transport
        self.limiter = limiter
        self.paths = paths or Paths()
        self.clock = clock or SystemClock()
        self.policy = policy or RetryPolicy()
        self.stats = CallStats()
        self._chance = chance or random.Random()

    def call(
        self, family: Family, method: str, path: str, query: Query = (), body: Any = None, names: Collection[str] = ()
    ) -> Outcome:
        """One request, repeated by the policy. `names` are the properties that an error may be told by.

        Every request of this library is safe to repeat. Raises TargetRefused for a token or scope that the portal
        does not accept, TargetUnreachable when it cannot be reached or throttles for too long.
        """
        attempts = waits = 0
        while True:
            reply, verdict = self._attempt(family, method, path, query, body, attempts + 1)
            if verdict.meaning is Meaning.ANSWERED:
                return Answered(verdict.data or {}, correlation_of(reply) if reply else "")
            if verdict.meaning is Meaning.REFUSED:
                return self._refused(reply, verdict, names)
            self.stats.repeats[verdict.code or str(verdict.status)] += 1
            if verdict.meaning in (Meaning.THROTTLED, Meaning.EXHAUSTED):
                waits += 1
                self._stand_back(family, waits, verdict)
            else:
                attempts += 1
                if attempts >= self.policy.attempts:
                    return self._lost(verdict)
                self.clock.sleep(verdict.wait)

    def ask(
        self, family: Family, method: str, path: str, query: Query = (), body: Any = None, what: str = "the request"
    ) -> dict[str, Any]:
        """As `call`, for requests that have no rows of their own: the JSON, or an error that names `what`.

        Raises TargetRefused when the portal refuses, TargetUnreachable when no certain answer is to be had.
        """
        outcome = self.call(family, method, path, query, body)
        if isinstance(outcome, Answered):
            self.refuse_errors(outcome, what)
            return outcome.data
        if isinstance(outcome, Refused):
            raise TargetRefused(f"the portal refuses {what}: status {outcome.status}, {outcome.rejection}")
        self.unsure(what)

    def refuse_errors(self, answer: Answered, what: str) -> None:
        """Raise TargetRefused when a 2xx to a request without rows holds errors all the same."""
        for error in row_errors(answer.data, correlation_id=answer.correlation_id):
            raise TargetRefused(f"the portal refuses {what}, in an answer of success: {error.rejection}")

    def unsure(self, what: str) -> NoReturn:
        """Nothing certain is known of a request without rows. Raises TargetUnreachable."""
        raise TargetUnreachable(f"no certain answer to {what} after {self.policy.attempts} attempts; run again later")

    def repeat_later(self, attempt: int) -> None:
        """Wait before a request goes out again although it was answered; `attempt` counts from 1."""
        self.stats.repeats["silent"] += 1
        self.clock.sleep(self.policy.backoff(attempt, self._chance))

    def _attempt(
        self, family: Family, method: str, path: str, query: Query, body: Any, attempt: int
    ) -> tuple[Reply | None, Verdict]:
        permit = self.limiter.acquire(family)
        reply: Reply | None = None
        try:
            reply = self.transport.send(method, path, query, body)
            came: Reply | NoReply = reply
        except NoReply as nothing:
            came = nothing
        finally:
            self.limiter.release(permit, reply.headers if reply else None)
        verdict = self.policy.judge(came, attempt, self._chance)
        self.stats.requests[family] += 1
        self.stats.answers[verdict.status] += 1
        if verdict.meaning is not Meaning.ANSWERED:
            log.info("%s request: %s, status %d, %s", family, verdict.meaning.value, verdict.status, verdict.code)
        return reply, verdict

    def _refused(self, reply: Reply | None, verdict: Verdict, names: Collection[str]) -> Refused:
        rejection = rejection_of(
            {"correlationId": correlation_of(reply) if reply else "", **(verdict.data or {})}, names
        )
        trace = f"; correlation id {rejection.correlation_id}" if rejection.correlation_id else ""
        if verdict.status == 401:
            raise TargetRefused(f"the portal does not accept the token; check the secret and its expiry{trace}")
        if verdict.status == 403:
            scopes = ", ".join(missing_scopes(verdict.data or {})) or "not named by the portal"
            raise TargetRefused(f"the token lacks scopes ({scopes}); add them to the app and make a new token{trace}")
        return Refused(verdict.status, rejection)

    def _stand_back(self, family: Family, waits: int, verdict: Verdict) -> None:
        """A lock concerns this request; a limit concerns everybody who uses the same budget."""
        if waits > self.policy.waits:
            raise TargetUnreachable(
                f"the portal has answered {verdict.status} {verdict.code} {waits} times in a row; run again later"
            )
        if verdict.meaning is Meaning.EXHAUSTED:
            self.limiter.day_exhausted(family)
        elif verdict.status == LOCKED:
            self.clock.sleep(verdict.wait)
        else:
            self.limiter.pause(family, verdict.wait)

    def _lost(self, verdict: Verdict) -> Lost:
        if verdict.meaning is Meaning.UNREACHABLE:
            raise TargetUnreachable("the portal does not answer; check its address and the network, then run again")
        return Lost()
