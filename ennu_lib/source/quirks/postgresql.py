"""Quirks of PostgreSQL, from pg_catalog."""

from __future__ import annotations

from collections.abc import Mapping

from ennu_lib.catalog.sentinels import NO_DATES
from ennu_lib.source.quirks.asking import Asked
from ennu_lib.source.quirks.kinds import NEARLY_USED, Oddity, Quirk, by_table
from ennu_lib.source.shapes import TableShape

SCHEMA = "n.nspname = coalesce(:schema, current_schema())"
# https://www.postgresql.org/docs/current/catalog-pg-class.html
TABLES = f"""
SELECT c.relname, c.relkind, c.relpersistence, a.amname, coalesce(t.relpages, 0), row_security_active(c.oid),
       (SELECT count(*) FROM pg_trigger g WHERE g.tgrelid = c.oid AND NOT g.tgisinternal),
       (SELECT count(*) FROM pg_inherits i WHERE i.inhparent = c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_am a ON a.oid = c.relam LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
WHERE {SCHEMA} AND c.relkind IN ('r', 'p', 'f', 'v', 'm') ORDER BY c.relname
"""
PARENTS = f"""
SELECT c.relname, p.relname FROM pg_inherits i
JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {SCHEMA} ORDER BY c.relname, p.relname
"""
COLUMNS = f"""
SELECT c.relname, a.attname, t.typname, t.typtype, t.typcategory, a.attgenerated,
       CASE WHEN a.attcollation <> t.typcollation THEN o.collname END, pg_get_expr(d.adbin, d.adrelid)
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_collation o ON o.oid = a.attcollation
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE {SCHEMA} AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'f') ORDER BY c.relname, a.attnum
"""
SEQUENCES = f"""
SELECT c.relname, a.attname, q.last_value, least(q.max_value,
       CASE t.typname WHEN 'int2' THEN 32767 WHEN 'int4' THEN 2147483647 ELSE q.max_value END)
FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
JOIN pg_class c ON c.oid = d.refobjid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid JOIN pg_type t ON t.oid = a.atttypid
JOIN pg_namespace sn ON sn.oid = s.relnamespace
JOIN pg_sequences q ON q.schemaname = sn.nspname AND q.sequencename = s.relname
WHERE d.classid = CAST('pg_class' AS regclass) AND d.deptype IN ('a', 'i') AND {SCHEMA}
"""
ENCODING = "SELECT pg_encoding_to_char(encoding), datcollate FROM pg_database WHERE datname = current_database()"
KINDS = {"r": "table", "p": "partitioned table", "f": "foreign table", "v": "view", "m": "materialized view"}
PERSISTENCE = {"p": "logged", "u": "unlogged", "t": "temporary"}
# By typname, else by typtype: e enum, d domain, c composite, r range, m multirange.
NAMED = {"json": Quirk.JSON, "jsonb": Quirk.JSON, "bit": Quirk.BIT, "varbit": Quirk.BIT}
TYPES = {"e": Quirk.ENUM, "d": Quirk.OWN_TYPE, "c": Quirk.OWN_TYPE, "r": Quirk.OWN_TYPE, "m": Quirk.OWN_TYPE}


def read(asked: Asked, shapes: Mapping[str, TableShape], schema: str | None) -> tuple[dict[str, str], list[Oddity]]:
    """How each table is stored, and its quirks."""
    at = {"schema": schema}
    tables = asked.rows("kinds of tables and row security", TABLES, **at)
    encoding = ", ".join((asked.rows("the character set", ENCODING) or [()])[0])
    columns = [c for c in asked.rows("types of columns", COLUMNS, **at) if c[0] in shapes]
    parents = [p for p in asked.rows("inheritance", PARENTS, **at) if p[0] in shapes]
    return (
        {t[0]: _stored(t, encoding) for t in tables if t[0] in shapes},
        [
            *(oddity for table in tables for oddity in _of_table(table, shapes)),
            *(Oddity(child, Quirk.ROWS_TWICE, (), parent) for child, parent in parents if parent in shapes),
            *_of_columns(columns),
            *_ends(asked, at, shapes),
        ],
    )


def _stored(table: tuple, encoding: str) -> str:
    _, kind, persistence, method, *_ = table
    return ", ".join(part for part in (KINDS[kind], method, PERSISTENCE[persistence], encoding) if part)


def _of_table(table: tuple, shapes: Mapping[str, TableShape]) -> list[Oddity]:
    name, kind, persistence, _, toast_pages, secured, triggers, parts = table
    if kind in "vm":
        return [] if name in shapes else [Oddity(name, Quirk.VIEW, (), KINDS[kind])]
    has = {
        Quirk.UNLISTED: (name not in shapes, KINDS[kind]),
        Quirk.ELSEWHERE: (kind == "f", KINDS[kind]),
        Quirk.HIDDEN_ROWS: (secured, ""),
        Quirk.LOST_BY_CRASH: (persistence == "u", PERSISTENCE["u"]),
        Quirk.PARTITIONED: (kind == "p", f"{parts}"),
        Quirk.TRIGGERS: (triggers > 0, f"{triggers}"),
        Quirk.OUT_OF_LINE: (toast_pages > 0, f"{toast_pages * 8:,} kB"),
    }
    return [Oddity(name, quirk, (), detail) for quirk, (true, detail) in has.items() if true]


def _of_columns(columns: list[tuple]) -> list[Oddity]:
    kinds: dict[Quirk, list[tuple[str, str]]] = {}
    for table, column, named, kind, category, generated, collation, default in columns:
        special = NAMED.get(named) or TYPES.get(kind) or (Quirk.ARRAY if category == "A" else None)
        quirks = {
            special: special is not None,
            Quirk.GENERATED: bool(generated),
            Quirk.MIXED_COLLATION: collation is not None,
            Quirk.NO_DATE_DEFAULT: any(day in (default or "") for day in (*NO_DATES, "infinity")),
        }
        for quirk in (q for q, true in quirks.items() if true):
            kinds.setdefault(quirk, []).append((table, column))
    return [oddity for quirk, places in kinds.items() for oddity in by_table(quirk, places)]


def _ends(asked: Asked, at: dict, shapes: Mapping[str, TableShape]) -> list[Oddity]:
    found = []
    for table, column, last, largest in asked.rows("sequences", SEQUENCES, **at):
        if table in shapes and last and last / largest >= NEARLY_USED:
            found.append(Oddity(table, Quirk.NEAR_END, (column,), f"{last / largest:.0%} used"))
    return found
