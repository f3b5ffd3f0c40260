"""Whether a given and a family name stand in each other's column, from what the clinic writes everywhere else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
from pydantic import Field

from ennu_lib.config import Strict, load_model

EVIDENCE = "__swapped"
WORDS = {"word": pl.String, "given": pl.Float64, "family": pl.Float64}
LONGEST = 120  # characters of a name that are looked at


class NameWords(Strict):
    """params/rules/name_words.yml."""

    pairs: list[tuple[str, str, str]]
    full: list[tuple[str, str]]
    given: list[tuple[str, str]]
    nicknames: int = Field(ge=0)
    prior: float = Field(gt=0)
    relative: float = Field(ge=0)
    mailbox: float = Field(ge=0)
    suspected: float = Field(gt=0)
    sure: float = Field(gt=0)


def load_name_words(params: Path) -> NameWords:
    """Read the file of the folder `params`. Raises ConfigurationError with every mistake."""
    return load_model(params / "rules" / "name_words.yml", NameWords)


def count_words(
    table: Callable[[str], pl.LazyFrame | None], settings: NameWords, nicknames: Path | None = None
) -> pl.DataFrame:
    """How often each word is a given and how often a family name: word, given, family. Tables may be missing."""
    parts = []
    for name, one, other in settings.pairs:
        parts += [_counted(table(name), one, given=True), _counted(table(name), other, given=False)]
    for name, column in settings.full:
        parts += [_counted(table(name), column, given=True, part=0), _counted(table(name), column, given=False, part=1)]
    parts += [_counted(table(name), column, given=True, long=True) for name, column in settings.given]
    if nicknames is not None:
        known = pl.read_csv(nicknames, infer_schema=False)
        words = pl.concat([known["name"], known["nickname"].alias("name")]).unique()
        weight = pl.lit(float(settings.nicknames))
        parts.append(words.to_frame("word").lazy().select("word", given=weight, family=pl.lit(0.0)))
    there = [part for part in parts if part is not None]
    if not there:
        return pl.DataFrame(schema=WORDS)
    counted = pl.concat(there).group_by("word").agg(pl.col("given", "family").sum())
    return counted.collect(engine="streaming")


def with_evidence(
    frame: pl.LazyFrame, words: pl.DataFrame, settings: NameWords, first: str, last: str,
    email: str | None = None, contact: str | None = None,
) -> pl.LazyFrame:  # fmt: skip
    """`frame` with EVIDENCE: the logarithm of how much likelier it is that `first` and `last` are swapped than not.

    Its own words are not counted for a row. Null where a name is missing, or both are the same.
    """
    counts = words.lazy()
    frame = frame.with_columns(__one=folded(first), __other=folded(last))
    for column, name in (("__one", "one"), ("__other", "other")):
        known = counts.select(pl.col("word").alias(column), pl.col("given", "family").name.prefix(f"__{name}_"))
        frame = frame.join(known, on=column, how="left", maintain_order="left")
    one, other, prior = pl.col("__one"), pl.col("__other"), settings.prior

    def seen(count: str, own: int) -> pl.Expr:
        return (pl.col(count).fill_null(0) - own).clip(0) + prior

    evidence = (seen("__one_family", 0) / seen("__one_given", 1)).log()
    evidence += (seen("__other_given", 0) / seen("__other_family", 1)).log()
    if contact:
        family = folded(contact).str.extract(r"^\S+ (.+)$", 1)
        evidence += _pull(family == one, family == other, settings.relative)
    if email:
        evidence += _mailbox(email, one, other, settings.mailbox)
    both = one.is_not_null() & other.is_not_null() & (one != other)
    frame = frame.with_columns(pl.when(both).then(evidence).alias(EVIDENCE))
    return frame.drop("__one", "__other", *(f"__{n}_{c}" for n in ("one", "other") for c in ("given", "family")))


def folded(column: str) -> pl.Expr:
    """A name in small letters without accents, figures and blanks around it; null where nothing is left."""
    text = pl.col(column).cast(pl.String).str.head(LONGEST).str.normalize("NFKD").str.to_lowercase()
    text = text.str.replace_all(r"[^a-z' -]", "").str.strip_chars()
    return pl.when(text != "").then(text)


def _counted(
    frame: pl.LazyFrame | None, column: str, *, given: bool, part: int | None = None, long: bool = False
) -> pl.LazyFrame | None:
    """The words of a column with the rows they stand in; of both names in one text, the `part`."""
    if frame is None or column not in frame.collect_schema():
        return None
    word = folded(column)
    if part is not None:
        word = word.str.extract(r"^(\S+) (.+)$", part + 1)
    words = frame.select(word.alias("word")).drop_nulls()
    if long:  # an initial is no word
        words = words.filter(pl.col("word").str.len_chars() > 1)
    rows, none = pl.len().cast(pl.Float64), pl.lit(0.0)
    return words.group_by("word").agg(given=rows if given else none, family=none if given else rows)


def _pull(swapped: pl.Expr, in_order: pl.Expr, weight: float) -> pl.Expr:
    """Evidence of one kind: for, against, or none."""
    return pl.when(swapped & ~in_order).then(weight).when(in_order & ~swapped).then(-weight).otherwise(0.0).fill_null(0)


def _mailbox(email: str, one: pl.Expr, other: pl.Expr, weight: float) -> pl.Expr:
    """`first.last`, `firstlast` and `flast` are the usual mailboxes."""
    local = pl.col(email).cast(pl.String).str.to_lowercase().str.split("@").list.first().str.replace_all("[^a-z]", "")
    a, b = (word.str.replace_all("[^a-z]", "") for word in (one, other))
    swapped = (local == b + a) | (local == b.str.head(1) + a)
    in_order = (local == a + b) | (local == a.str.head(1) + b)
    begins = _pull(local.str.starts_with(b), local.str.starts_with(a), min(1.0, weight))
    return pl.when(swapped | in_order).then(_pull(swapped, in_order, weight)).otherwise(begins).fill_null(0)
