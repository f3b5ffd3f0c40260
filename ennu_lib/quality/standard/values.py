"""Numbers: laboratory values with their comparator, money, durations, and units in UCUM."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal

from ennu_lib.catalog.reading import LONGEST_NUMBER, parse_number
from ennu_lib.catalog.units import UnitAliases
from ennu_lib.quality.standard.forms import Forms
from ennu_lib.quality.standard.outcome import Outcome, kept, left, refused
from ennu_lib.quality.standard.text import LONGEST_VALUE, repaired

# A flag of the analyser, an asterisk or an equals sign beside the number says nothing that another column does not.
_DECORATED = re.compile(r"=?\s*(\S.*?)\s*(?:\*+|(?:H|L|HH|LL|A)|\((?:H|L|HH|LL|A)\))?")
_COMPARED = re.compile(r"(<=|>=|<|>|≤|≥)?\s*([+-]?[0-9.,]+)")
_SIGNS = {"≤": "<=", "≥": ">="}
_CURRENCY = r"(?:USD|US\$|\$)?"
_MONEY = re.compile(
    rf"(-)?\s*{_CURRENCY}\s*(-)?\s*([0-9]{{1,3}}(?:,[0-9]{{3}})+|[0-9]+)?(\.[0-9]{{0,4}})?\s*(-)?\s*(?:USD)?"
)
_IN_BRACKETS = re.compile(rf"{_CURRENCY}\s*\(([^()-]*)\)\s*(?:USD)?")
_MINUTES = re.compile(r"([0-9]+)(\.0+)?")
CENT = Decimal("0.01")
LONGEST_AMOUNT = 20


def value(text: str, forms: Forms) -> Outcome:
    """A laboratory value as plain number, with `<`, `<=`, `>` or `>=` before it when it is censored (rule CLN-05).

    What is no number stays as it stands: the words of a laboratory are a result too.
    """
    if not text.strip():
        return refused("BLANK")
    stripped = _DECORATED.fullmatch(text.strip()) if len(text) <= LONGEST_NUMBER else None
    inner = stripped[1] if stripped else ""
    match = _COMPARED.fullmatch(inner)
    if match is None or parse_number(inner) is None:
        return left(text, "NON_NUMERIC")
    comparator = match[1] or ""
    return kept(_SIGNS.get(comparator, comparator) + _digits(match[2]))


def _digits(number: str) -> str:
    whole = number.replace(",", "").lstrip("+")
    sign, figures = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    return f"{sign}0{figures}" if figures.startswith(".") else sign + figures


def amount(text: str, forms: Forms) -> Outcome:
    """Money in dollars and cents, without sign and separators: ($1,250.00), $(1,250.00) and 1,250.00- are -1250.00."""
    clean = text.strip()
    if not clean:
        return refused("BLANK")
    if len(clean) > LONGEST_AMOUNT or not clean.isascii():
        return left(text, "NOT_AN_AMOUNT")
    negative = _IN_BRACKETS.fullmatch(clean)
    match = _MONEY.fullmatch(negative[1].strip() if negative else clean)
    minus = [sign for sign in (match[1], match[2], match[5]) if sign] if match else []
    if match is None or not (match[3] or len(match[4] or "") > 1) or len(minus) > 1:
        return left(text, "NOT_AN_AMOUNT")
    number = Decimal((match[3] or "0").replace(",", "") + (match[4] or ""))
    if minus or negative:
        number = -number
    return kept(str(number.quantize(CENT, ROUND_HALF_UP) + 0))


def minutes(text: str, forms: Forms) -> Outcome:
    """A session's length in minutes; a longer one that divides by sixty was stored in seconds (rule CLN-21)."""
    clean = text.strip()
    match = _MINUTES.fullmatch(clean) if len(clean) <= LONGEST_NUMBER else None
    if match is None:
        return left(text, "NOT_MINUTES")
    length, point = int(match[1]), ".0" if match[2] else ""  # as a column of floating-point numbers writes it
    if length <= forms.longest_session_minutes:
        return kept(f"{length}{point}")
    as_seconds, rest = divmod(length, 60)
    plausible = rest == 0 and as_seconds <= forms.longest_session_minutes
    return kept(f"{as_seconds}{point}") if plausible else left(text, "TOO_LONG")


def dose_unit(text: str, forms: Forms) -> Outcome:
    """The UCUM code of a dose's unit; any other unit stays as it stands."""
    word = repaired(text[:LONGEST_VALUE])
    if not word or word.casefold() in forms.placeholders:
        return refused("PLACEHOLDER" if word else "BLANK")
    found = forms.dose_unit_of.get(word) or forms.dose_unit_of.get(word.casefold())
    return kept(found) if found else left(text, "UNKNOWN_UNIT")


def unit(text: str, aliases: UnitAliases) -> Outcome:
    """The UCUM code of a unit whose spelling is known; any other unit stays as it stands."""
    if not text.strip():
        return refused("BLANK")
    if len(text) > LONGEST_VALUE:
        return left(text, "UNKNOWN_UNIT")
    found = aliases.resolve(text, "")
    return kept(found) if found else left(text, "UNKNOWN_UNIT")
