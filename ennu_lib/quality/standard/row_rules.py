"""What needs several columns of a row: fields that were swapped, a suffix in a name, a state that its ZIP denies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

import polars as pl
from pydantic import Field

from ennu_lib.config import Strict
from ennu_lib.quality.standard.forms import Forms
from ennu_lib.quality.standard.places import STATE_CODES
from ennu_lib.quality.standard.states import STATES
from ennu_lib.quality.standard.text import LONGEST_VALUE

Tables = Callable[[str], pl.LazyFrame | None]
MANY_DIGITS = 7


class SwappedPlace(Strict):
    """City and state stand in each other's column."""

    rule: Literal["swapped_place"]
    city: str
    state: str


class SwappedContact(Strict):
    """Telephone number and e-mail address stand in each other's column."""

    rule: Literal["swapped_contact"]
    phone: str
    email: str


class SwappedNames(Strict):
    """Given and family name stand in each other's column, as far as all other rows can tell."""

    rule: Literal["swapped_names"]
    first: str
    last: str


class SuffixInName(Strict):
    """A generational suffix stands behind the family name."""

    rule: Literal["suffix_in_name"]
    name: str
    suffix: str


class StateOfZip(Strict):
    """The state that the ZIP code and the city name together, where the row has another one."""

    rule: Literal["state_of_zip"]
    zip: str
    city: str
    state: str
    places: str


RowRule = Annotated[
    SwappedPlace | SwappedContact | SwappedNames | SuffixInName | StateOfZip, Field(discriminator="rule")
]
VERSION = 1
# Swaps are put right before each column is looked at by itself; what compares standard forms comes after.
STEP = {"swapped_place": 0, "swapped_contact": 0, "swapped_names": 0, "suffix_in_name": 0, "state_of_zip": 2}


@dataclass(frozen=True)
class Knowledge:
    """What a row rule knows beyond the row: rows that have a word as given and as family name, and the places."""

    forms: Forms
    words: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    places: pl.DataFrame | None = None


def knowledge(rule: RowRule, rows: pl.LazyFrame, tables: Tables, forms: Forms) -> Knowledge:
    """Gather from all rows of the table, and from other tables, what `rule` will ask for."""
    if isinstance(rule, SwappedNames):
        return Knowledge(forms, words=_name_words(rows, rule))
    if isinstance(rule, StateOfZip) and (places := tables(rule.places)) is not None:
        known = places.select(
            pl.col("zip").cast(pl.String).str.head(5).alias("__zip5"),
            pl.col("city").cast(pl.String).str.to_lowercase().alias("__city"),
            pl.col("state").cast(pl.String).alias("__state"),
        )
        single = known.unique().filter(pl.struct("__zip5", "__city").is_unique())
        return Knowledge(forms, places=single.collect(engine="streaming"))
    return Knowledge(forms)


def columns_of(rule: RowRule) -> list[str]:
    """The columns of its own table that the rule looks at."""
    return [value for name, value in rule.model_dump().items() if name not in ("rule", "places")]


def changes(rule: RowRule, frame: pl.DataFrame, known: Knowledge) -> Iterator[tuple[str, pl.Expr | pl.Series, str]]:
    """Columns that the rule changes with their new values; a value that stays is given as it is."""
    return _CHANGES[type(rule)](rule, frame, known)


def _swap(one: str, other: str, holds: pl.Expr) -> Iterator[tuple[str, pl.Expr, str]]:
    a, b = pl.col(one), pl.col(other)
    yield one, pl.when(holds).then(b).otherwise(a), "SWAPPED"
    yield other, pl.when(holds).then(a).otherwise(b), "SWAPPED"


def _is_state(column: pl.Expr) -> pl.Expr:
    letters = column.str.head(LONGEST_VALUE).str.to_lowercase().str.replace_all("[^a-z]", "")
    return letters.is_in(sorted([*STATES, *(code.lower() for code in STATE_CODES)])).fill_null(False)


def _swapped_place(rule: SwappedPlace, frame: pl.DataFrame, known: Knowledge):
    city, state = pl.col(rule.city), pl.col(rule.state)
    is_a_name = state.str.strip_chars().str.len_chars() > 2
    return _swap(rule.city, rule.state, _is_state(city) & ~_is_state(state) & is_a_name.fill_null(False))


