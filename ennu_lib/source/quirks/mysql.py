"""Quirks of MariaDB and MySQL, from information_schema."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from ennu_lib.catalog.sentinels import NO_DATES
from ennu_lib.source.quirks.asking import Asked
from ennu_lib.source.quirks.kinds import NEARLY_USED, Oddity, Quirk, by_table
from ennu_lib.source.shapes import TableShape

TABLES = """
SELECT table_name, table_type, engine, row_format, table_collation, auto_increment
FROM information_schema.tables WHERE table_schema = :schema ORDER BY table_name
"""
COLUMNS = """
SELECT table_name, column_name, data_type, column_type, column_default, collation_name, extra, generation_expression
FROM information_schema.columns WHERE table_schema = :schema ORDER BY table_name, ordinal_position
"""
PARTITIONS = """
SELECT table_name, partition_method, count(DISTINCT partition_name) FROM information_schema.partitions
WHERE table_schema = :schema AND partition_name IS NOT NULL GROUP BY table_name, partition_method
"""
TRIGGERS = """
SELECT event_object_table, count(*) FROM information_schema.triggers
WHERE event_object_schema = :schema GROUP BY event_object_table
"""
# MariaDB keeps JSON as text under a check; MySQL has a type of its own, and no table name here.
JSON_CHECKS = """
SELECT table_name, check_clause FROM information_schema.check_constraints
WHERE constraint_schema = :schema AND lower(check_clause) LIKE 'json_valid(%'
"""
TRANSACTIONAL = "SELECT engine FROM information_schema.engines WHERE transactions = 'YES'"
# Largest values with a sign: https://mariadb.com/kb/en/int/ and the pages of its siblings.
LARGEST = {"tinyint": 2**7, "smallint": 2**15, "mediumint": 2**23, "int": 2**31, "bigint": 2**63}
TYPES = {"bit": Quirk.BIT, "enum": Quirk.ENUM, "set": Quirk.SET, "json": Quirk.JSON}
VIEWS, PLAIN = ("VIEW", "SYSTEM VIEW"), "BASE TABLE"


def read(asked: Asked, shapes: Mapping[str, TableShape], schema: str | None) -> tuple[dict[str, str], list[Oddity]]:
    """How each table is stored, and its quirks."""
    at = {"schema": schema or asked.rows("the database's name", "SELECT database()")[0][0]}
    tables = asked.rows("engines and collations", TABLES, **at)
    columns = [c for c in asked.rows("types of columns", COLUMNS, **at) if c[0] in shapes]
    plain = [t for t in tables if t[0] in shapes]
    safe = {name for (name,) in asked.rows("which engines keep snapshots", TRANSACTIONAL)}
    parts = asked.rows("partitions", PARTITIONS, **at)
    triggers = asked.rows("triggers", TRIGGERS, **at)
    found = [Oddity(t[0], Quirk.VIEW) for t in tables if t[1] in VIEWS and t[0] not in shapes]
    found += [Oddity(t[0], Quirk.UNLISTED, (), t[1].lower()) for t in tables if _is_unlisted(t, shapes)]
    found += [Oddity(t[0], Quirk.NO_SNAPSHOT, (), str(t[2])) for t in plain if safe and t[2] and t[2] not in safe]
    found += [Oddity(n, Quirk.PARTITIONED, (), f"{how.lower()}, {count}") for n, how, count in parts if n in shapes]
    found += [Oddity(n, Quirk.TRIGGERS, (), f"{count}") for n, count in triggers if n in shapes]
    documents = _json(asked, shapes, at)
    found += _collations(c for c in columns if (c[0], c[1]) not in documents)
    found += _types(columns)
    found += by_table(Quirk.JSON, documents)
    found += _ends(plain, columns)
    return {t[0]: _stored(t) for t in plain}, found


def _is_unlisted(table: tuple, shapes: Mapping[str, TableShape]) -> bool:
    """A system-versioned table, for example: its history is not read. A sequence holds no rows."""
    return table[1] not in (*VIEWS, "SEQUENCE") and (table[0] not in shapes or table[1] != PLAIN)


def _stored(table: tuple) -> str:
    _, _, engine, row_format, collation, _ = table
    return ", ".join(str(part) for part in (engine, row_format and f"{row_format.lower()} rows", collation) if part)


def _collations(columns: Iterable[tuple]) -> list[Oddity]:
    """Columns whose collation is not that of most text columns of the database."""
    texts = [(table, column, collation) for table, column, _, _, _, collation, *_ in columns if collation]
    if not texts:
        return []
    usual = Counter(collation for *_, collation in texts).most_common(1)[0][0]
    other = [(table, column) for table, column, collation in texts if collation != usual]
    found = []
    for oddity in by_table(Quirk.MIXED_COLLATION, other):
        here = sorted({c for table, _, c in texts if table == oddity.table and c != usual})
        found.append(Oddity(oddity.table, oddity.quirk, oddity.columns, f"{', '.join(here)} beside {usual}"))
    return found


def _types(columns: list[tuple]) -> list[Oddity]:
    def having(quirk: Quirk, rows: Iterable[tuple]) -> list[Oddity]:
        return by_table(quirk, ((row[0], row[1]) for row in rows))

    found = []
    for kind, quirk in TYPES.items():
        found += having(quirk, (c for c in columns if c[2] == kind))
    found += having(Quirk.UNSIGNED, (c for c in columns if "unsigned" in c[3]))
    found += having(Quirk.GENERATED, (c for c in columns if c[7]))
    found += having(Quirk.INVISIBLE, (c for c in columns if "INVISIBLE" in c[6].upper()))
    return found + having(Quirk.NO_DATE_DEFAULT, (c for c in columns if str(c[4] or "").strip("'")[:10] in NO_DATES))


def _json(asked: Asked, shapes: Mapping[str, TableShape], at: dict[str, str]) -> list[tuple[str, str]]:
    told = len(asked.untold)
    checks = asked.rows("JSON columns", JSON_CHECKS, **at)
    del asked.untold[told:]
    named = ((table, re.search(r"`(.+)`", clause)) for table, clause in checks if table in shapes)
    return [(table, match[1]) for table, match in named if match]


def _ends(tables: Iterable[tuple], columns: Iterable[tuple]) -> list[Oddity]:
    following = {table[0]: table[5] for table in tables if table[5]}
    found = []
    for table, column, kind, declared, _, _, extra, _ in columns:
        if "auto_increment" not in extra.lower() or table not in following or kind not in LARGEST:
            continue
        used = (following[table] - 1) / (LARGEST[kind] * (2 if "unsigned" in declared else 1) - 1)
        if used >= NEARLY_USED:
            found.append(Oddity(table, Quirk.NEAR_END, (column,), f"{used:.0%} used"))
    return found
