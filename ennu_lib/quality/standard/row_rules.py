"""What needs several columns of a row: fields that were swapped, a suffix in a name, a state that its ZIP denies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

import polars as pl
from pydantic import Field

from ennu_lib.config import Strict, params_dir
from ennu_lib.quality.standard.forms import Forms
from ennu_lib.quality.standard.places import STATE_CODES
from ennu_lib.quality.standard.states import STATES
from ennu_lib.quality.standard.text import LONGEST_VALUE
from ennu_lib.rules.name_order import EVIDENCE, NameWords, count_words, load_name_words, with_evidence

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
    """Given and family name stand in each other's column, as far as the rest of the clinic can tell.

    `email` and `contact`, the person to call, speak for or against it, where the table has them.
    """

    rule: Literal["swapped_names"]
    first: str
    last: str
    email: str | None = None
    contact: str | None = None


class SuffixInName(Strict):
    """A generational suffix stands behind the family name."""

    rule: Literal["suffix_in_name"]
    name: str
    suffix: str


class ShortZip(Strict):
    """A ZIP code too short to be one, in a state whose codes do not begin with the zeros that it lost (rule PAT-10)."""

    rule: Literal["short_zip"]
    zip: str
    state: str


class StateOfZip(Strict):
    """The state that the ZIP code and the city name together, where the row has another one."""

    rule: Literal["state_of_zip"]
    zip: str
    city: str
    state: str
    places: str


RowRule = Annotated[
    SwappedPlace | SwappedContact | SwappedNames | SuffixInName | ShortZip | StateOfZip, Field(discriminator="rule")
]
VERSIONS = {"swapped_names": 2}
# Swaps are put right before each column is looked at by itself; what compares standard forms comes after.
STEP = {
    "swapped_place": 0, "swapped_contact": 0, "suffix_in_name": 0, "short_zip": 0, "swapped_names": 2,
    "state_of_zip": 2,
}  # fmt: skip


@dataclass(frozen=True)
class Knowledge:
    """What a row rule knows beyond the row: how often a word is given and family name, and the places."""

    forms: Forms
    words: pl.DataFrame | None = None
    order: NameWords | None = None
    places: pl.DataFrame | None = None


def knowledge(rule: RowRule, rows: pl.LazyFrame, tables: Tables, forms: Forms) -> Knowledge:
    """Gather from all rows of the table, and from other tables, what `rule` will ask for."""
    if isinstance(rule, SwappedNames):
        return _names_known(rule, rows, tables, forms)
    places = tables(rule.places) if isinstance(rule, StateOfZip) else None
    if places is not None and {"zip", "city", "state"} <= set(places.collect_schema()):
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
    return [value for name, value in rule.model_dump().items() if name not in ("rule", "places") and value]


def changes(rule: RowRule, frame: pl.DataFrame, known: Knowledge) -> Iterator[tuple[str, pl.Expr | pl.Series, str]]:
    """Columns that the rule changes with their new values; a value that stays is given as it is."""
    return _CHANGES[type(rule)](rule, frame, known)


def _swap(one: str, other: str, holds: pl.Expr) -> Iterator[tuple[str, pl.Expr, str]]:
    a, b = pl.col(one), pl.col(other)
    yield one, pl.when(holds).then(b).otherwise(a), "SWAPPED"
    yield other, pl.when(holds).then(a).otherwise(b), "SWAPPED"


def _state_code(column: pl.Expr) -> pl.Expr:
    letters = column.str.head(LONGEST_VALUE).str.to_lowercase().str.replace_all("[^a-z]", "")
    codes = {code.lower(): code for code in sorted(STATE_CODES)} | STATES
    return letters.replace_strict(codes, default=None, return_dtype=pl.String)


def _is_state(column: pl.Expr) -> pl.Expr:
    return _state_code(column).is_not_null()


def _swapped_place(rule: SwappedPlace, frame: pl.DataFrame, known: Knowledge):
    city, state = pl.col(rule.city), pl.col(rule.state)
    is_a_name = state.str.strip_chars().str.len_chars() > 2
    return _swap(rule.city, rule.state, _is_state(city) & ~_is_state(state) & is_a_name.fill_null(False))


def _swapped_contact(rule: SwappedContact, frame: pl.DataFrame, known: Knowledge):
    phone, email = pl.col(rule.phone), pl.col(rule.email)
    has_sign = phone.str.contains("@", literal=True) & ~email.str.contains("@", literal=True)
    digits = email.str.head(LONGEST_VALUE).str.count_matches(r"\d") >= MANY_DIGITS
    return _swap(rule.phone, rule.email, (has_sign & digits).fill_null(False))


def _names_known(rule: SwappedNames, rows: pl.LazyFrame, tables: Tables, forms: Forms) -> Knowledge:
    """Words are counted in the snapshot, never in what this phase makes of it, so that a second pass knows the same."""
    order = load_name_words(params_dir())
    nicknames = params_dir() / "identity" / "nicknames.csv"
    if not any(tables(name) is not None for name, *_ in order.pairs):
        order = order.model_copy(update={"pairs": [("", rule.first, rule.last)], "full": [], "given": []})
        return Knowledge(forms, words=count_words(lambda _: rows, order, nicknames), order=order)
    return Knowledge(forms, words=count_words(tables, order, nicknames), order=order)


def _swapped_names(rule: SwappedNames, frame: pl.DataFrame, known: Knowledge):
    """Only where it is sure; a suspicion is a finding of PAT-05."""
    if known.words is None or known.order is None:
        return
    judged = with_evidence(frame.lazy(), known.words, known.order, rule.first, rule.last, rule.email, rule.contact)
    evidence = judged.select(EVIDENCE).collect().to_series()
    yield from _swap(rule.first, rule.last, pl.lit((evidence >= known.order.sure).fill_null(False)))


def _suffix_in_name(rule: SuffixInName, frame: pl.DataFrame, known: Knowledge):
    spellings = "|".join(sorted(known.forms.names.suffix_of, key=len, reverse=True))
    shape = rf"(?i)^(.*\p{{L}}),?\s+({spellings})\.?\s*$"
    name, suffix = pl.col(rule.name), pl.col(rule.suffix)
    short = name.str.len_chars() <= LONGEST_VALUE
    empty = suffix.is_null() | (suffix.str.strip_chars() == "")
    holds = (name.str.contains(shape) & short & empty).fill_null(False)
    yield rule.name, pl.when(holds).then(name.str.extract(shape, 1)).otherwise(name), "SUFFIX"
    yield rule.suffix, pl.when(holds).then(name.str.extract(shape, 2)).otherwise(suffix), "SUFFIX"


def _short_zip(rule: ShortZip, frame: pl.DataFrame, known: Knowledge):
    """Without a known state the zeros come back: a spreadsheet ate them."""
    zip_code = pl.col(rule.zip)
    figures = zip_code.str.head(LONGEST_VALUE).str.replace_all(r"[\s-]", "").str.replace(r"\.0+$", "")
    lost = figures.str.contains(r"^(?:\d{3,4}|\d{8})$")
    length = pl.when(figures.str.len_chars() == 8).then(9).otherwise(5)
    prefix = figures.str.zfill(length).str.head(3)
    states = dict(known.forms.states_of_prefix)
    allowed = prefix.replace_strict(states, default=[], return_dtype=pl.List(pl.String))
    state = _state_code(pl.col(rule.state))
    denied = lost & state.is_not_null() & ~allowed.list.contains(state)
    yield rule.zip, pl.when(denied.fill_null(False)).then(None).otherwise(zip_code), "NOT_A_ZIP"


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
    ShortZip: _short_zip,
    StateOfZip: _state_of_zip,
}