def _swapped_contact(rule: SwappedContact, frame: pl.DataFrame, known: Knowledge):
    phone, email = pl.col(rule.phone), pl.col(rule.email)
    has_sign = phone.str.contains("@", literal=True) & ~email.str.contains("@", literal=True)
    digits = email.str.head(LONGEST_VALUE).str.count_matches(r"\d") >= MANY_DIGITS
    return _swap(rule.phone, rule.email, (has_sign & digits).fill_null(False))


def _word(column: pl.Expr) -> pl.Expr:
    return column.str.head(LONGEST_VALUE).str.strip_chars().str.to_lowercase()


def _name_words(rows: pl.LazyFrame, rule: SwappedNames) -> dict[str, tuple[int, int]]:
    names = rows.select(_word(pl.col(c).cast(pl.String)).alias(c) for c in (rule.first, rule.last))
    one, other = (
        names.select(pl.col(c).alias("word")).drop_nulls().group_by("word").len(n)
        for c, n in ((rule.first, "given"), (rule.last, "family"))
    )
    counted = one.join(other, on="word", how="full", coalesce=True).fill_null(0).collect(engine="streaming")
    return {word: (given, family) for word, given, family in counted.select("word", "given", "family").iter_rows()}


def _swapped_names(rule: SwappedNames, frame: pl.DataFrame, known: Knowledge):
    """The word in the given name's column is a family name everywhere else, and the other way round."""
    swap = known.forms.names.swap
    family = [w for w, (g, f) in known.words.items() if f >= swap.least_rows and f >= swap.least_ratio * g]
    given = [w for w, (g, f) in known.words.items() if g >= swap.least_rows and g >= swap.least_ratio * f]
    first, last = _word(pl.col(rule.first)), _word(pl.col(rule.last))
    holds = first.is_in(sorted(family)) & last.is_in(sorted(given))
    return _swap(rule.first, rule.last, holds.fill_null(False))


def _suffix_in_name(rule: SuffixInName, frame: pl.DataFrame, known: Knowledge):
    spellings = "|".join(sorted(known.forms.names.suffix_of, key=len, reverse=True))
    shape = rf"(?i)^(.*\p{{L}}),?\s+({spellings})\.?\s*$"
    name, suffix = pl.col(rule.name), pl.col(rule.suffix)
    short = name.str.len_chars() <= LONGEST_VALUE
    empty = suffix.is_null() | (suffix.str.strip_chars() == "")
    holds = (name.str.contains(shape) & short & empty).fill_null(False)
    yield rule.name, pl.when(holds).then(name.str.extract(shape, 1)).otherwise(name), "SUFFIX"
    yield rule.suffix, pl.when(holds).then(name.str.extract(shape, 2)).otherwise(suffix), "SUFFIX"


def _state_of_zip(rule: StateOfZip, frame: pl.DataFrame, known: Knowledge):
    if known.places is None:
        return
    prefixes = {prefix: states for prefix, states in known.forms.states_of_prefix.items()}
    keys = frame.select(
        pl.col(rule.zip).str.head(5).alias("__zip5"), pl.col(rule.city).str.to_lowercase().alias("__city")
    )
    found = keys.join(known.places, on=["__zip5", "__city"], how="left", maintain_order="left")["__state"]
    state = frame[rule.state]
    allowed = keys["__zip5"].str.head(3).replace_strict(prefixes, default=None, return_dtype=pl.List(pl.String))
    denied = allowed.is_not_null() & ~allowed.list.contains(state).fill_null(True)
    decided = pl.select(
        pl.when(pl.lit(denied) & pl.lit(found).is_not_null() & pl.lit(state).is_not_null())
        .then(pl.lit(found))
        .otherwise(pl.lit(state))
    ).to_series()
    yield rule.state, decided, "STATE_OF_ZIP_AND_CITY"


_CHANGES = {
    SwappedPlace: _swapped_place,
    SwappedContact: _swapped_contact,
    SwappedNames: _swapped_names,
    SuffixInName: _suffix_in_name,
    StateOfZip: _state_of_zip,
}
