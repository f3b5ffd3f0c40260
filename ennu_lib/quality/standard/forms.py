"""The word lists and limits of `params/rules/standard_forms.yml`, turned round for looking up."""

from __future__ import annotations

import datetime as dt
import re
from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from ennu_lib.config import Strict, load_model

Words = frozenset[str]
Spellings = dict[str, list[str]]
_SPAN = re.compile(r"(\d{3})(?:-(\d{3}))?")


def _spans(text: object) -> str:
    if not all(_SPAN.fullmatch(part) for part in str(text).split()):
        raise ValueError("give three-digit prefixes, such as '350-369' or '200 202-205'")
    return str(text)


class NameForms(Strict):
    """Words that matter in personal names."""

    placeholders: Words
    names_all_the_same: Words
    particles: Words
    prefixes: Words
    suffixes: Spellings

    @cached_property
    def suffix_of(self) -> dict[str, str]:
        """Spelling of a generational suffix to its standard form."""
        return spelled(self.suffixes)

    def says_nothing(self, text: str) -> bool:
        """Whether `text` stands for no name."""
        word = text.casefold()
        return word in self.placeholders and not (word in self.names_all_the_same and text == word.capitalize())


class EmailForms(Strict):
    """Mailboxes and domains that reach nobody."""

    placeholder_mailboxes: Words
    placeholder_domains: Words
    dead_domains: Words


class SharedDefault(Strict):
    """A day that is a default of the old system when more than `share` of all birth dates are that day."""

    day: dt.date
    share: float = Field(gt=0, lt=1)


class DateForms(Strict):
    """Limits of dates."""

    earliest_birth: dt.date
    youngest: int = Field(ge=0, le=60)
    years_ahead: int = Field(ge=0, le=60)
    shared_default: SharedDefault


class StreetForms(Strict):
    """Abbreviations of USPS Publication 28, words that stay small, and words that are capitals."""

    suffixes: Spellings
    directions: Spellings
    units: Spellings
    small: Words
    capitals: Words

    @cached_property
    def of(self) -> dict[str, dict[str, str]]:
        """Spelling to abbreviation, for each kind of word."""
        return {name: spelled(getattr(self, name)) for name in ("suffixes", "directions", "units")}


class Forms(Strict):
    """All of params/rules/standard_forms.yml."""

    placeholders: Words
    names: NameForms
    emails: EmailForms
    sexes: Spellings
    dates: DateForms
    languages: Spellings
    dose_units: Spellings
    streets: StreetForms
    zip_prefixes: dict[str, Annotated[str, AfterValidator(_spans)]]
    most_spellings: int = Field(ge=2)
    longest_session_minutes: int = Field(ge=1)

    @cached_property
    def sex_of(self) -> dict[str, str]:
        """Spelling to sex."""
        return spelled(self.sexes)

    @cached_property
    def language_of(self) -> dict[str, str]:
        """Spelling to the English name of the language."""
        return spelled(self.languages)

    @cached_property
    def dose_unit_of(self) -> dict[str, str]:
        """Spelling of a dose's unit to its UCUM code."""
        return spelled(self.dose_units) | {unit: unit for unit in self.dose_units}

    @cached_property
    def states_of_prefix(self) -> dict[str, list[str]]:
        """First three digits of a ZIP code to the states that have them."""
        found: dict[str, list[str]] = {}
        for state, spans in self.zip_prefixes.items():
            for first, last in (m.groups() for m in map(_SPAN.fullmatch, spans.split()) if m):
                for number in range(int(first), int(last or first) + 1):
                    found.setdefault(f"{number:03}", []).append(state)
        return found


def spelled(options: Spellings) -> dict[str, str]:
    """Every spelling in small letters to the option it stands for; an option stands for itself."""
    table = {spelling.casefold(): option for option, spellings in options.items() for spelling in spellings}
    return table | {option.casefold(): option for option in options}


def load_forms(path: Path) -> Forms:
    """Read the lists. Raises ConfigurationError with every mistake and its line."""
    return load_model(path, Forms)
