"""States, ZIP codes, cities and street lines, as USPS Publication 28 writes them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ennu_lib.quality.standard.forms import Forms
from ennu_lib.quality.standard.names import mixed_case
from ennu_lib.quality.standard.outcome import Outcome, kept, refused
from ennu_lib.quality.standard.states import STATES
from ennu_lib.quality.standard.text import LONGEST_VALUE, repaired, settled

STATE_CODES = frozenset(STATES.values())
SHORTEST_SHOUTED = 4
_BOX = re.compile(r"(?i)^(?:p\.?\s*o\.?|post office)\s*box\b\s*")
_DECIMALS = re.compile(r"\.0+$")
_UNIT_NUMBER = re.compile(r"#\s*(\w)")


def state(text: str, forms: Forms) -> Outcome:
    """The two letters of the US Postal Service (rule PAT-11)."""
    if len(text) > LONGEST_VALUE:
        return refused("UNKNOWN_STATE")
    letters = re.sub(r"[^a-z]", "", text.casefold())
    found = STATES.get(letters) or (letters.upper() if letters.upper() in STATE_CODES else None)
    return kept(found) if found else refused("UNKNOWN_STATE")


def zip_code(text: str, forms: Forms) -> Outcome:
    """A ZIP code of five digits, or nine as 12345-6789; leading zeros that a spreadsheet ate come back (PAT-10)."""
    figures = re.sub(r"[\s-]", "", _DECIMALS.sub("", text[:LONGEST_VALUE].strip()))
    if not figures.isascii() or not figures.isdigit():
        return refused("NOT_A_ZIP")
    if len(figures) in (3, 4):
        figures = figures.zfill(5)
    if len(figures) == 8:
        figures = figures.zfill(9)
    if len(figures) == 9:
        return kept(f"{figures[:5]}-{figures[5:]}")
    return kept(figures) if len(figures) == 5 and figures != "00000" else refused("NOT_A_ZIP")


def place(text: str, forms: Forms) -> Outcome:
    """A city: repaired, and in mixed case where it was typed in one case only."""
    if len(text) > LONGEST_VALUE:
        return refused("NOT_A_PLACE")
    clean = settled(text, lambda t: _cased(repaired(t), forms))
    return refused("PLACEHOLDER") if clean.casefold() in forms.names.placeholders or not clean else kept(clean)


def _cased(text: str, forms: Forms) -> str:
    shouted = text.isupper() and len(text) >= SHORTEST_SHOUTED
    small = forms.names.particles | forms.streets.small
    return mixed_case(text, forms.names, small) if text.islower() or shouted else text


def street(text: str, forms: Forms) -> Outcome:
    """A street line: 123 North Main Street, Apartment #4 is 123 N Main St Apt 4."""
    outcome = place(text, forms)
    if outcome.value is None:
        return outcome
    line = _UNIT_NUMBER.sub(r"# \1", _BOX.sub("PO Box ", outcome.value))
    return kept(" ".join(_abbreviated(line.replace(",", " ").split(), forms)))


def _abbreviated(parts: list[str], forms: Forms) -> list[str]:
    """The last street suffix, directions around the name, and units; a word alone before the suffix is a name."""
    of = forms.streets.of
    plain = [part.casefold().replace(".", "") for part in parts]
    unit = next((i for i, word in enumerate(plain) if _is_unit(i, plain, of["units"])), len(parts))
    if plain[unit + 1 : unit + 2] == ["#"] and plain[unit] != "#":
        del parts[unit + 1], plain[unit + 1]
    street = [i for i, word in enumerate(plain[:unit]) if word in of["suffixes"] and i > 1]
    made = list(parts)
    for i, word in enumerate(plain):
        if i == unit and word in of["units"]:
            made[i] = of["units"][word]
        elif street and i == street[-1]:
            made[i] = of["suffixes"][word]
        elif word in of["directions"] and _is_direction(i, plain[:unit], street):
            made[i] = of["directions"][word]
        elif i > unit:
            made[i] = parts[i].upper()
        elif word in forms.streets.capitals:
            made[i] = word.upper()
    return made


def _is_unit(at: int, words: list[str], units: Mapping[str, str]) -> bool:
    """A word for part of a building; at the beginning of a line only with its number behind it."""
    if words[at] == "#":
        return at > 0
    return words[at] in units and (at > 0 or any(c.isdigit() for c in "".join(words[1:3])))


def _is_direction(at: int, words: list[str], street: list[int]) -> bool:
    """Before the street's name when a name is left between it and the suffix, or behind the suffix."""
    if not street:
        return False
    return (at == 1 and street[-1] > 2) or (at == street[-1] + 1 and at < len(words))
