"""Optimal and reference ranges: a strict grammar, so that a range is read or refused, never guessed.

`N/A` | `a-b` | `<b` | `<=b` | `>a` | `>=a`, after the legacy wordings of older exports have been rewritten.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

NOT_APPLICABLE = "N/A"

_N = r"[0-9]+(?:\.[0-9]+)?"
_BETWEEN = re.compile(rf"({_N})\s*-\s*({_N})")
_ONE_SIDED = re.compile(rf"(<=|<|>=|>)\s*({_N})")
_UNIT = r"(?:\s*[^\s\d][^\s]*)?"
_LEGACY = (
    (re.compile(rf"less than ({_N}){_UNIT}", re.IGNORECASE), r"<\1"),
    (re.compile(rf"greater than ({_N}){_UNIT}", re.IGNORECASE), r">\1"),
    (re.compile(rf"between ({_N}) and ({_N}){_UNIT}", re.IGNORECASE), r"\1-\2"),
    (re.compile(r"(?:not applicable(?: to \w+)?|n/a)", re.IGNORECASE), NOT_APPLICABLE),
)
_PRESSURE = re.compile(rf"(<=|<)\s*({_N})\s*/\s*({_N})")


@dataclass(frozen=True)
class Range:
    """A closed or half-open interval; an open side is None. `low_strict`: the bound itself is outside."""

    low: Decimal | None
    high: Decimal | None
    low_strict: bool = False
    high_strict: bool = False

    def holds(self, value: Decimal) -> bool:
        """True when `value` is inside, strict bounds taken literally."""
        above = self.low is None or value > self.low or (value == self.low and not self.low_strict)
        below = self.high is None or value < self.high or (value == self.high and not self.high_strict)
        return above and below


def parse_range(text: str) -> Range | None:
    """Read range text; None means that the metric does not apply. Raises ValueError for any other text."""
    plain = modernise(text)
    if plain == NOT_APPLICABLE:
        return None
    if match := _BETWEEN.fullmatch(plain):
        low, high = Decimal(match[1]), Decimal(match[2])
        if low > high:
            raise ValueError(f"range '{text}' has its lower bound above its upper bound")
        return Range(low, high)
    if match := _ONE_SIDED.fullmatch(plain):
        bound, strict = Decimal(match[2]), match[1] in "<>"
        return Range(None, bound, high_strict=strict) if match[1][0] == "<" else Range(bound, None, low_strict=strict)
    raise ValueError(f"range '{text}' is not one of N/A, a-b, <b, <=b, >a, >=a")


def modernise(text: str) -> str:
    """Rewrite the wordings of older exports (`Less than 5.7%`) into the grammar; other text is only trimmed."""
    plain = " ".join(text.split())
    for wording, replacement in _LEGACY:
        if match := wording.fullmatch(plain):
            return match.expand(replacement)
    return plain


def split_pressure_range(text: str) -> tuple[str, str] | None:
    """`< 130/80` as its systolic and diastolic range text; None when the text is no blood pressure range."""
    match = _PRESSURE.fullmatch(" ".join(text.split()))
    return (f"{match[1]}{match[2]}", f"{match[1]}{match[3]}") if match else None
