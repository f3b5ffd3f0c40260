"""Characters, lengths, coded values, and what reports may say (GEN-04, GEN-05, GEN-07, GEN-08)."""

from __future__ import annotations

import re
from functools import lru_cache

import polars as pl

from ennu_lib.report.masking.personal_data import PATTERNS, scan
from ennu_lib.rules.checks.dates import real_words
from ennu_lib.rules.code_lists import folded, known_codes
from ennu_lib.rules.parsing import NOTHING, filled
from ennu_lib.rules.registry import Look, checks
from ennu_lib.rules.tables import KEY, NotHere, Tables

NAME = "NAME"
WORD_IN_CAPITALS = r"([A-Z][A-Za-z'’-]+)"
TWO_WORDS = re.compile(rf"(?=\b{WORD_IN_CAPITALS} {WORD_IN_CAPITALS}\b)")
FAMILY_FIRST = re.compile(rf"\b{WORD_IN_CAPITALS}, {WORD_IN_CAPITALS}\b")
# What rules of later phases look at are objects of the portal, not tables of the source.
OTHER_TABLES = (
    "contacts", "lab_results", "measurement_history", "health_scores", "telehealth_sessions", "assessment_results",
    "staff_management", "issues", "written texts",
)  # fmt: skip
SCORE_FILES = ("scores/all", "scores/contributions")
SCANNED = {KEY: pl.String, "kinds": pl.List(pl.String)}
# UTF-8 read as Windows-1252: a lead byte's letter before what only a continuation byte becomes.
WRONGLY_READ = r"[ÂÃÄÅ][\x{80}-\x{bf}€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]|â€"


@checks("GEN-04")
def encoding(tables: Tables, settings) -> list[Look]:
    """No wrongly decoded characters, no NUL, and no text longer than a property holds."""
    looks = []
    for table in tables.catalogue.tables:
        columns = [c.name for c in table.columns if c.type.kind in ("varchar", "text", "longtext") and not c.references]
        if not columns or not tables.has(table.name):
            continue
        frame = tables(table.name, *columns)
        fails = {}
        for column in columns:
            fails[column, "MOJIBAKE"] = pl.col(column).str.contains(WRONGLY_READ)
            fails[column, "NUL"] = pl.col(column).str.contains(r"\x{0}")
            fails[column, "UNREADABLE"] = pl.col(column).str.contains(r"\x{fffd}")
            if table.column(column).type.kind != "varchar":
                fails[column, "TOO_LONG"] = pl.col(column).str.len_chars() > settings["longest"]
        looks.append(Look(table.name, frame, fails))
    return looks


@checks("GEN-05")
def coded(tables: Tables, settings) -> list[Look]:
    """Coded values in the spelling that the clinic uses; the rest are variants of it, or stand for nothing known.

    A value is a variant when it differs only in case and blanks from one that is far more frequent in its column, or
    is another word for one in a column that writes that one by rule. It stands for nothing when the mapping's list for
    its column does not have it.
    """
    mapped = known_codes(tables.params)
    named = {
        table.name: list(dict.fromkeys([*_coded_columns(table, settings), *(c for t, c in mapped if t == table.name)]))
        for table in tables.catalogue.tables
        if tables.has(table.name)
    }
    frames = {name: tables(name, *columns) for name, columns in named.items() if columns}
    places = [(name, column) for name in frames for column in named[name]]
    counted = pl.collect_all(_spellings(frames[name], column) for name, column in places)
    fails: dict[str, dict[tuple[str, str], pl.Expr]] = {name: {} for name in frames}
    for (name, column), spellings in zip(places, counted, strict=True):
        usual = _usual_spellings(spellings, column, settings, real_words(tables.catalogue.table(name), column))
        if usual:
            plain = pl.col(column).str.strip_chars().str.to_lowercase()
            expected = plain.replace_strict(usual, default=None, return_dtype=pl.String)
            fails[name][column, "SPELLING"] = expected.is_not_null() & (pl.col(column) != expected)
    for (name, column), listed in mapped.items():
        if name in frames and column in named[name]:
            fails[name][column, "UNKNOWN_CODE"] = filled(column) & ~folded(column).is_in(list(listed))
    return [Look(name, frame, fails[name]) for name, frame in frames.items() if fails[name]]


def _coded_columns(table, settings) -> list[str]:
    """Short text that the catalogue lists choices for, or that the settings name."""
    named = settings["columns"].get(table.name, [])
    chosen = [c.name for c in table.columns if c.type.kind == "varchar" and c.content.startswith("choice:")]
    present = set(table.column_names)
    return list(dict.fromkeys([*chosen, *(c for c in named if c in present)]))


def _spellings(frame: pl.LazyFrame, column: str) -> pl.LazyFrame:
    """Every value of a column with its rows, and the same folded to lower case without blanks."""
    counted = frame.select(pl.col(column).alias("value")).drop_nulls().group_by("value").agg(pl.len().alias("n"))
    return counted.with_columns(folded=pl.col("value").str.strip_chars().str.to_lowercase())


