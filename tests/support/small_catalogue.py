"""Catalogues of a few tables, written in the test that needs them, and chunks to generate into."""

from datetime import date

from ennu_lib.catalog import Catalogue, Column, ColumnType, Table
from ennu_lib.clinic.chunk import Chunk, KeyCounter
from ennu_lib.clinic.labels import LabelSink
from ennu_lib.clinic.params import ClinicParams

AS_OF = date(2026, 6, 30)


def column(table, name, kind, content, *, nulls=0.0, key="", references=None, declared=False):
    """One column; `kind` is a type of the catalogue's grammar."""
    target = tuple(references.split(".")) if references else None
    parsed = ColumnType.parse(kind)
    return Column(table, name, parsed, nulls, key == "pk", key == "unique", target, declared, content, "for a test")


def table(name, rows, *columns, growth="patients", no=1, named_key=None):
    """One table with `rows` rows for a clinic of 22,000 patients."""
    built = tuple(column(name, *each[:3], **(each[3] if len(each) > 3 else {})) for each in columns)
    key = named_key or built[0].name
    return Table(no, name, "standard", "test", "-", key, "lookup", "-", "none", growth, rows, 10, False, built)


def chunk_of(*tables, patients=1_000, index=0, first=1, total=None, seed=7, labels=None, **params):
    """A chunk of that many patients, with a `patients` frame in place."""
    import polars as pl

    chunk = Chunk(
        index=index,
        first_patient=first,
        patients=patients,
        total_patients=total or patients,
        seed=seed,
        as_of=AS_OF,
        params=ClinicParams(as_of=AS_OF, **params),
        catalogue=Catalogue(tuple(tables)),
        labels=labels or LabelSink(None),
        keys=KeyCounter(),
    )
    chunk.frames["patients"] = pl.DataFrame({"patient_id": chunk.patient_ids()})
    return chunk
