"""The one retry policy: what an answer means, and how long to wait before the same request may go out again.

Nothing below this layer retries. Waiting times: 423 and 429 as HubSpot documents them, 429 by policy as in its own
Node client (10 s on TEN_SECONDLY_ROLLING, 1 s on SECONDLY), 477 by its Retry-After, everything else with full jitter.
"""

from __future__ import annotations

import enum
import random
from dataclasses import dataclass
from typing import Any

from ennu_lib.hubspot.answers import payload
from ennu_lib.hubspot.transport import NoReply, Reply

LOCKED, TOO_MANY, MIGRATING = 423, 429, 477
LONGEST_MIGRATION_SECONDS = 24 * 3600.0


class Meaning(enum.Enum):
    """What a request came to."""

    ANSWERED = "answered"  # a 2xx with a readable body; its errors are still to be read
    REFUSED = "refused"  # a definite no
    THROTTLED = "throttled"  # not done; may be sent again after the wait, any number of times
    EXHAUSTED = "exhausted"  # not done; the day's budget is used up
    UNREACHABLE = "unreachable"  # nothing was sent
    AMBIGUOUS = "ambiguous"  # done or not done: only what is safe to repeat may be sent again


@dataclass(frozen=True, slots=True)
class Verdict:
    """The meaning of one attempt, the seconds to wait before the next, and the JSON of the answer."""

    meaning: Meaning
    wait: float = 0.0
    status: int = 0
    code: str = ""
    data: dict[str, Any] | None = None


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how long. `attempts` counts ambiguous and unreachable ones; `waits` the throttled ones."""

    attempts: int = 6
    waits: int = 60
    first_seconds: float = 0.5
    longest_seconds: float = 30.0
    locked_seconds: float = 2.0
    burst_seconds: float = 10.0
    secondly_seconds: float = 1.0
    migrating_seconds: float = 60.0

    def backoff(self, attempt: int, chance: random.Random) -> float:
        """Full jitter below an exponential ceiling, never shorter than a tenth of it; `attempt` counts from 1."""
        ceiling = min(self.longest_seconds, self.first_seconds * 2 ** (attempt - 1))
        return chance.uniform(ceiling / 10, ceiling)

    def judge(self, came: Reply | NoReply, attempt: int, chance: random.Random) -> Verdict:
        """What the answer of attempt number `attempt` means."""
        if isinstance(came, NoReply):
            meaning = Meaning.UNREACHABLE if came.why == "unreachable" else Meaning.AMBIGUOUS
            return Verdict(meaning, self.backoff(attempt, chance), code=came.why)
        data = payload(came)
        if came.status in (LOCKED, TOO_MANY, MIGRATING):
            return self._throttled(came, data or {}, attempt, chance)
        if 200 <= came.status < 300 and data is not None:
            return Verdict(Meaning.ANSWERED, status=came.status, data=data)
        if 200 <= came.status < 300 or came.status >= 500 or came.status == 408:
            return Verdict(Meaning.AMBIGUOUS, self.backoff(attempt, chance), came.status, "no JSON object")
        return Verdict(Meaning.REFUSED, status=came.status, data=data or {})

    def _throttled(self, came: Reply, data: dict[str, Any], attempt: int, chance: random.Random) -> Verdict:
        asked = _seconds(came.headers.get("retry-after"))
        if came.status == LOCKED:
            wait = max(asked, self.locked_seconds) + self.backoff(attempt, chance)
            return Verdict(Meaning.THROTTLED, wait, came.status, "LOCKED")
        if came.status == MIGRATING:
            wait = min(asked or self.migrating_seconds, LONGEST_MIGRATION_SECONDS)
            return Verdict(Meaning.THROTTLED, wait, came.status, "MIGRATION_IN_PROGRESS")
        policy = data.get("policyName")
        if policy == "DAILY":
            return Verdict(Meaning.EXHAUSTED, status=came.status, code="DAILY")
        if policy == "SECONDLY":
            return Verdict(Meaning.THROTTLED, max(asked, self.secondly_seconds), came.status, "SECONDLY")
        return Verdict(Meaning.THROTTLED, max(asked, self.burst_seconds), came.status, "TEN_SECONDLY_ROLLING")


def _seconds(header: str | None) -> float:
    try:
        return max(0.0, float(header)) if header else 0.0
    except ValueError:
        return 0.0