def _usual_spellings(counted: pl.DataFrame, column: str, settings, real: set[str]) -> dict[str, str] | None:
    """Per folded value its most frequent spelling; values that are no code list at all give None.

    `real` are the words of the column's code list: one of them that stands for nothing elsewhere is a code here, and
    its spelling wins against a single row's.
    """
    if counted.height == 0 or counted.height > settings["most_spellings"]:
        return None
    synonyms = settings["synonyms"].get(column, {})
    if synonyms:
        counted = _by_synonym(counted, synonyms)
    counted = counted.with_columns(listed=pl.col("value").is_in(sorted(real)))
    known = pl.DataFrame({"value": sorted(real)}, schema={"value": pl.String})
    known = known.with_columns(n=pl.lit(1, counted["n"].dtype), folded=pl.col("value").str.to_lowercase(), listed=True)
    counted = pl.concat([counted, known.select(counted.columns)])
    best = counted.sort("n", "listed", "value", descending=True).unique("folded", keep="first", maintain_order=True)
    usual = {
        folded: value.strip()
        for folded, value in best.select("folded", "value").iter_rows()
        if folded not in NOTHING or folded in {word.lower() for word in real}
    }
    return usual | {word: usual[stands] for word, stands in synonyms.items() if stands in usual}


def _by_synonym(counted: pl.DataFrame, synonyms: dict[str, str]) -> pl.DataFrame:
    """Spellings folded to what they stand for.

    A column that mostly writes the words that others stand for writes them for all: the only Chinese patient's `zh` is
    no usual spelling.
    """
    words = sorted(set(synonyms.values()))
    written, other = (counted.filter(pl.col("folded").is_in(of))["n"].sum() for of in (words, sorted(synonyms)))
    folded = counted.with_columns(folded=pl.col("folded").replace(synonyms))
    if written <= other:
        return folded
    missing = sorted(set(folded["folded"]) & set(words) - set(counted["folded"]))
    own = folded.filter(~counted["folded"].is_in(sorted(synonyms)))
    return pl.concat([own, pl.DataFrame({"value": missing, "n": 0, "folded": missing}, schema=own.schema)])


@checks("GEN-08")
def nothing_personal(tables: Tables, settings) -> list[Look]:
    """What the issues say of a row is its table, key, rule, column and reason: names that we chose ourselves.

    What the run has written besides, evidence, worklists and progress, has nothing of the shape of a mailbox, a
    telephone or social security number, or a birth date, and not the name of a patient.
    """
    return named_and_written(tables, ["clean/issues"], set(), set())


def of_the_portal(tables: Tables) -> tuple[set[str], set[str]]:
    """The tables and columns that issues of later phases may name besides those of the source."""
    files = [f"targets/{name}" for name in OTHER_TABLES] + list(SCORE_FILES)
    there = [frame for name in files if (frame := tables.read(name)) is not None]
    return set(OTHER_TABLES), {"text", *(column for frame in there for column in frame.collect_schema())}


def named_and_written(tables: Tables, files: list[str], also_tables: set[str], also_columns: set[str]) -> list[Look]:
    """The looks of GEN-08 over the issues in `files` and all texts that the run has written so far.

    An issue may name tables and columns of the source, and those besides that are given.
    """
    allowed = {table.name for table in tables.catalogue.tables} | also_tables
    columns = {column.name for table in tables.catalogue.tables for column in table.columns} | also_columns
    parts = [tables.file(name, "rule", "table", "column", "reason").drop(KEY, strict=False) for name in files]
    issues = pl.concat(parts).with_row_index(KEY)
    fails = {
        ("table", "NOT_A_TABLE"): ~pl.col("table").is_in(allowed),
        ("column", "NOT_A_COLUMN"): ~pl.col("column").is_in([*columns, KEY]),
        ("reason", "NOT_A_REASON"): ~pl.col("reason").str.contains(r"^[A-Z0-9_]+$"),
        ("rule", "NOT_A_RULE"): ~pl.col("rule").str.contains(r"^[A-Z]{3}-\d{2}$"),
    }
    people = _full_names(tables)
    kinds = {name: sorted(_personal(text, people)) for name, text in tables.texts()}
    written = pl.LazyFrame({KEY: list(kinds), "kinds": list(kinds.values())}, schema=SCANNED)
    found = {("text", kind): pl.col("kinds").list.contains(kind) for kind in (*map(str.upper, PATTERNS), NAME)}
    return [Look("issues", issues, fails), Look("written texts", written, found)]


def _personal(text: str, people: frozenset[str]) -> set[str]:
    """The kinds of personal data that a text has; two words in capitals that are a patient's name are one of them."""
    kinds, pairs = _looked_through(text)
    return set(kinds) | ({NAME} if pairs & people else set())


@lru_cache(maxsize=64)
def _looked_through(text: str) -> tuple[frozenset[str], frozenset[str]]:
    """The kinds of personal data by their shape, and every two words that may be a name; a run looks three times."""
    pairs = {f"{first} {second}".lower() for first, second in TWO_WORDS.findall(text)}
    turned = {f"{first} {family}".lower() for family, first in FAMILY_FIRST.findall(text)}
    return frozenset(hit.kind.upper() for hit in scan(text)), frozenset(pairs | turned)


def _full_names(tables: Tables) -> frozenset[str]:
    try:
        frame = tables("patients", "first_name", "last_name").select("first_name", "last_name").drop_nulls().unique()
    except NotHere:
        return frozenset()
    rows = frame.collect(engine="streaming").iter_rows()
    return frozenset(f"{first.strip()} {last.strip()}".lower() for first, last in rows)


@checks("GEN-07")
def unique_keys(tables: Tables, settings) -> list[Look]:
    """The key of a source table that has no primary key occurs once; ids are looked at in what is sent (GAT-04) and in
    the portal (GAT-08)."""
    looks = []
    for table in tables.catalogue.tables:
        if not table.primary_key and tables.has(table.name):
            frame = tables(table.name, table.named_key)
            first = pl.int_range(pl.len()).over(table.named_key)
            looks.append(Look(table.name, frame, {(table.named_key, "ROW_TWICE"): first > 0}))
    return looks
