"""How a reported laboratory value is read: a number, possibly censored, or no number at all."""

from __future__ import annotations

import re
from fractions import Fraction

COMPARATORS = {"": "eq", "<": "lt", "<=": "le", ">": "gt", ">=": "ge", "≤": "le", "≥": "ge"}
LONGEST_NUMBER = 40

_NUMBER = re.compile(
    r"\s*(<=|>=|<|>|≤|≥)?\s*([+-]?)(?=\.?[0-9])([0-9]{1,3}(?:,[0-9]{3})+|[0-9]*)(?:\.([0-9]+))?\s*",
)


def parse_number(text: str) -> tuple[str, Fraction] | None:
    """`<0.2` as ('lt', 1/5). Thousands commas are accepted, everything else is None."""
    match = _NUMBER.fullmatch(text) if len(text) <= LONGEST_NUMBER else None
    if match is None:
        return None
    comparator, sign, whole, decimals = match.groups("")
    number = Fraction(int(whole.replace(",", "") + decimals), 10 ** len(decimals))
    return COMPARATORS[comparator], -number if sign == "-" else number
