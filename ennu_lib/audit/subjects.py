"""Whom or what a table is about: found from its name, its columns and the relations that lead from it to patients."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from enum import StrEnum

import polars as pl

from ennu_lib.audit.names import has, shared_prefixes, without_prefix, words
from ennu_lib.audit.params import TableWords

PERSON_COLUMNS = ("first name", "last name", "given name", "family name", "lname", "fname", "birth", "dob", "birthdate",
                  "firstname", "lastname", "surname", "patient name", "member name")  # fmt: skip


class Subject(StrEnum):
    """Whose data a table holds."""

    PATIENTS = "patients"
    STAFF = "staff"
    PERSONS = "persons"
    ORGANIZATIONS = "organizations"
    REFERENCE = "reference"
    SYSTEM = "system"
    OTHER = "other"


def patient_table(columns: Mapping[str, Iterable[str]], relations: pl.DataFrame, params: TableWords) -> str | None:
    """The table with one row per patient: named so, with names and a birth date, and most pointed at."""
    pointed = dict(relations.group_by("parent").len().iter_rows()) if relations.height else {}
    scored = []
    prefixes = shared_prefixes(columns)
    for table, names in columns.items():
        name = without_prefix(table, prefixes)
        if not has(name, params.patients):
            continue
        person = sum(has(words(column), PERSON_COLUMNS) is not None for column in names)
        rank = _rank(name, params.patients)
        scored.append((min(person, 3) >= 2, pointed.get(table, 0) > 0, -rank, pointed.get(table, 0), -len(name), table))
    return max(scored)[-1] if scored else None


def subjects(
    columns: Mapping[str, Iterable[str]], relations: pl.DataFrame, patients: str | None, params: TableWords
) -> dict[str, Subject]:
    """Of every table its subject. Whatever leads to a patient by its relations is about patients."""
    reached = leading_to(patients, relations) if patients else set()
    prefixes = shared_prefixes(columns)
    return {
        table: _subject(without_prefix(table, prefixes), list(names), table in reached, params)
        for table, names in columns.items()
    }


def leading_to(hub: str, relations: pl.DataFrame) -> set[str]:
    """`hub` and the tables from which relations lead to it, over any number of steps."""
    children: dict[str, set[str]] = defaultdict(set)
    for table, parent in relations.select("table", "parent").iter_rows():
        children[parent].add(table)
    reached, pending = {hub}, [hub]
    while pending:
        fresh = children[pending.pop()] - reached
        reached |= fresh
        pending += fresh
    return reached


def _subject(name: tuple[str, ...], columns: list[str], reached: bool, params: TableWords) -> Subject:
    if reached:
        return Subject.PATIENTS
    if has(name, params.reference) and not _describes_person(columns):
        return Subject.REFERENCE
    if has(name, params.system) and not _describes_person(columns):
        return Subject.SYSTEM
    if has(name, params.staff):
        return Subject.STAFF
    if has(name, params.patients) or any(has(words(column), ("patient name",)) for column in columns):
        return Subject.PATIENTS
    if has(name, params.organizations):
        return Subject.ORGANIZATIONS
    return Subject.PERSONS if has(name, params.persons) or _describes_person(columns) else Subject.OTHER


def _describes_person(columns: list[str]) -> bool:
    return sum(has(words(column), PERSON_COLUMNS) is not None for column in columns) >= 2


def _rank(name: tuple[str, ...], phrases: tuple[str, ...]) -> int:
    return next(i for i, phrase in enumerate(phrases) if has(name, [phrase]))
