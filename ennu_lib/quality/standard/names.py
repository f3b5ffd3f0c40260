"""Personal names: repaired, in mixed case, with particles in small letters and suffixes in one form."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import polars as pl

from ennu_lib.quality.standard.forms import Forms, NameForms
from ennu_lib.quality.standard.outcome import Outcome, kept, left, refused
from ennu_lib.quality.standard.text import LONGEST_VALUE, repaired, settled

# A letter keeps the accents behind it, and what stands behind a figure is no beginning of a name: 5th, 12B.
_WORD = re.compile(r"(\d+)?([^\W\d_](?:[^\W\d_]|[\u0300-\u036f])*)")
# One capital at the beginning of each part.
PLAIN = r"^[A-Z][a-z]+(?:[ -][A-Z][a-z]+)*$"
NOBODY: Mapping[str, str] = {}
LONGEST_NAME = 100
_ORDINAL = frozenset(("st", "nd", "rd", "th"))


def name(text: str, forms: Forms, usual: Mapping[str, str] = NOBODY) -> Outcome:
    """A given or a whole name: repaired, and in mixed case where it was typed in one case only (rule PAT-05).

    `usual` is how the clinic writes names whose mixed case no rule gives, by their small letters.
    """
    return _name(text, forms, usual, begins_small=False)


def family_name(text: str, forms: Forms, usual: Mapping[str, str] = NOBODY) -> Outcome:
    """A family name: as `name`, and a particle at its beginning stays small, as in van der Berg."""
    return _name(text, forms, usual, begins_small=True)


def usual_names(
    rows: pl.LazyFrame, column: str, forms: Forms, standard: Callable[[str, Forms], Outcome]
) -> dict[str, str]:
    """Small letters of a name to the mixed case in which `column` has it most often, where `standard` gives another.

    `MACDONALD` is MacDonald in a clinic that has a MacDonald elsewhere, and Macdonald in one that has a Macdonald.
    """
    text = pl.col(column)
    mixed = (text != text.str.to_uppercase()) & (text != text.str.to_lowercase())
    short = text.str.len_chars() <= LONGEST_NAME
    begins = "|".join(sorted(word.capitalize() for word in forms.names.particles | forms.names.prefixes))
    by_rule = text.str.contains(PLAIN) & ~text.str.contains(rf"(?:^|[ -])(?:{begins})")
    named = rows.select(pl.col(column).cast(pl.String, strict=False)).filter(mixed & short)
    counted = named.group_by(column).len("rows").with_columns(folded=text.str.to_lowercase(), odd=~by_rule)
    wanted = counted.filter(pl.col("odd").any().over("folded")).sort("rows", column, descending=[True, False])
    best = wanted.unique("folded", keep="first", maintain_order=True).select("folded", column)
    found = best.collect(engine="streaming").iter_rows()
    return {
        small: spelled
        for small, spelled in found
        if standard(spelled, forms).value == spelled != standard(small, forms).value
    }


def _name(text: str, forms: Forms, usual: Mapping[str, str], *, begins_small: bool) -> Outcome:
    if len(text) > LONGEST_VALUE:
        return refused("NOT_A_NAME")
    if forms.names.says_nothing(repaired(text)):
        return refused("PLACEHOLDER")
    clean = settled(text, lambda t: _cased(repaired(t), forms.names, usual, begins_small=begins_small))
    if forms.names.says_nothing(clean):
        return refused("PLACEHOLDER")
    return kept(clean) if any(c.isalpha() for c in clean) else refused("NOT_A_NAME")


def _cased(text: str, names: NameForms, usual: Mapping[str, str], *, begins_small: bool) -> str:
    if not (text.isupper() or text.islower()):
        return text
    return usual.get(text.lower()) or mixed_case(text, names, names.particles, begins_small=begins_small)


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
