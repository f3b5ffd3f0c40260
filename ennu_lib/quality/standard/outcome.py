"""What a standardization makes of one value: a standard form, no value, or the value as it stands, each with why."""

from __future__ import annotations

from typing import NamedTuple


class Outcome(NamedTuple):
    """A value without a reason is in standard form; no value has a reason; a value with a reason was left alone."""

    value: str | None
    reason: str | None = None


def kept(value: str) -> Outcome:
    """A value in its standard form."""
    return Outcome(value)


def refused(reason: str) -> Outcome:
    """No value, and why: what stood there said nothing, or cannot be used."""
    return Outcome(None, reason)


def left(value: str, reason: str) -> Outcome:
    """The value as it stands, and why it has no standard form: clinical and financial values are never emptied."""
    return Outcome(value, reason)
