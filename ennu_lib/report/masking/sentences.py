"""Counts within a sentence, for a page that is handed out."""

from __future__ import annotations

import re

from ennu_lib.report.masking.suppression import LIMIT, withheld_cells

# Numbers that count nothing: names of phases, cells and versions, dates, shares, parts of words.
_NAMES = r"(?<!\bphase )(?<!\bcell )(?<!\bstep )(?<!\bversion )(?<!\bpage )(?<!\bcode )"
_COUNT = re.compile(rf"{_NAMES}(?<![\w.,:/#-])(\d{{1,3}})(?![\w:/-]|[.,]\d| ?%)", re.IGNORECASE)
# What is never a person. A row may be one, and so may a record or a value.
_THINGS = frozenset(
    {
        "batch",
        "batches",
        "block",
        "blocks",
        "byte",
        "bytes",
        "character",
        "characters",
        "check",
        "checks",
        "column",
        "columns",
        "day",
        "days",
        "digit",
        "digits",
        "field",
        "fields",
        "file",
        "files",
        "hour",
        "hours",
        "key",
        "keys",
        "minute",
        "minutes",
        "month",
        "months",
        "notebook",
        "notebooks",
        "object",
        "objects",
        "phase",
        "phases",
        "property",
        "properties",
        "request",
        "requests",
        "rule",
        "rules",
        "second",
        "seconds",
        "snapshot",
        "snapshots",
        "table",
        "tables",
        "unit",
        "units",
        "week",
        "weeks",
        "year",
        "years",
    }
)
_NEXT_WORDS = re.compile(r"(?:[ \n]+[A-Za-z]+){0,2}")
_RATIO = re.compile(r"(?<![\w.,])(\d[\d,]*) of (?:the )?(\d[\d,]*)(?![\w,]|\.\d)(?: \([^()]*%\))?")
_NAME = re.compile(r"(`[^`]*`)")


def masked_sentence(text: str, limit: int = LIMIT) -> str:
    """`text` with every count from 1 to `limit` written as `10 or fewer`, whatever it counts.

    Of two numbers joined by `of` the first also goes when the rest is small, and a percentage behind them goes with it.
    Names in backticks, dates, percentages, numbers of phases or cells and counts of things (`6 patient tables`) stay.
    Number words stay too, and so do two large numbers whose difference is small: such a sentence needs a version of its
    own for the distributable page.
    """
    parts = _NAME.split(text)
    return "".join(part if part.startswith("`") else _masked(part, limit) for part in parts)


def counts_things(name: str) -> bool:
    """Whether a count of this name, such as `tables_read`, can be no count of persons."""
    return bool(_THINGS & set(name.lower().split("_")))


def _masked(text: str, limit: int) -> str:
    def ratio(match: re.Match[str]) -> str:
        part, whole = (int(number.replace(",", "")) for number in match.groups())
        if part > whole or not withheld_cells([[part, whole - part, whole]], row_totals=True, limit=limit):
            return match[0]
        return f"{'few' if 2 * part < whole else 'most'} of {match[2]}"

    def count(match: re.Match[str]) -> str:
        following = _NEXT_WORDS.match(match.string, match.end())
        shown = not 1 <= int(match[1]) <= limit or _THINGS & set(following[0].lower().split())
        return match[0] if shown else f"{limit} or fewer"

    return _COUNT.sub(count, _RATIO.sub(ratio, text))
