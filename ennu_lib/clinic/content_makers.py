"""What each word of the `content` grammar puts into a column."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from typing import NoReturn, Protocol

import numpy as np
import polars as pl

from ennu_lib.catalog import Column, Table
from ennu_lib.clinic import text_values as text
from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.content_spec import Content, Offset
from ennu_lib.clinic.words import WordList

SECONDS = {"d": 86_400, "h": 3_600, "m": 60}
OPENING, OPEN_SECONDS = 7 * 3_600, 12 * 3_600
EVENING = time(19)
EPOCH = date(1970, 1, 1)
SKEW = 3
DECIMALS = 2
OLDEST, NEWEST = datetime(1880, 1, 1), datetime(2100, 1, 1)


class Filling(Protocol):
    """A table under construction, as the makers see it."""

    chunk: Chunk
    table: Table
    rows: int
    words: text.Words
    rng: np.random.Generator

    def values(self, name: str) -> pl.Series:
        """Another column of the same rows."""

    def point(self, column: Column, choose: Callable[[int], np.ndarray]) -> pl.Series:
        """Values of a foreign key, chosen among so many parents."""

    def parent_values(self, key: str, name: str) -> pl.Series | None:
        """A column of the rows that the foreign key points at; None where there are none."""


def typed(values: pl.Series | np.ndarray, column: Column) -> pl.Series:
    """Values in the frame type of the column: text, 64-bit numbers, dates to the day or the microsecond."""
    series = values if isinstance(values, pl.Series) else pl.Series(values=values)
    kind = column.type.kind
    if column.type.is_text:
        return series.cast(pl.String)
    if column.type.is_integer:
        return series.cast(pl.Int64)
    if kind in ("decimal", "float"):
        return series.cast(pl.Float64).round(column.type.scale if kind == "decimal" else 6)
    if kind == "date" and series.dtype == pl.Datetime:
        return series.dt.date()
    if kind == "datetime" and series.dtype == pl.Date:
        return series.cast(pl.Datetime("us"))
    return series


Maker = Callable[[Filling, Column, Content], "pl.Series | np.ndarray"]


def _seq(filling: Filling, column: Column, _: Content) -> np.ndarray:
    return filling.chunk.take_keys(filling.table.name, filling.rows)


def _fk(filling: Filling, column: Column, _: Content) -> pl.Series:
    return filling.point(column, lambda parents: filling.rng.integers(0, parents, filling.rows))


def _each(filling: Filling, column: Column, _: Content) -> pl.Series:
    return filling.point(column, lambda parents: np.arange(filling.rows) % parents)


def _skew(filling: Filling, column: Column, _: Content) -> pl.Series:
    def mostly_first(parents: int) -> np.ndarray:
        return (filling.rng.random(filling.rows) ** SKEW * parents).astype(np.int64)

    return filling.point(column, mostly_first)


def _via(filling: Filling, column: Column, content: Content) -> pl.Series:
    values = filling.parent_values(*content.argument)
    return pl.Series([None] * filling.rows, dtype=pl.String) if values is None else values


def _copy(filling: Filling, _: Column, content: Content) -> pl.Series:
    return filling.values(content.argument)


def _nth(filling: Filling, _: Column, content: Content) -> pl.Series:
    keys = filling.values(content.argument).alias("key").to_frame()
    return keys.select(pl.int_range(1, pl.len() + 1).over("key")).to_series()


def _later(filling: Filling, column: Column, content: Content) -> pl.Series:
    offset: Offset = content.argument
    base = filling.parent_values(offset.through, offset.base) if offset.through else filling.values(offset.base)
    span = filling.rng.integers(offset.lo * SECONDS[offset.unit], offset.hi * SECONDS[offset.unit] + 1, filling.rows)
    moments = _usable_moments(filling, base) + pl.Series(span * 1_000_000).cast(pl.Duration("us"))
    if content.word == "after":
        moments = moments.clip(upper_bound=datetime.combine(filling.chunk.as_of, EVENING))
    return moments.dt.date() if column.type.kind == "date" else moments


def _usable_moments(filling: Filling, base: pl.Series | None) -> pl.Series:
    """Dates to count from; where there is none, or only a sentinel, a random day of the last two years."""
    some_day = _random_moments(filling, "-730", "-1")
    if base is None:
        return some_day
    if base.dtype == pl.String:
        base = base.str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False, time_unit="us")
    moments = base.cast(pl.Datetime("us"))
    usable = (moments > OLDEST) & (moments < NEWEST)
    return moments.zip_with(usable.fill_null(False), some_day)


def _random_moments(filling: Filling, lo: str, hi: str) -> pl.Series:
    days = _random_days(filling, lo, hi)
    seconds = OPENING + filling.rng.integers(0, OPEN_SECONDS, filling.rows)
    return pl.Series((days * 86_400 + seconds) * 1_000_000).cast(pl.Datetime("us"))


def _random_days(filling: Filling, lo: str, hi: str) -> np.ndarray:
    first, last = (_day(end, filling.chunk.as_of) for end in (lo, hi))
    return filling.rng.integers(first, last + 1, filling.rows)


def _day(end: str, as_of: date) -> int:
    """Days since 1970 of an ISO date or of a day relative to `as_of`."""
    if len(end) == 10 and end[4] == "-" and end[7] == "-":
        return (date.fromisoformat(end) - EPOCH).days
    relative = end.removeprefix("as_of") or "0"
    return (as_of - EPOCH).days + int(relative)


def _date(filling: Filling, _: Column, content: Content) -> pl.Series:
    return pl.Series(_random_days(filling, *content.argument).astype(np.int32)).cast(pl.Date)


def _datetime(filling: Filling, _: Column, content: Content) -> pl.Series:
    return _random_moments(filling, *content.argument)


def _time(filling: Filling, _: Column, content: Content) -> pl.Series:
    lo, hi = (sum(int(part) * unit for part, unit in zip(end.split(":"), (3_600, 60, 1), strict=False))
              for end in content.argument)  # fmt: skip
    seconds = filling.rng.integers(lo, hi + 1, filling.rows)
    return pl.Series(seconds * 1_000_000_000).cast(pl.Time)


def _int(filling: Filling, _: Column, content: Content) -> np.ndarray:
    lo, hi = content.argument
    return filling.rng.integers(lo, hi + 1, filling.rows)


def _decimal(filling: Filling, column: Column, content: Content) -> np.ndarray:
    lo, hi = content.argument
    return np.round(lo + (hi - lo) * filling.rng.random(filling.rows), column.type.scale or DECIMALS)


def _choice(filling: Filling, column: Column, content: Content) -> pl.Series:
    values, weights = content.argument
    return typed(pl.Series(values), column).gather(WordList.of(values, weights).positions(filling.rng, filling.rows))


def _const(filling: Filling, _: Column, content: Content) -> pl.Series:
    return pl.Series([content.argument] * filling.rows, dtype=pl.String)


def _bool(filling: Filling, _: Column, content: Content) -> np.ndarray:
    return filling.rng.random(filling.rows, dtype=np.float32) < content.argument


def _flag(filling: Filling, _: Column, content: Content) -> pl.Series:
    yes = filling.rng.random(filling.rows, dtype=np.float32) < content.argument
    return pl.Series(["N", "Y"]).gather(yes.astype(np.int8))


def _pick(filling: Filling, _: Column, content: Content) -> pl.Series:
    return filling.words[content.argument].draw(filling.rng, filling.rows)


def _cycle(filling: Filling, column: Column, content: Content) -> pl.Series:
    pairs = [""]
    for name in content.argument:
        pairs = [f"{left} {right}".strip() for right in filling.words[name].values for left in pairs]
    return pl.Series(pairs).gather(np.arange(filling.rows) % len(pairs))


def _code(filling: Filling, column: Column, content: Content) -> pl.Series:
    if column.primary_key or column.unique:
        numbers = filling.chunk.take_keys(f"{filling.table.name}.{column.name}", filling.rows)
        return text.running_codes(numbers, content.argument)
    return text.codes(filling.rng, filling.rows, content.argument)


def _scaled(filling: Filling, length: int) -> int:
    return max(round(length * filling.chunk.params.text_scale), 1)


def _bespoke(filling: Filling, column: Column, _: Content) -> NoReturn:
    raise LookupError(f"{filling.table.name}.{column.name} is bespoke, and no hand-written generator made its table")


MAKERS: dict[str, Maker] = {
    "seq": _seq,
    "fk": _fk,
    "each": _each,
    "skew": _skew,
    "via": _via,
    "copy": _copy,
    "nth": _nth,
    "after": _later,
    "due": _later,
    "date": _date,
    "datetime": _datetime,
    "time": _time,
    "int": _int,
    "decimal": _decimal,
    "choice": _choice,
    "const": _const,
    "bool": _bool,
    "flag": _flag,
    "pick": _pick,
    "cycle": _cycle,
    "code": _code,
    "words": lambda f, _, c: text.some_words(f.rng, f.rows, c.argument, f.words),
    "sentence": lambda f, _, c: text.sentences(f.rng, f.rows, f.words),
    "note": lambda f, _, c: text.notes(f.rng, f.rows, _scaled(f, c.argument), f.words),
    "xml": lambda f, _, c: text.xml_documents(f.rng, f.rows, _scaled(f, c.argument), f.words),
    "json": lambda f, _, c: text.json_objects(f.rng, f.rows),
    "name": lambda f, _, c: text.person_names(f.rng, f.rows, f.words),
    "email": lambda f, _, c: text.emails(f.rng, f.rows, f.words),
    "phone": lambda f, _, c: text.phones(f.rng, f.rows),
    "url": lambda f, _, c: f.words["url"].draw(f.rng, f.rows),
    "ip": lambda f, _, c: text.ip_addresses(f.rng, f.rows),
    "uuid": lambda f, _, c: text.uuids(f.rng, f.rows),
    "hash": lambda f, _, c: text.password_hashes(f.rng, f.rows),
    "hex": lambda f, _, c: text.hexadecimal(f.rng, f.rows, c.argument),
    "blob": lambda f, _, c: text.blobs(f.rng, f.rows, _scaled(f, c.argument)),
    "bespoke": _bespoke,
}
