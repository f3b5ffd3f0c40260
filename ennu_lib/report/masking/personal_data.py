"""Text that has the shape of personal data. A hit says what kind and where, and never repeats the value."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote


@dataclass(frozen=True, order=True)
class Hit:
    """Personal data found: its kind, and the place in the text."""

    kind: str
    where: str


_DATE = r"(?:\d{4}-\d{2}-\d{2}|\d{1,2}[/.-]\d{1,2}[/.-](?:\d{4}|\d{2}))(?!\d)"
_BIRTH = r"(?:dob|d\.o\.b\.?|birth[ _-]?(?:date|day)|(?:date|day)[ _-]of[ _-]birth|born)"
# First and last days of a year are the sentinels and bounds that rules speak of, not birthdays worth an alarm.
_BOUND = r"(?!(?:\d{4}-(?:01-01|12-31|00-00)|0?1/0?1/\d{4}|12/31/\d{4}))"

PATTERNS = {
    "email": re.compile(r"[\w.%+'-]+@(?:[a-z0-9-]+\.)+[a-z]{2,}", re.IGNORECASE),
    "phone": re.compile(
        r"(?<![\w.-])(?:\+?1[ .-]?)?(?:\(\d{3}\) ?\d{3}[ .-]|\d{3}([ .-])\d{3}\1)\d{4}(?![\w-]|\.\d)"
        r"|(?<![\w.+])\+\d[\d ().-]{8,16}\d(?!\w)"
    ),
    "social_security_number": re.compile(r"(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])"),
    "date_of_birth": re.compile(rf"(?<![a-z]){_BIRTH}(?![a-z])[^\n]{{0,40}}?(?<!\d){_BOUND}{_DATE}", re.IGNORECASE),
}

_DRAWING = re.compile(r"\b(?:d|points|transform|viewBox)=\"[^\"]*\"|;base64,[A-Za-z0-9+/=]+")
_TAG = re.compile(r"<[^<>\n]*>")
_UNICODE_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")


def scan(text: str, allowed: Iterable[str] = ()) -> list[Hit]:
    """Find text shaped like an email address, a phone number, a social security number or a date of birth.

    The text may be plain, HTML or JSON: character references, `\\u` escapes and percent encoding are undone first.
    `allowed` are strings that may stand in the text, such as the operator's own address. A number of ten digits without
    any separator is not taken for a phone number: counts and sizes look the same.
    """
    plain = decoded(_DRAWING.sub(" ", text))
    for known in allowed:
        plain = plain.replace(known, " ")
    views = {plain, _TAG.sub("", plain)}
    return sorted({Hit(kind, _place(view, m.start())) for view in views for kind, m in _matches(view)})


def decoded(text: str) -> str:
    """`text` with character references, `\\u` escapes and percent encoding undone, however often they were applied."""
    for _ in range(4):
        before = text
        text = html.unescape(text)
        text = _UNICODE_ESCAPE.sub(lambda m: chr(int(m[1], 16)), text)
        text = unquote(text, errors="replace") if "%" in text else text
        if text == before:
            break
    return text


def _matches(text: str) -> Iterable[tuple[str, re.Match[str]]]:
    return ((kind, match) for kind, pattern in PATTERNS.items() for match in pattern.finditer(text))


def _place(text: str, position: int) -> str:
    return f"line {text.count(chr(10), 0, position) + 1}"
