"""What kind of personal data a column holds, and why: by the subject of its table, its name, then its values' shape.

Written from general words and shapes (`params/audit/personal.yml`), so that it holds for schemas never seen. What a
person decided in `params/audit/decisions.csv` outranks it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ennu_lib.audit.classes import PersonalClass
from ennu_lib.audit.names import has, words
from ennu_lib.audit.params import PersonalParams, PersonalRule
from ennu_lib.audit.subjects import Subject, describes_person
from ennu_lib.catalog.csv_rows import read_rows
from ennu_lib.errors import ConfigurationError

CLASSES = {"table": pl.String, "column": pl.String, "class": pl.String, "reason": pl.String, "decided": pl.String}
DECISION_FIELDS = ("table", "column", "class", "by", "date", "reason")
TYPES = {"integer": "number", "decimal": "number", "bytes": "bytes", "boolean": "flag", "date": "moment"}
DATE_SHAPES = ("date", "date and time", "date, slashed or dotted", "date in words")
WHERE = {
    "patients": {Subject.PATIENTS},
    "staff": {Subject.STAFF},
    "persons": {Subject.PATIENTS, Subject.STAFF, Subject.PERSONS},
    "any": set(Subject),
}
# A column with so few different values over many rows is a list of codes and identifies nobody, whatever its name says.
CODES, CODES_ROWS = 6, 200


@dataclass(frozen=True)
class Decision:
    """What a person decided about a column."""

    class_: PersonalClass
    by: str
    date: str
    reason: str


def read_decisions(path: Path) -> dict[tuple[str, str], Decision]:
    """Decisions by table and column. Raises ConfigurationError with every mistake; no file, no decision."""
    if not path.is_file():
        return {}
    decisions, mistakes = {}, []
    for line, row in read_rows(path, DECISION_FIELDS):
        if row["class"] not in list(PersonalClass):
            mistakes.append(f"line {line}: class '{row['class']}' is none of {', '.join(PersonalClass)}")
            continue
        if not row["by"] or not row["date"]:
            mistakes.append(f"line {line}: a decision says by whom and when it was made")
        at = (row["table"], row["column"])
        if at in decisions:
            mistakes.append(f"line {line}: {row['table']}.{row['column']} stands twice")
        decisions[at] = Decision(PersonalClass(row["class"]), row["by"], row["date"], row["reason"])
    if mistakes:
        raise ConfigurationError(str(path), mistakes)
    return decisions


def classify(
    columns: pl.DataFrame,
    subjects: Mapping[str, Subject],
    relations: pl.DataFrame,
    keys: pl.DataFrame,
    patients: str | None,
    params: PersonalParams,
    decisions: Mapping[tuple[str, str], Decision] | None = None,
) -> pl.DataFrame:
    """One row per column: its class, the reason, and who decided it. `columns` is the profile."""
    pointing = {(r["table"], r["column"]): r for r in relations.iter_rows(named=True)}
    of_tables = columns.group_by("table").agg("column").iter_rows()
    people = frozenset(table for table, names in of_tables if describes_person(names))
    judge = _Judge(subjects, pointing, own_keys(columns, keys, pointing), people, patients, params)
    rows = []
    for column in columns.iter_rows(named=True):
        at = (column["table"], column["column"])
        if decisions and at in decisions:
            found, reason, decided = decisions[at].class_, decisions[at].reason, "person"
        else:
            (found, reason), decided = judge.of(column), "rules"
        rows.append({"table": at[0], "column": at[1], "class": str(found), "reason": reason, "decided": decided})
    return pl.DataFrame(rows, schema=CLASSES)


def own_keys(columns: pl.DataFrame, keys: pl.DataFrame, pointing: Mapping) -> frozenset[tuple[str, str]]:
    """Whole numbers that number the rows of their table: unique, first in their table, or pointed at from elsewhere."""
    first = columns.group_by("table", maintain_order=True).agg(pl.col("column").first())
    pointed = {(r["parent"], r["parent_column"]) for r in pointing.values()}
    starts = set(first.iter_rows())
    numbers = set(columns.filter(pl.col("kept") == "Int64").select("table", "column").iter_rows())
    unique = set(keys.select("table", "column").iter_rows())
    return frozenset(at for at in unique if (at in starts and at in numbers) or at in pointed) - set(pointing)


@dataclass(frozen=True)
class _Judge:
    subjects: Mapping[str, Subject]
    pointing: Mapping[tuple[str, str], dict]
    own_keys: frozenset[tuple[str, str]]
    people: frozenset[str]
    patients: str | None
    params: PersonalParams

    def of(self, column: dict) -> tuple[PersonalClass, str]:
        """The class and the reason, surest ground first."""
        subject = self.subjects[column["table"]]
        return (
            self._by_relation(column, subject)
            or self._by_name(column, subject)
            or self._by_shape(column, subject)
            or self._by_uniqueness(column, subject)
            or self._by_table(column, subject)
        )

    def _by_relation(self, column: dict, subject: Subject) -> tuple[PersonalClass, str] | None:
        at = (column["table"], column["column"])
        if at in self.own_keys:
            if column["table"] == self.patients:
                return PersonalClass.MEDICAL_RECORD_NUMBER, "it numbers the patients"
            return PersonalClass.OPERATIONAL, "it numbers the rows of its table"
        relation = self.pointing.get(at)
        if relation is None:
            return None
        if relation["parent"] == self.patients:
            return PersonalClass.MEDICAL_RECORD_NUMBER, f"it points at {relation['parent']}.{relation['parent_column']}"
        if _kind(column) == "text" and subject is Subject.PATIENTS:
            return PersonalClass.CLINICAL, f"a code of {relation['parent']}, in a table that leads to patients"
        return PersonalClass.OPERATIONAL, f"it points at {relation['parent']}.{relation['parent_column']}"

    def _by_name(self, column: dict, subject: Subject) -> tuple[PersonalClass, str] | None:
        name, kind = words(column["column"]), _kind(column)
        if kind == "flag":
            return None
        if words(column["column"]) and " ".join(name) in self.params.bare_names and kind == "text":
            of_people = column["table"] in self.people or has(words(column["table"]), PERSONISH)
            if subject in (Subject.STAFF, Subject.PERSONS) or (subject is Subject.PATIENTS and of_people):
                return PersonalClass.NAMES, "a name, in a table about people"
        for rule in self.params.rules:
            word = self._matches(rule, name, kind, subject, column)
            if word is not None:
                said = f"its name says `{word}`" if word != "*" else "it is a date"
                return rule.class_, f"{said}, in a table about {subject}"
        return None

    def _matches(
        self, rule: PersonalRule, name: tuple[str, ...], kind: str, subject: Subject, column: dict
    ) -> str | None:
        if subject not in WHERE[rule.where] or kind not in rule.types:
            return None
        word = has(name, rule.words)
        if word is None or has(name, rule.not_) is not None:
            return None
        kept = rule.class_ in KEPT_THOUGH_FEW or kind == "moment"
        return None if _is_list(column) and not kept else word

    def _by_shape(self, column: dict, subject: Subject) -> tuple[PersonalClass, str] | None:
        rule = self.params.shapes.get(column["pattern"] or "")
        if rule is None or subject not in WHERE[rule.where]:
            return None
        return rule.class_, f"its values have the shape of a {column['pattern']}, in a table about {subject}"

    def _by_uniqueness(self, column: dict, subject: Subject) -> tuple[PersonalClass, str] | None:
        rule = self.params.unique
        filled = (column["rows"] or 0) * (column["filled"] or 0)
        if subject not in WHERE[rule.where] or filled < rule.rows or _kind(column) != "text":
            return None
        if column["pattern"] not in rule.patterns or (column["distinct"] or 0) < rule.share * filled:
            return None
        if has(words(column["column"]), self.params.operational.words):
            return None
        return rule.class_, f"nearly every row has another {column['pattern']}, in a table about {subject}"

    def _by_table(self, column: dict, subject: Subject) -> tuple[PersonalClass, str]:
        name = words(column["column"])
        if subject is not Subject.PATIENTS:
            if subject in (Subject.REFERENCE, Subject.SYSTEM, Subject.ORGANIZATIONS):
                return PersonalClass.NONE, f"a table about {subject}"
            return PersonalClass.OPERATIONAL, "nothing in its name or its values speaks of a person"
        if name[-1:] == ("id",) and _kind(column) == "number":
            return PersonalClass.OPERATIONAL, "a number of a row"
        if name[0] in self.params.operational.first and len(name) > 1:
            return PersonalClass.OPERATIONAL, "its name is that of a switch"
        if word := has(name, self.params.operational.words):
            return PersonalClass.OPERATIONAL, f"its name says `{word}`, which serves the system"
        return PersonalClass.CLINICAL, "in a table that leads to patients"


PERSONISH = ("alias", "contact", "guarantor", "subscriber", "relative", "relation", "relationship", "family",
             "guardian", "insured", "person", "patient", "signer", "employer")  # fmt: skip
KEPT_THOUGH_FEW = frozenset({PersonalClass.GEOGRAPHIC, PersonalClass.SOCIAL_SECURITY_NUMBER})


def _kind(column: dict) -> str:
    """text, number, moment, bytes or flag. A moment is declared so, or its texts are dates."""
    declared = column["declared"].upper()
    if column["kept"] == "Boolean":
        return "flag"
    if declared.startswith(("DATE", "TIMESTAMP")) or column["pattern"] in DATE_SHAPES:
        return "moment"
    if column["kept"] == "String":
        return "text"
    return TYPES.get(column["found"], "number")


def _is_list(column: dict) -> bool:
    filled = (column["rows"] or 0) * (column["filled"] or 0)
    return (column["distinct"] or 0) <= CODES and filled >= CODES_ROWS
