"""The column rules by name: version, function, and which values are in standard form at a glance.

`version` grows whenever a rule gives another answer for some value: an event names the version that made it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

import polars as pl

from ennu_lib.catalog.sentinels import NO_DATES
from ennu_lib.catalog.units import UnitAliases
from ennu_lib.quality.standard import codes, contact, dates, names, places, text, values
from ennu_lib.quality.standard.forms import Forms
from ennu_lib.quality.standard.outcome import Outcome, refused
from ennu_lib.quality.standard.spellings import spelling

RuleName = Literal[
    "name", "family_name", "suffix", "phone", "email", "sex", "language", "state", "zip", "place", "street", "date",
    "birth_date", "moment", "clock", "words", "line", "prose", "spelling", "diagnosis", "diagnoses", "procedure",
    "procedures", "loinc", "value", "amount", "minutes", "unit", "dose_unit", "verbatim",
]  # fmt: skip
RULE_NAMES: tuple[str, ...] = get_args(RuleName)
Standard = Callable[[str], Outcome]
Glance = Callable[[pl.Expr], pl.Expr]


@dataclass(frozen=True)
class Lists:
    """What a rule may know beside the value: the word lists, the run's day, unit spellings and the column's own codes.

    `choices` are the words of the column's code list in small letters, `spellings` folded text to usual spelling,
    `default_day` a birth date that too many rows share to be anybody's, `names` how the column writes names whose mixed
    case no rule gives.
    """

    forms: Forms
    today: dt.date
    units: UnitAliases
    choices: frozenset[str] = frozenset()
    spellings: Mapping[str, str] | None = field(default_factory=dict)
    default_day: dt.date | None = None
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Rule:
    """A column rule. `at_a_glance` is true only for values that the function would leave exactly as they are.

    `numbers` says what to do with a column of numbers: they are in standard form already, are read as text and stay
    text, or are read as text and become numbers again.
    """

    version: int
    standard: Callable[[Lists], Standard]
    at_a_glance: Callable[[Lists], Glance] | None = None
    numbers: Literal["standard", "text", "number"] = "text"


def _with_forms(function: Callable[[str, Forms], Outcome]) -> Callable[[Lists], Standard]:
    return lambda lists: lambda value: function(value, lists.forms)


def _with_names(function: Callable[[str, Forms, Mapping[str, str]], Outcome]) -> Callable[[Lists], Standard]:
    return lambda lists: lambda value: function(value, lists.forms, lists.names)


def _dated(function: Callable[[str, Forms, dt.date], Outcome]) -> Callable[[Lists], Standard]:
    return lambda lists: lambda value: function(value, lists.forms, lists.today)


def _birth_date(lists: Lists) -> Standard:
    def standard(value: str) -> Outcome:
        outcome = dates.birth_date(value, lists.forms, lists.today)
        shared = lists.default_day is not None and outcome.value == lists.default_day.isoformat()
        return refused("SHARED_DEFAULT") if shared else outcome

    return standard


def _says_nothing(value: pl.Expr, lists: Lists) -> pl.Expr:
    return value.str.to_lowercase().is_in(sorted(lists.forms.placeholders - lists.choices))


def _plain_words(lists: Lists) -> Glance:
    return lambda value: ~value.str.contains(r"[^\x21-\x25\x27-\x7e ]|^ | $|  |^$") & ~_says_nothing(value, lists)


def _plain_prose(lists: Lists) -> Glance:
    return lambda value: ~value.str.contains(r"[^\x20-\x25\x27-\x7e\r\n\t]|^\s|\s$|^$") & ~_says_nothing(value, lists)


def _plain_name(lists: Lists) -> Glance:
    none = sorted(lists.forms.names.placeholders)
    return lambda value: value.str.contains(names.PLAIN) & ~value.str.to_lowercase().is_in(none)


def _usual_spelling(lists: Lists) -> Glance:
    usual = sorted(set((lists.spellings or {}).values()))
    return lambda value: value.is_in(usual) & ~_says_nothing(value, lists)


def _matches(shape: str) -> Callable[[Lists], Glance]:
    return lambda lists: lambda value: value.str.contains(shape)


def _real_day(lists: Lists) -> Glance:
    def glance(value: pl.Expr) -> pl.Expr:
        day = value.str.contains(r"^[12]\d{3}-\d{2}-\d{2}$") & value.str.to_date("%Y-%m-%d", strict=False).is_not_null()
        return day & ~value.is_in(NO_DATES)

    return glance


def _real_moment(lists: Lists) -> Glance:
    def glance(value: pl.Expr) -> pl.Expr:
        shaped = value.str.contains(r"^[12]\d{3}-\d{2}-\d{2} (?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d$")
        day = value.str.head(10)
        return shaped & day.str.to_date("%Y-%m-%d", strict=False).is_not_null() & ~day.is_in(NO_DATES)

    return glance


def _ucum(lists: Lists) -> Glance:
    return lambda value: value.is_in(sorted(unit for unit, ucum in lists.units.exact.items() if unit == ucum))


RULES: dict[str, Rule] = {
    "name": Rule(3, _with_names(names.name), _plain_name),
    "family_name": Rule(1, _with_names(names.family_name), _plain_name),
    "suffix": Rule(2, _with_forms(names.suffix)),
    "phone": Rule(3, _with_forms(contact.phone)),
    "email": Rule(3, _with_forms(contact.email)),
    "sex": Rule(3, _with_forms(codes.sex)),
    "language": Rule(2, _with_forms(codes.language)),
    "state": Rule(2, _with_forms(places.state)),
    "zip": Rule(3, _with_forms(places.zip_code)),
    "place": Rule(3, _with_forms(places.place)),
    "street": Rule(2, _with_forms(places.street)),
    "date": Rule(3, _dated(dates.date), _real_day),
    "birth_date": Rule(3, _birth_date),
    "moment": Rule(3, _dated(dates.moment), _real_moment),
    "clock": Rule(2, _with_forms(dates.clock)),
    "words": Rule(2, lambda lists: lambda value: text.words(value, lists.forms, lists.choices), _plain_words),
    "line": Rule(2, _with_forms(text.line), _matches(r"^[\x21-\x25\x27-\x7e]+(?: [\x21-\x25\x27-\x7e]+)*$")),
    "prose": Rule(1, _with_forms(text.prose), _plain_prose),
    "spelling": Rule(
        2, lambda lists: lambda value: spelling(value, lists.forms, lists.spellings, lists.choices), _usual_spelling
    ),
    "diagnosis": Rule(2, _with_forms(codes.diagnosis), _matches(r"^[A-Z][0-9][0-9A-Z](?:\.[0-9A-Z]{1,4})?$")),
    "diagnoses": Rule(2, _with_forms(codes.diagnoses), _matches(r"^[A-Z][0-9][0-9A-Z](?:\.[0-9A-Z]{1,4})?$")),
    "procedure": Rule(2, _with_forms(codes.procedure), _matches(r"^\d{4}[0-9A-Z]$")),
    "procedures": Rule(2, _with_forms(codes.procedures), _matches(r"^\d{4}[0-9A-Z]$")),
    "loinc": Rule(2, _with_forms(codes.loinc)),
    "value": Rule(2, _with_forms(values.value), _matches(r"^(?:[<>]=?)?-?\d{1,12}(?:\.\d{1,9})?$")),
    "amount": Rule(2, _with_forms(values.amount), numbers="standard"),
    "minutes": Rule(2, _with_forms(values.minutes), numbers="number"),
    "dose_unit": Rule(2, _with_forms(values.dose_unit)),
    "unit": Rule(2, lambda lists: lambda value: values.unit(value, lists.units), _ucum),
}
