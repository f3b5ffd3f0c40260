"""One spelling for each code of a column: of those that differ in case and blanks only, the listed or most usual one.

The method is OpenRefine's key collision. A column with too many spellings is no code list and is left alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import polars as pl

from ennu_lib.quality.standard.forms import Forms
from ennu_lib.quality.standard.outcome import Outcome, kept, left, refused
from ennu_lib.quality.standard.text import LONGEST_VALUE, repaired

LISTED_FIRST = 10**15


def folded(text: str) -> str:
    """What two spellings of one code have in common."""
    return repaired(text[:LONGEST_VALUE]).casefold()


def usual_spellings(values: pl.LazyFrame, column: str, choices: Iterable[str], forms: Forms) -> dict[str, str] | None:
    """Folded text to its spelling, from `choices` and the values of `column`; None where the column is no code list."""
    counted = values.select(pl.col(column).cast(pl.String, strict=False)).drop_nulls().group_by(column).len("rows")
    found = counted.head(forms.most_spellings + 1).collect(engine="streaming")
    if found.height > forms.most_spellings:
        return None
    votes: dict[str, dict[str, int]] = {}
    for text, rows in [*((choice, LISTED_FIRST) for choice in choices), *found.iter_rows()]:
        clean = repaired(text[:LONGEST_VALUE])
        ballot = votes.setdefault(clean.casefold(), {})
        ballot[clean] = ballot.get(clean, 0) + rows
    votes.pop("", None)
    return {fold: min(ballot, key=lambda text: (-ballot[text], text)) for fold, ballot in votes.items()}


def spelling(text: str, forms: Forms, spellings: Mapping[str, str] | None, choices: frozenset[str]) -> Outcome:
    """The usual spelling of a code; null where it only says that there is none and `choices` have no such word."""
    fold = folded(text)
    if not fold or (fold in forms.placeholders and fold not in choices):
        return refused("PLACEHOLDER" if fold else "BLANK")
    if spellings is None or len(text) > LONGEST_VALUE:
        return left(text, "NO_CODE_LIST")
    return kept(spellings.get(fold, repaired(text)))
