"""What a standardization makes of one value: a standard form, or a reason why there is none."""

from __future__ import annotations

from typing import NamedTuple


class Outcome(NamedTuple):
    """`value` is null exactly when `reason` says why."""

    value: str | None
    reason: str | None = None


def kept(value: str) -> Outcome:
    """A value in its standard form."""
    return Outcome(value)


def refused(reason: str) -> Outcome:
    """No value, and why."""
    return Outcome(None, reason)
