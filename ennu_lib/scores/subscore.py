"""Sub-scores: how well one value does against one target, 0 to 100, in exact fractions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from ennu_lib.catalog.biomarker import ZeroPoints
from ennu_lib.catalog.ranges import Range
from ennu_lib.scores.preset import GenderTarget

FULL = Fraction(100)
NONE = Fraction(0)


@dataclass(frozen=True)
class Target:
    """What a value is held against, in the canonical unit. An open side, or one never penalised, is None."""

    low: Fraction | None
    high: Fraction | None
    low_strict: bool = False
    high_strict: bool = False
    zero_low: Fraction | None = None
    zero_high: Fraction | None = None
    high_ok: bool = False

    def side(self, value: Fraction) -> int:
        """-1 below the range, 1 above, 0 inside; strict bounds are taken literally."""
        if self.low is not None and (value < self.low or (self.low_strict and value == self.low)):
            return -1
        if self.high is not None and (value > self.high or (self.high_strict and value == self.high)):
            return 1
        return 0

    def slopes(self) -> Iterator[Fraction]:
        """Points per canonical unit between each bound and its zero point."""
        for bound, zero in ((self.low, self.zero_low), (self.high, self.zero_high)):
            if bound is not None and zero is not None and bound != zero:
                yield FULL / abs(bound - zero)


def linear(target: Target, value: Fraction) -> Fraction:
    """100 inside the optimum, straight down to 0 at the zero point, 0 beyond; 100 on a side without zero point."""
    if target.low is not None and value < target.low:
        return _fall(value, target.zero_low, target.low)
    if target.high is not None and value > target.high:
        return _fall(value, target.zero_high, target.high)
    return FULL


def _fall(value: Fraction, zero: Fraction | None, bound: Fraction) -> Fraction:
    if zero is None:
        return FULL
    return max(NONE, FULL * (value - zero) / (bound - zero)) if zero != bound else NONE


def binary(target: Target, value: Fraction) -> Fraction:
    """100 inside the range, and above it where the target allows that; else 0."""
    side = target.side(value)
    return FULL if side == 0 or (side == 1 and target.high_ok) else NONE


SUBSCORES: dict[str, Callable[[Target, Fraction], Fraction]] = {"linear": linear, "binary": binary}


def target_of_range(optimum: Range, zero_points: ZeroPoints | None, fallback_span: Fraction) -> Target:
    """The target of a row of the metric table.

    Without zero points in the table, 0 is reached at `fallback_span` times the width of the optimum beyond its bound,
    or times the bound itself where the optimum has one side only.
    """
    low, high = _fraction(optimum.low), _fraction(optimum.high)
    if zero_points is not None:
        zero_low, zero_high = _fraction(zero_points.low), _fraction(zero_points.high)
    else:
        width = (high - low if low is not None and high is not None else Fraction(0)) or high or low
        zero_low = low - fallback_span * width if low is not None else None
        zero_high = high + fallback_span * width if high is not None else None
    return Target(low, high, optimum.low_strict, optimum.high_strict, zero_low, zero_high)


def target_of_gender(given: GenderTarget) -> Target:
    """The target of a preset that brings its own ranges."""
    return Target(Fraction(given.lo), Fraction(given.hi), high_ok=given.high_ok)


def _fraction(number) -> Fraction | None:
    return None if number is None else Fraction(number)
