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

CONTACT_COLUMNS = ("street", "city", "zip", "zip code", "zipcode", "postal code", "postcode", "address line", "phone",
                   "telephone", "email", "fax", "address1", "line1")  # fmt: skip


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
    """Of every table its subject.

    Whatever leads to a patient by its relations is about patients, and so is the table of persons that the patients
    themselves point at. Addresses and numbers to call, one relation away from people, are about persons.
    """
    about_patients = leading_to(patients, relations) | _persons_behind(patients, columns, relations) if patients else ()
    prefixes = shared_prefixes(columns)
    found = {
        table: _subject(without_prefix(table, prefixes), list(names), table in about_patients, params)
        for table, names in columns.items()
    }
    people = {table for table, subject in found.items() if subject in (Subject.PATIENTS, Subject.PERSONS)}
    for table in _next_to(people, relations):
        subject = found.get(table)
        if subject in (Subject.OTHER, Subject.ORGANIZATIONS) and _lists_addresses(
            columns[table], of_organizations=subject is Subject.ORGANIZATIONS
        ):
            found[table] = Subject.PERSONS
    return found


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


def _persons_behind(patients: str, columns: Mapping[str, Iterable[str]], relations: pl.DataFrame) -> set[str]:
    """Where the table of patients names nobody itself: the tables with names and birth dates that it points at."""
    if describes_person(columns[patients]):
        return set()
    parents = relations.filter(pl.col("table") == patients)["parent"].to_list()
    return {table for table in parents if table in columns and describes_person(columns[table])}


def _next_to(tables: set[str], relations: pl.DataFrame) -> set[str]:
    ends = relations.select("table", "parent").rows()
    return {b for a, b in ends if a in tables} | {a for a, b in ends if b in tables}


def _subject(name: tuple[str, ...], columns: list[str], reached: bool, params: TableWords) -> Subject:
    if reached:
        return Subject.PATIENTS
    if has(name, params.reference) and not describes_person(columns):
        return Subject.REFERENCE
    if has(name, params.system) and not describes_person(columns):
        return Subject.SYSTEM
    if has(name, params.staff):
        return Subject.STAFF
    if has(name, params.patients) or any(has(words(column), ("patient name",)) for column in columns):
        return Subject.PATIENTS
    if has(name, params.organizations):
        return Subject.ORGANIZATIONS
    return Subject.PERSONS if has(name, params.persons) or describes_person(columns) else Subject.OTHER


def describes_person(columns: Iterable[str]) -> bool:
    """Whether a table with these columns has names or birth dates of people of its own: two such columns at least."""
    return sum(has(words(column), PERSON_COLUMNS) is not None for column in columns) >= 2


def _lists_addresses(columns: Iterable[str], *, of_organizations: bool) -> bool:
    """Whether a table holds where people live or are called; that of an organization has the organization's name."""
    spoken = [words(column) for column in columns]
    named = any(has(name, ("name",)) for name in spoken)
    return sum(has(name, CONTACT_COLUMNS) is not None for name in spoken) >= 2 and not (of_organizations and named)


def _rank(name: tuple[str, ...], phrases: tuple[str, ...]) -> int:
    return next(i for i, phrase in enumerate(phrases) if has(name, [phrase]))
