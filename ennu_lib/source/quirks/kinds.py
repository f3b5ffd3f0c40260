"""The quirks that tables have: one word each, what it means for the move, and whether it endangers it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Quirk(StrEnum):
    """What is unusual about how a table is stored; the value is what `audit.json` and the evidence call it."""

    NO_SNAPSHOT = "no_snapshot"
    UNLISTED = "unlisted"
    HIDDEN_ROWS = "hidden_rows"
    ROWS_TWICE = "rows_twice"
    ELSEWHERE = "elsewhere"
    LOST_BY_CRASH = "lost_by_crash"
    NO_KEY = "no_primary_key"
    NEAR_END = "numbers_run_out"
    NO_DATE_DEFAULT = "default_that_is_no_date"
    UNTYPED = "untyped_columns"
    MIXED_COLLATION = "mixed_collation"
    UNSIGNED = "unsigned"
    BIT = "bit"
    ENUM = "enum"
    SET = "set"
    JSON = "json"
    ARRAY = "array"
    OWN_TYPE = "own_type"
    GENERATED = "generated"
    INVISIBLE = "invisible"
    PARTITIONED = "partitioned"
    TRIGGERS = "triggers"
    OUT_OF_LINE = "out_of_line"
    WITHOUT_ROWID = "without_rowid"
    STRICT = "strict"
    RESERVED_NAME = "reserved_name"
    MIXED_CASE = "mixed_case"
    ODD_NAME = "odd_name"
    VIEW = "view"


QUIRKS = {
    Quirk.NO_SNAPSHOT: "its engine keeps no snapshots: rows written during the extraction may be in it or not",
    Quirk.UNLISTED: "the server does not list it among the plain tables, so it or a part of it is not read",
    Quirk.HIDDEN_ROWS: "row security hides rows from this user: they are missing and nothing says so",
    Quirk.ROWS_TWICE: "a table above it shows its rows too: whoever reads both reads them twice",
    Quirk.ELSEWHERE: "its rows are on another server or made by a module: they are not of the snapshot's moment",
    Quirk.LOST_BY_CRASH: "a crash of the server empties it",
    Quirk.NO_KEY: "its rows have no name of their own; they are numbered as they come",
    Quirk.NEAR_END: "four fifths and more of the numbers for its rows are used up",
    Quirk.NO_DATE_DEFAULT: "a date that nobody entered is stored as a day that is none",
    Quirk.UNTYPED: "its columns take values of any type",
    Quirk.MIXED_COLLATION: "its texts compare otherwise than those of most tables: equal keys may count as different",
    Quirk.UNSIGNED: "numbers without a sign; above 9,223,372,036,854,775,807 they are kept as text",
    Quirk.BIT: "bits, kept as bytes",
    Quirk.ENUM: "one of a list of words; the list is in the schema and not in the rows",
    Quirk.SET: "several of a list of words in one value",
    Quirk.JSON: "documents within a value",
    Quirk.ARRAY: "several values within a value, kept as the server's text",
    Quirk.OWN_TYPE: "types that were made in this database, kept as the server's text",
    Quirk.GENERATED: "computed by the server from other columns of the row",
    Quirk.INVISIBLE: "left out by SELECT *; read here by name",
    Quirk.PARTITIONED: "kept in parts that can be dropped one by one",
    Quirk.TRIGGERS: "writing into it changes other rows as well",
    Quirk.OUT_OF_LINE: "long values lie beside the table (TOAST) and make reading slower than its rows suggest",
    Quirk.WITHOUT_ROWID: "stored in the order of its key (WITHOUT ROWID)",
    Quirk.STRICT: "its types are enforced (STRICT), those of the other tables are not",
    Quirk.RESERVED_NAME: "a name that is a word of SQL and has to be quoted",
    Quirk.MIXED_CASE: "a name in capital and small letters, which some servers tell apart and others do not",
    Quirk.ODD_NAME: "a name that begins with a digit or has blanks, signs or foreign letters, and has to be quoted",
    Quirk.VIEW: "a view: not read unless source.views names it, since its rows are those of tables",
}
# With these the copy may lack rows, have them twice, or have them of different moments.
ENDANGERING = frozenset(
    {Quirk.NO_SNAPSHOT, Quirk.UNLISTED, Quirk.HIDDEN_ROWS, Quirk.ROWS_TWICE, Quirk.ELSEWHERE, Quirk.LOST_BY_CRASH}
)
# From this share of the numbers on that a key's type can count up to, they are running out.
NEARLY_USED = 0.8


@dataclass(frozen=True)
class Oddity:
    """One quirk of one table: the `columns` that have it, if it is theirs, and what else there is to say."""

    table: str
    quirk: Quirk
    columns: tuple[str, ...] = ()
    detail: str = ""


@dataclass(frozen=True)
class Quirks:
    """`storage` says in a line how each table is stored; `untold` names what this user may not ask the server."""

    storage: Mapping[str, str] = field(default_factory=dict)
    found: tuple[Oddity, ...] = ()
    untold: tuple[str, ...] = ()


def by_table(quirk: Quirk, columns: Iterable[tuple[str, str]], detail: str = "") -> list[Oddity]:
    """One oddity per table from (table, column) pairs, the columns in their order."""
    tables: dict[str, list[str]] = defaultdict(list)
    for table, column in columns:
        tables[table].append(column)
    return [Oddity(table, quirk, tuple(names), detail) for table, names in tables.items()]
