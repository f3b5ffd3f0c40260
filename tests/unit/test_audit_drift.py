"""What differs between the catalogue and the live schema is listed by name: new, gone and changed."""

from __future__ import annotations

from dataclasses import replace

from ennu_lib.audit.inventory import KEPT_AS, drift
from ennu_lib.catalog import load_catalogue
from ennu_lib.config import project_root
from ennu_lib.source import ColumnShape, Kind, TableShape

CATALOGUE = load_catalogue(project_root() / "params" / "catalog")


def as_catalogued() -> dict[str, TableShape]:
    """The shapes of a database that is exactly what the catalogue says."""
    return {
        table.name: TableShape(
            table.name,
            tuple(
                ColumnShape(c.name, min(KEPT_AS.get(c.type.kind, {Kind.TEXT})), c.type.kind.upper())
                for c in table.columns
            ),
        )
        for table in CATALOGUE.tables
    }


def test_the_catalogued_schema_does_not_differ():
    assert drift(as_catalogued(), CATALOGUE).is_empty()


def test_new_gone_and_changed_are_named():
    shapes = as_catalogued()
    del shapes["rooms"]
    shapes["visitors"] = TableShape("visitors", ())
    patients = shapes["patients"]
    columns = [c for c in patients.columns if c.name != "ssn"]
    columns = [replace(c, kind=Kind.INTEGER, declared="INT") if c.name == "first_name" else c for c in columns]
    shapes["patients"] = replace(patients, columns=(*columns, ColumnShape("shoe_size", Kind.INTEGER, "INT")))
    assert drift(shapes, CATALOGUE).rows() == [
        ("patients", "shoe_size", "new"),
        ("patients", "ssn", "gone"),
        ("patients", "first_name", "changed to INT"),
        ("rooms", "", "gone"),
        ("visitors", "", "new"),
    ]
