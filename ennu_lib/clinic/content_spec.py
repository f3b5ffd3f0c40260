"""The grammar of the catalogue's `content` column: what a generic generator puts into a column.

seq  fk  each  skew           keys: running number; any, every, or mostly the first rows of the referenced table
via:fk.column  copy:column    the value of the row that `fk` points at; the value of another column of the row
nth:fk                        running number among the rows of the same parent
after:[fk.]column+lo..hi[dhm] later than another date, never later than the clinic's today; `due:` may be later
date:lo..hi  datetime:lo..hi  ISO dates or days relative to today: `as_of-900`, `-900`, `0`, `as_of`
time:lo..hi  int:lo..hi  decimal:lo..hi
choice:a|b|c  choice:a=5|b=1  const:x  bool:share  flag:share (Y or N)
pick:list  cycle:list*list    words of params/clinic/words.yml
code:AB-##?#                  # a digit, ? a capital letter; running where the column must be unique
words:n  sentence  note:words  xml:words  json  name  email  phone  url  ip  uuid  hash  hex:n  blob:bytes
bespoke                       made by a hand-written generator
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ennu_lib.catalog import Catalogue, Column, Table


@dataclass(frozen=True)
class Content:
    """One parsed content text: its word and its argument as the word's generator wants it."""

    word: str
    argument: Any = None


@dataclass(frozen=True)
class Offset:
    """`base` is a column of the same row, or of the row that the foreign key `through` points at."""

    through: str | None
    base: str
    lo: int
    hi: int
    unit: str


def parse_content(text: str) -> Content:
    """Parse a content text; raises ValueError with what is wrong about it."""
    word, colon, argument = text.partition(":")
    if word not in _ARGUMENTS:
        raise ValueError(f"content '{text}': no such word")
    parse = _ARGUMENTS[word]
    if parse is None:
        if colon:
            raise ValueError(f"content '{text}': '{word}' takes no argument")
        return Content(word)
    try:
        return Content(word, parse(argument))
    except ValueError as problem:
        raise ValueError(f"content '{text}': {problem}") from None


def _positive(argument: str) -> int:
    if not argument.isdigit() or int(argument) == 0:
        raise ValueError("expected a positive count")
    return int(argument)


def _share(argument: str) -> float:
    share = float(argument)
    if not 0 <= share <= 1:
        raise ValueError("expected a share from 0 to 1")
    return share


def _some_text(argument: str) -> str:
    if not argument:
        raise ValueError("expected an argument")
    return argument


def _ends(argument: str) -> tuple[str, str]:
    lo, dots, hi = argument.partition("..")
    if not (lo and dots and hi):
        raise ValueError("expected lo..hi")
    return lo, hi


def _numbers(kind: Callable) -> Callable[[str], tuple]:
    def parse(argument: str) -> tuple:
        lo, hi = (kind(end) for end in _ends(argument))
        if hi < lo:
            raise ValueError("hi is below lo")
        return lo, hi

    return parse


_DAY = re.compile(r"\d{4}-\d\d-\d\d|as_of(?:[+-]\d+)?|[+-]?\d+")
_TIME = re.compile(r"\d\d:\d\d(?::\d\d)?")


def _matching(pattern: re.Pattern[str], what: str) -> Callable[[str], tuple[str, str]]:
    def parse(argument: str) -> tuple[str, str]:
        ends = _ends(argument)
        if not all(pattern.fullmatch(end) for end in ends):
            raise ValueError(f"expected {what}")
        return ends

    return parse


def weighted_values(argument: str) -> tuple[list[str], list[float]]:
    """Values and weights of `a=5|b=1`; a value without a weight counts once."""
    values, weights = [], []
    for part in _some_text(argument).split("|"):
        value, equals, weight = part.rpartition("=")
        if equals and re.fullmatch(r"\d+(\.\d+)?", weight):
            values.append(value)
            weights.append(float(weight))
        else:
            values.append(part)
            weights.append(1.0)
    return values, weights


