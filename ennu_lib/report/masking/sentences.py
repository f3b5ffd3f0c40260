"""Counts within a sentence, for a page that is handed out."""

from __future__ import annotations

import re

from ennu_lib.report.masking.suppression import LIMIT, withheld_cells

# Numbers that count nothing: names of phases, cells and versions, dates, shares, parts of words.
_NAMES = r"(?<!\bphase )(?<!\bcell )(?<!\bstep )(?<!\bversion )(?<!\bpage )(?<!\bcode )"
_COUNT = re.compile(rf"{_NAMES}(?<![\w.,:/#-])(\d{{1,3}})(?![\w:/-]|[.,]\d| ?%)", re.IGNORECASE)
_RATIO = re.compile(r"(?<![\w.,])(\d[\d,]*) of (?:the )?(\d[\d,]*)(?![\w,]|\.\d)(?: \([^()]*%\))?")
_NAME = re.compile(r"(`[^`]*`)")


def masked_sentence(text: str, limit: int = LIMIT) -> str:
    """`text` with every count from 1 to `limit` written as `10 or fewer`, whatever it counts.

    Of two numbers joined by `of` the first also goes when the rest is small, and a percentage behind them goes with it.
    Names in backticks, dates, percentages and numbers of phases or cells stay. Number words stay too, and so do two
    large numbers whose difference is small: such a sentence needs a version of its own for the distributable page.
    """
    parts = _NAME.split(text)
    return "".join(part if part.startswith("`") else _masked(part, limit) for part in parts)


def _masked(text: str, limit: int) -> str:
    def ratio(match: re.Match[str]) -> str:
        part, whole = (int(number.replace(",", "")) for number in match.groups())
        if part > whole or not withheld_cells([[part, whole - part, whole]], row_totals=True, limit=limit):
            return match[0]
        return f"{'few' if 2 * part < whole else 'most'} of {match[2]}"

    def count(match: re.Match[str]) -> str:
        return f"{limit} or fewer" if 1 <= int(match[1]) <= limit else match[0]

    return _COUNT.sub(count, _RATIO.sub(ratio, text))
