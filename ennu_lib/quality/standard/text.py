"""Text as it should be kept: Unicode form C, no mojibake, no control characters; and words that say nothing."""

from __future__ import annotations

import re
from collections.abc import Callable

import ftfy

from ennu_lib.quality.standard.forms import Forms
from ennu_lib.quality.standard.outcome import Outcome, kept, refused

MOST_REPAIRS = 8
# Longer text is no name, number or code; looking at it letter by letter would take seconds.
LONGEST_VALUE = 1000
_SPACES = re.compile(r"\s+")
_UNPRINTABLE = re.compile(
    r"[^\S\r\n\t ]|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff\u200b-\u200f\u202a-\u202e\u2066-\u2069]"
)


def repaired(text: str) -> str:
    """One line of text without mojibake and control characters, in Unicode form C, with single spaces.

    One repair may lay open another, so it is repeated until it changes nothing.
    """
    return settled(text, lambda t: "".join(c for c in _SPACES.sub(" ", _fixed(t)) if c.isprintable()).strip())


def repaired_prose(text: str) -> str:
    """Text of several lines: as `repaired`, with its line breaks, tabs and runs of spaces."""
    return settled(text, lambda t: _UNPRINTABLE.sub("", _fixed(t)).strip())


def words(text: str, forms: Forms, allowed: frozenset[str] = frozenset()) -> Outcome:
    """A short text: repaired; null where it only says that there is none. `allowed` are words that mean something."""
    clean = repaired(text)
    word = clean.casefold()
    if not clean or (word in forms.placeholders and word not in allowed):
        return refused("PLACEHOLDER" if clean else "BLANK")
    return kept(clean)


def line(text: str, forms: Forms) -> Outcome:
    """A name of a thing: repaired, and never taken for a placeholder, as `Na` is sodium."""
    clean = repaired(text)
    return kept(clean) if clean else refused("BLANK")


def prose(text: str, forms: Forms) -> Outcome:
    """A narrative: repaired, whatever its length; null where it only says that there is none."""
    clean = repaired_prose(text)
    if not clean or clean.casefold() in forms.placeholders:
        return refused("PLACEHOLDER" if clean else "BLANK")
    return kept(clean)


def _fixed(text: str) -> str:
    spaced = "".join(" " if c.isspace() and c not in "\r\n\t" else c for c in text) if not text.isascii() else text
    return ftfy.fix_text(spaced, uncurl_quotes=False, fix_line_breaks=False, normalization="NFC")


def settled(text: str, repair: Callable[[str], str]) -> str:
    """`repair` done again and again until it changes nothing."""
    for _ in range(MOST_REPAIRS):
        before, text = text, repair(text)
        if text == before:
            break
    return text
