"""Quirks of SQLite, from sqlite_master and its pragmas."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from ennu_lib.catalog.sentinels import NO_DATES
from ennu_lib.source.quirks.asking import Asked
from ennu_lib.source.quirks.kinds import NEARLY_USED, Oddity, Quirk, by_table
from ennu_lib.source.shapes import TableShape

# https://www.sqlite.org/pragma.html: table_list is there since 3.37 (2021), table_xinfo since 3.26.
TABLES = """
SELECT name, type, wr, strict FROM pragma_table_list WHERE schema = 'main' AND substr(name, 1, 7) <> 'sqlite_'
ORDER BY name
"""
COLUMNS = """
SELECT m.name, c.name, c.type, c.hidden, c.dflt_value FROM sqlite_master m JOIN pragma_table_xinfo(m.name) c
WHERE m.type = 'table' ORDER BY m.name, c.cid
"""
TRIGGERS = "SELECT tbl_name FROM sqlite_master WHERE type = 'trigger'"
COUNTERS = "SELECT name, seq FROM sqlite_sequence"
LARGEST = 2**63 - 1
GENERATED, HIDDEN = (2, 3), 1


def read(asked: Asked, shapes: Mapping[str, TableShape], _schema: str | None) -> tuple[dict[str, str], list[Oddity]]:
    """How each table is stored, and its quirks."""
    encoding = (asked.rows("the character set", "PRAGMA encoding") or [("",)])[0][0]
    tables = asked.rows("kinds of tables", TABLES)
    columns = [c for c in asked.rows("types of columns", COLUMNS) if c[0] in shapes]
    triggers = Counter(name for (name,) in asked.rows("triggers", TRIGGERS))
    found = [Oddity(name, Quirk.TRIGGERS, (), f"{count}") for name, count in triggers.items() if name in shapes]
    for name, kind, without_rowid, strict in tables:
        has = {
            Quirk.VIEW: kind == "view" and name not in shapes,
            Quirk.ELSEWHERE: kind == "virtual",
            Quirk.WITHOUT_ROWID: without_rowid,
            Quirk.STRICT: strict,
        }
        found += [Oddity(name, quirk) for quirk, true in has.items() if true]
    found += by_table(Quirk.UNTYPED, ((t, c) for t, c, kind, *_ in columns if not kind))
    found += by_table(Quirk.JSON, ((t, c) for t, c, kind, *_ in columns if kind.upper() in ("JSON", "JSONB")))
    found += by_table(Quirk.GENERATED, ((t, c) for t, c, _, hidden, _ in columns if hidden in GENERATED))
    found += by_table(Quirk.INVISIBLE, ((t, c) for t, c, _, hidden, _ in columns if hidden == HIDDEN))
    found += by_table(
        Quirk.NO_DATE_DEFAULT, ((t, c) for t, c, *_, default in columns if (default or "").strip("'")[:10] in NO_DATES)
    )
    return {t[0]: _stored(t, encoding) for t in tables if t[0] in shapes}, found + _ends(asked, shapes)


def _stored(table: tuple, encoding: str) -> str:
    _, kind, without_rowid, strict = table
    types = "types enforced" if strict else "types not enforced"
    return ", ".join((f"{kind} table" if kind != "table" else "table", "by key" if without_rowid else "by row number",
                      types, encoding))  # fmt: skip


def _ends(asked: Asked, shapes: Mapping[str, TableShape]) -> list[Oddity]:
    """Counters of AUTOINCREMENT; a database without such a column has no table of them."""
    told = len(asked.untold)
    counters = asked.rows("counters", COUNTERS)
    del asked.untold[told:]
    return [
        Oddity(name, Quirk.NEAR_END, shapes[name].key, f"{last / LARGEST:.0%} used")
        for name, last in counters
        if name in shapes and isinstance(last, int) and last / LARGEST >= NEARLY_USED
    ]
