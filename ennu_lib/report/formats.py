"""Values as a reader meets them: thousands separators, units where they belong, and a dash for what is not there."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable
from decimal import Decimal

from ennu_lib.report.html import Html, element, inline
from ennu_lib.report.status import mark

DASH = "–"
NUMERIC = ("integer", "sparse", "decimal", "percent", "bytes", "seconds")
FORMATS = (*NUMERIC, "text", "code", "hash", "date", "time", "flag", "status")


def shown(value: object, form: str) -> Html | str:
    """`value` in the form `form`: one of `FORMATS`, where `decimal` and `percent` may carry digits (`percent:2`).

    `sparse` is a count whose zeros step back, for a table that is mostly zeros.
    Raises ValueError for an unknown form.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return element("span", DASH, class_="ennu-none")
    name, _, digits = form.partition(":")
    if name not in FORMATS:
        raise ValueError(f"a format is one of {', '.join(FORMATS)}; decimal and percent may carry digits, as percent:2")
    return _FORMATTERS[name](value, int(digits) if digits else 1)


def form_of(value_type: type) -> str:
    """The format that suits a column whose values are of Python type `value_type`."""
    suited = {int: "integer", float: "decimal", Decimal: "decimal", bool: "flag", dt.date: "date", dt.datetime: "time"}
    return suited.get(value_type, "text")


def align_of(form: str) -> str:
    """Numbers to the right, so that their places stand under each other; everything else to the left."""
    return "right" if form.partition(":")[0] in NUMERIC else "left"


def number(value: float) -> str:
    """A count or a measure with thousands separators; a whole number has no decimals."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def percent(share: float, digits: int = 1) -> str:
    """A share of 0 to 1 as a percentage that never rounds a remainder away.

    What is not nothing is never shown as 0 %, and what is not all is never shown as 100 %.
    """
    smallest = 10.0**-digits
    value = share * 100
    if 0 < value < smallest:
        return f"< {smallest:.{digits}f} %"
    if 100 - smallest < value < 100:
        return f"> {100 - smallest:.{digits}f} %"
    return f"{value:.{0 if value in (0, 100) else digits}f} %"


def ratio(numerator: int, denominator: int) -> str:
    """`12 of 4,031 (0.3 %)`; without a percentage when there is nothing to divide by."""
    counts = f"{numerator:,} of {denominator:,}"
    return f"{counts} ({percent(numerator / denominator)})" if denominator else counts


def size(count: float) -> str:
    """A number of bytes in the largest decimal unit that leaves at least 1."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(count) < 1000:
            return f"{count:,.0f} {unit}" if unit == "B" else f"{count:,.1f} {unit}"
        count /= 1000
    return f"{count:,.1f} TB"


def duration(seconds: float) -> str:
    """Seconds as people say them: `0.4 s`, `42 s`, `3 min 05 s`, `2 h 07 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def moment(value: dt.datetime | str) -> str:
    """A time in UTC, to the second. Text that is not a time is left as it is."""
    if isinstance(value, str):
        try:
            value = dt.datetime.fromisoformat(value)
        except ValueError:
            return value
    if value.tzinfo is None:
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return f"{value.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S} UTC"


def label(name: str) -> str:
    """A column or key name as words: `rows_in` becomes `Rows in`."""
    words = re.sub(r"[_\s]+", " ", name).strip()
    words = re.sub(r"\bsha256\b", "SHA-256", words, flags=re.IGNORECASE)
    return words[:1].upper() + words[1:]


def digest(value: str) -> Html:
    """A hash in full, breakable in the middle so that it fits a narrow column."""
    middle = len(value) // 2
    return element("code", value[:middle], element("wbr"), value[middle:], class_="ennu-hash")


_FORMATTERS: dict[str, Callable[[object, int], Html | str]] = {
    "text": lambda value, _: inline(str(value)),
    "code": lambda value, _: element("code", value),
    "hash": lambda value, _: digest(str(value)),
    "integer": lambda value, _: f"{value:,.0f}",
    "sparse": lambda value, _: f"{value:,.0f}" if value else element("span", "0", class_="ennu-none"),
    "decimal": lambda value, digits: f"{value:,.{digits}f}",
    "percent": lambda value, digits: percent(float(value), digits),
    "bytes": lambda value, _: size(value),
    "seconds": lambda value, _: duration(value),
    "date": lambda value, _: str(value),
    "time": lambda value, _: moment(value),
    "flag": lambda value, _: "yes" if value else "no",
    "status": lambda value, _: mark(str(value)),
}
