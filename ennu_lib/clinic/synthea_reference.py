"""Tables that an imported clinic has beside its patients: catalogues, code tables, and the codes of the export."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from ennu_lib.catalog import Catalogue
from ennu_lib.clinic import people, reference_codes, reference_drugs, reference_labs, reference_lists, reference_places
from ennu_lib.clinic.chunk import REFERENCE_CHUNK, Chunk, KeyCounter
from ennu_lib.clinic.generic import fill_table
from ennu_lib.clinic.labels import LabelSink
from ennu_lib.clinic.load_base import END_MARKER
from ennu_lib.clinic.params import ClinicParams
from ennu_lib.clinic.scheduling_reference import appointment_types, recall_types
from ennu_lib.clinic.synthea_files import columns_of, scan
from ennu_lib.clinic.synthea_spec import ImportPlan
from ennu_lib.clinic.synthea_values import filled
from ennu_lib.clinic.text_values import Words

MODULES = (people, reference_lists, reference_codes, reference_labs, reference_drugs, reference_places)
FROM_THE_EXPORT = {"facilities"}


def reference_tables(
    catalogue: Catalogue, params: ClinicParams, words: Words, patients: int, seed: int
) -> dict[str, pl.DataFrame]:
    """Tables that do not depend on the patients, generated; those of the export's own staff and sites left out."""
    chunk = Chunk(
        index=REFERENCE_CHUNK,
        first_patient=1,
        patients=patients,
        total_patients=patients,
        seed=seed,
        as_of=params.as_of,
        params=params,
        catalogue=catalogue,
        labels=LabelSink(None),
        keys=KeyCounter(),
    )
    chunk.reference = chunk.frames
    generators = [generator for module in MODULES for generator in module.REFERENCE]
    for generator in [*generators, appointment_types, recall_types]:
        chunk.frames.update(generator(chunk))
    chunk.frames[END_MARKER] = fill_table(chunk, catalogue.table(END_MARKER), words)
    return {name: frame for name, frame in chunk.frames.items() if name in catalogue and name not in FROM_THE_EXPORT}


def with_codes_of_export(directory: Path, plan: ImportPlan, tables: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The code tables with the codes that the export uses and they lack, each with its first description."""
    return tables | {entry["table"]: _extended(directory, entry, tables[entry["table"]]) for entry in plan.code_tables}


def _extended(directory: Path, entry: dict[str, Any], table: pl.DataFrame) -> pl.DataFrame:
    key = entry["code"]
    found = [_codes(directory / source["file"], source["code"], source["term"]) for source in entry["from"]]
    codes = pl.concat(found).unique("code", keep="first", maintain_order=True)
    if "where" in entry:
        codes = codes.filter(pl.col("code").str.contains(entry["where"]))
    fixed = [pl.lit(value).alias(name) for name, value in entry["fixed"].items()]
    new = codes.select(
        pl.col("code").cast(table.schema[key], strict=False).alias(key),
        *[pl.col("term").alias(name) for name in entry["term"]],
        *fixed,
    )
    new = new.drop_nulls(key).join(table.select(key), on=key, how="anti", maintain_order="left")
    return pl.concat([table, new], how="diagonal_relaxed")


def _codes(path: Path, code: str, term: str) -> pl.DataFrame:
    if not path.is_file() or not {code, term} <= set(columns_of(path)):
        return pl.DataFrame(schema={"code": pl.String, "term": pl.String})
    pairs = scan(path).select(filled(code).alias("code"), filled(term).alias("term"))
    return pairs.unique("code", keep="first", maintain_order=True).drop_nulls("code").collect(engine="streaming")


def fixed_rows(plan: ImportPlan) -> dict[str, pl.DataFrame]:
    """Rows that the plan itself writes down."""
    return {
        table: pl.DataFrame([{name: _moment(value) for name, value in row.items()} for row in rows])
        for table, rows in plan.rows.items()
    }


def _moment(value: Any) -> Any:
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value
