"""Names of tables and columns as words: `PatNum`, `patient_id` and `25againMembers` are written in many ways."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache

# A word begins at a capital after a small letter, at the last capital of a row of them, and at a digit; what is
# neither letter nor digit parts words.
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_]+")
_SIBILANT = ("sses", "tuses", "shes", "ches", "xes", "zzes")
# Second words of names that are often written as one, and words that only look like such.
_ENDINGS = ("name", "date", "number", "phone", "address")
_LEAST_BEGINNING = 3
_ONE_WORD = frozenset(
    {"surname", "forename", "nickname", "telephone", "candidate", "mandate", "validate", "consolidate"}
)
# Singular already, or plural without a singular.
_KEPT = frozenset({"address", "status", "news", "series", "process", "access", "diagnosis", "icons", "dos", "has", "is",
                   "was", "this", "basis", "analysis", "sms", "gps", "ins", "business", "class", "pass", "loss", "las",
                   "fitness", "wellness", "illness", "https", "dns", "tos", "pos", "vitals", "apis"})  # fmt: skip

# A prefix is the clinic's own mark (`25againmembers`, `tblpatients`) when so many tables go on after it in so many
# letters; a shorter or a rarer one is part of a word.
PREFIX_LENGTH, PREFIX_TABLES, PREFIX_LETTERS = 3, 8, 6


@lru_cache(maxsize=65_536)
def words(name: str) -> tuple[str, ...]:
    """The words of a name in small letters and in the singular, where English has a rule for it.

    Words that are often run together are parted: `mothersname` and `birthdate` have two. There is at least one word.
    """
    found = tuple(singular(part) for word in _WORD.findall(name) for part in _parted(word.lower()))
    return found or (name.strip().lower() or "nameless",)


def _parted(word: str) -> tuple[str, ...]:
    for end in _ENDINGS:
        if word.endswith(end) and len(word) - len(end) >= _LEAST_BEGINNING and word not in _ONE_WORD:
            return (word.removesuffix(end), end)
    return (word,)


@lru_cache(maxsize=16_384)
def singular(word: str) -> str:
    """`allergies` → `allergy`, `boxes` → `box`, `notes` → `note`; what is no plural stays."""
    if word in _KEPT or len(word) < 4 or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    if word.endswith("oses"):
        return f"{word[:-2]}is"
    if word.endswith(_SIBILANT):
        return word[:-2]
    return word[:-1] if word.endswith("s") else word


def plain(name: str) -> str:
    """Letters and digits only, small: `Patient_ID` and `patientid` are the same name."""
    return re.sub(r"[^0-9a-z]", "", name.lower())


def has(name: Sequence[str], phrases: Iterable[str]) -> str | None:
    """The first of `phrases` that stands in `name`: one word, several next to each other, or the whole run together."""
    spaced = f" {' '.join(name)} "
    joined = "".join(name)
    for phrase in phrases:
        if phrase == "*" or f" {phrase} " in spaced or (phrase == joined and len(phrase) > 2):
            return phrase
    return None


def names_a_key(name: str, id_words: Iterable[str]) -> bool:
    """True where a word of the name says 'number of' (`patient_id`, `PatNum`)."""
    return any(word in id_words for word in words(name))


def counts_things(name: str, id_words: Iterable[str]) -> bool:
    """True for a plural that is no number of something: `package_credits` is how many there are."""
    found = _WORD.findall(name)
    return bool(found) and singular(found[-1].lower()) != found[-1].lower() and not names_a_key(name, id_words)


def shared_prefixes(tables: Iterable[str]) -> list[str]:
    """Beginnings that are no word of their own and that many tables share, longest first."""
    following: dict[str, list[str]] = defaultdict(list)
    for table in tables:
        name = table.lower()
        for end in range(PREFIX_LENGTH, len(name)):
            if name[:end].isalnum():
                following[name[:end]].append(name[end])
    found = [
        prefix
        for prefix, letters in following.items()
        if len(letters) >= PREFIX_TABLES and len({c for c in letters if c.isalpha()}) >= PREFIX_LETTERS
    ]
    return sorted(found, key=lambda prefix: (-len(prefix), prefix))


def without_prefix(table: str, prefixes: Sequence[str]) -> tuple[str, ...]:
    """The words of a table's name without the longest of the shared prefixes: `25againproviders` is about providers."""
    prefix = next((p for p in prefixes if table.lower().startswith(p) and len(table) - len(p) > 2), "")
    found = words(table)
    return tuple(dict.fromkeys((*found, *words(table[len(prefix) :])))) if prefix else found
