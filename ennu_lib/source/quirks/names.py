"""What the shapes of the tables tell by themselves: no key, and names that have to be quoted somewhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from sqlalchemy.dialects.mysql.reserved_words import RESERVED_WORDS_MARIADB, RESERVED_WORDS_MYSQL
from sqlalchemy.dialects.postgresql.base import RESERVED_WORDS as RESERVED_WORDS_POSTGRESQL
from sqlalchemy.dialects.sqlite.base import SQLiteIdentifierPreparer

from ennu_lib.source.quirks.kinds import Oddity, Quirk
from ennu_lib.source.shapes import TableShape

RESERVED = frozenset(
    RESERVED_WORDS_MARIADB | RESERVED_WORDS_MYSQL | RESERVED_WORDS_POSTGRESQL | SQLiteIdentifierPreparer.reserved_words
)
PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def name_quirks(shapes: Mapping[str, TableShape]) -> list[Oddity]:
    """Tables without a primary key, and the names of tables and columns that need care in SQL."""
    found = [Oddity(name, Quirk.NO_KEY) for name, shape in shapes.items() if not shape.key]
    for name, shape in shapes.items():
        for quirk, has in NAMED:
            columns = tuple(c.name for c in shape.columns if has(c.name))
            if columns or has(name):
                found.append(Oddity(name, quirk, columns, "the table's own name" if has(name) else ""))
    return found


def _is_mixed(name: str) -> bool:
    return name != name.lower() and name != name.upper()


NAMED: tuple[tuple[Quirk, Callable[[str], bool]], ...] = (
    (Quirk.RESERVED_NAME, lambda name: name.lower() in RESERVED),
    (Quirk.MIXED_CASE, _is_mixed),
    (Quirk.ODD_NAME, lambda name: not PLAIN.fullmatch(name)),
)