_OFFSET = re.compile(r"(?:(\w+)\.)?(\w+)\+(\d+)\.\.(\d+)([dhm])")


def _offset(argument: str) -> Offset:
    match = _OFFSET.fullmatch(argument)
    if not match:
        raise ValueError("expected [fk.]column+lo..hi with d, h or m")
    return Offset(match[1], match[2], int(match[3]), int(match[4]), match[5])


def _through(argument: str) -> tuple[str, str]:
    key, dot, column = argument.partition(".")
    if not (key and dot and column):
        raise ValueError("expected fk.column")
    return key, column


_DAYS = _matching(_DAY, "ISO dates or days relative to as_of")
_ARGUMENTS: dict[str, Callable[[str], Any] | None] = {
    "seq": None,
    "fk": None,
    "each": None,
    "skew": None,
    "via": _through,
    "copy": _some_text,
    "nth": _some_text,
    "after": _offset,
    "due": _offset,
    "date": _DAYS,
    "datetime": _DAYS,
    "time": _matching(_TIME, "times of day"),
    "int": _numbers(int),
    "decimal": _numbers(float),
    "choice": weighted_values,
    "const": _some_text,
    "bool": _share,
    "flag": _share,
    "pick": _some_text,
    "cycle": lambda argument: tuple(_some_text(argument).split("*")),
    "code": _some_text,
    "words": _positive,
    "sentence": None,
    "note": _positive,
    "xml": _positive,
    "json": None,
    "name": None,
    "email": None,
    "phone": None,
    "url": None,
    "ip": None,
    "uuid": None,
    "hash": None,
    "hex": _positive,
    "blob": _positive,
    "bespoke": None,
}
KEY_WORDS = frozenset({"fk", "each", "skew"})


def content_mistakes(catalogue: Catalogue, lists: set[str]) -> list[str]:
    """Every mistake in the content column of the catalogue, each with its table and column."""
    return [
        f"columns/{table.group}.csv {table.name}.{column.name}: {text}"
        for table in catalogue.tables
        for column in table.columns
        for text in _column_mistakes(catalogue, table, column, lists)
    ]


def _column_mistakes(catalogue: Catalogue, table: Table, column: Column, lists: set[str]) -> list[str]:
    try:
        content = parse_content(column.content)
    except ValueError as problem:
        return [str(problem)]
    if content.word in KEY_WORDS and not column.references:
        return [f"content '{column.content}' needs a reference"]
    wanted = {"pick": (content.argument,), "cycle": content.argument}.get(content.word, ())
    unknown = [f"content '{column.content}': no word list '{name}'" for name in wanted if name not in lists]
    return unknown + _dependency_mistakes(catalogue, table, column, content)


def _dependency_mistakes(catalogue: Catalogue, table: Table, column: Column, content: Content) -> list[str]:
    key, own, theirs = _dependencies(content)
    missing = [name for name in (key, own) if name and name not in table.column_names]
    if missing:
        return [f"content '{column.content}': the table has no column '{missing[0]}'"]
    if key is None:
        return []
    reference = table.column(key).references
    if reference is None:
        return [f"content '{column.content}': '{key}' references nothing"]
    if theirs and theirs not in catalogue.table(reference[0]).column_names:
        return [f"content '{column.content}': {reference[0]} has no column '{theirs}'"]
    return []


def _dependencies(content: Content) -> tuple[str | None, str | None, str | None]:
    """Which foreign key, which column of the same row and which column of the parent row the content reads."""
    argument = content.argument
    if content.word == "via":
        return argument[0], None, argument[1]
    if content.word == "nth":
        return argument, None, None
    if content.word == "copy":
        return None, argument, None
    if content.word in ("after", "due"):
        return (argument.through, None, argument.base) if argument.through else (None, argument.base, None)
    return None, None, None
