"""Personal names: repaired, in mixed case, with particles in small letters and suffixes in one form."""

from __future__ import annotations

import re

from ennu_lib.quality.standard.forms import Forms, NameForms
from ennu_lib.quality.standard.outcome import Outcome, kept, left, refused
from ennu_lib.quality.standard.text import LONGEST_VALUE, repaired, settled

_WORD = re.compile(r"[^\W\d_]+")


def name(text: str, forms: Forms) -> Outcome:
    """A personal name: repaired, and in mixed case where it was typed in one case only (rule PAT-05)."""
    if len(text) > LONGEST_VALUE:
        return refused("NOT_A_NAME")
    if forms.names.says_nothing(repaired(text)):
        return refused("PLACEHOLDER")
    clean = settled(text, lambda t: _cased(repaired(t), forms.names))
    if forms.names.says_nothing(clean):
        return refused("PLACEHOLDER")
    return kept(clean) if any(c.isalpha() for c in clean) else refused("NOT_A_NAME")


def _cased(text: str, names: NameForms) -> str:
    return mixed_case(text, names) if text.isupper() or text.islower() else text


def suffix(text: str, forms: Forms) -> Outcome:
    """A generational suffix: Jr, Sr, II, III, IV; any other one stays as it stands."""
    if len(text) > LONGEST_VALUE:
        return left(text, "NOT_A_SUFFIX")
    clean = repaired(text)
    word = clean.casefold().strip(".")
    if clean.casefold() in forms.names.placeholders or not clean:
        return refused("PLACEHOLDER")
    found = forms.names.suffix_of.get(word)
    return kept(found) if found else left(text, "NOT_A_SUFFIX")


def mixed_case(text: str, names: NameForms) -> str:
    """Capitals at the beginning of each part; particles stay small when something stands beside them."""
    parts = text.lower().split(" ")
    cased = [part if part in names.particles and len(parts) > 1 else _capital(part, names) for part in parts]
    return " ".join(cased)


def _capital(part: str, names: NameForms) -> str:
    suffix_form = names.suffix_of.get(part.strip(".,"))
    if suffix_form and suffix_form.isupper():
        return part.upper()
    return _WORD.sub(lambda m: _capital_word(m[0], names), part)


def _capital_word(word: str, names: NameForms) -> str:
    for prefix in names.prefixes:
        if word.startswith(prefix) and len(word) > len(prefix) + 1:
            return prefix.capitalize() + word[len(prefix) :][:1].upper() + word[len(prefix) + 1 :]
    return word[:1].title() + word[1:]
