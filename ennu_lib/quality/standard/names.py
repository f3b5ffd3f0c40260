"""Personal names: repaired, in mixed case, with particles in small letters and suffixes in one form."""

from __future__ import annotations

import re

from ennu_lib.quality.standard.forms import Forms, NameForms
from ennu_lib.quality.standard.outcome import Outcome, kept, left, refused
from ennu_lib.quality.standard.text import LONGEST_VALUE, repaired, settled

# A letter keeps the accents behind it, and what stands behind a figure is no beginning of a name: 5th, 12B.
_WORD = re.compile(r"(\d+)?([^\W\d_](?:[^\W\d_]|[\u0300-\u036f])*)")
_ORDINAL = frozenset(("st", "nd", "rd", "th"))


def name(text: str, forms: Forms) -> Outcome:
    """A given or a whole name: repaired, and in mixed case where it was typed in one case only (rule PAT-05)."""
    return _name(text, forms, begins_small=False)


def family_name(text: str, forms: Forms) -> Outcome:
    """A family name: as `name`, and a particle at its beginning stays small, as in van der Berg."""
    return _name(text, forms, begins_small=True)


def _name(text: str, forms: Forms, *, begins_small: bool) -> Outcome:
    if len(text) > LONGEST_VALUE:
        return refused("NOT_A_NAME")
    if forms.names.says_nothing(repaired(text)):
        return refused("PLACEHOLDER")
    clean = settled(text, lambda t: _cased(repaired(t), forms.names, begins_small=begins_small))
    if forms.names.says_nothing(clean):
        return refused("PLACEHOLDER")
    return kept(clean) if any(c.isalpha() for c in clean) else refused("NOT_A_NAME")


def _cased(text: str, names: NameForms, *, begins_small: bool) -> str:
    return (
        mixed_case(text, names, names.particles, begins_small=begins_small)
        if text.isupper() or text.islower()
        else text
    )


def suffix(text: str, forms: Forms) -> Outcome:
    """A generational suffix: Jr, Sr, II, III, IV; any other one stays as it stands."""
    if len(text) > LONGEST_VALUE:
        return left(text, "NOT_A_SUFFIX")
    clean = repaired(text)
    word = clean.casefold().strip(" .,")
    if clean.casefold() in forms.names.placeholders or not clean:
        return refused("PLACEHOLDER")
    found = forms.names.suffix_of.get(word)
    return kept(found) if found else left(text, "NOT_A_SUFFIX")


def mixed_case(text: str, names: NameForms, small: frozenset[str], *, begins_small: bool = False) -> str:
    """Capitals at the beginning of each part; words that are `small` stay so behind another one.

    With `begins_small` they do at the beginning as well, when something stands behind them.
    """
    parts = text.split(" ")
    cased = []
    for number, part in enumerate(parts):
        inside = number > 0 or (begins_small and len(parts) > 1)
        cased.append(part.lower() if inside and part.lower() in small else _capital(part, names))
    return " ".join(cased)


def _capital(part: str, names: NameForms) -> str:
    suffix_form = names.suffix_of.get(part.lower().strip(".,"))
    if suffix_form and suffix_form.isupper():
        return part.upper()
    return _WORD.sub(lambda m: _after_figures(m[1], m[2]) if m[1] else _capital_word(m[2], names), part)


def _after_figures(figures: str, word: str) -> str:
    return figures + (word.lower() if word.lower() in _ORDINAL else word.upper())


def _capital_word(word: str, names: NameForms) -> str:
    small = word.replace("İ", "i").lower()
    for prefix in names.prefixes:
        if small.startswith(prefix) and len(small) > len(prefix) + 1:
            return prefix.capitalize() + small[len(prefix) :][:1].upper() + small[len(prefix) + 1 :]
    first = word[:1].title()
    return first + (small[1:] if len(small) == len(word) else word[1:].lower())
