"""Speed and memory of standardizing and checking laboratory rows, beside the same work with pandas.

`ENNU_BENCH_LAB_ROWS=10000000` measures ten million rows; the default is small enough for a routine run. pandas holds
the whole table in memory and is measured on a part of it.
"""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl
import pytest

from ennu_lib.quality.standard.derived import FAULT, MeasurementColumns
from ennu_lib.quality.standard.events import EVENTS, ParquetStream, batches, stream_to
from ennu_lib.quality.standard.table import prepare
from tests.support.lab_rows import write_lab_rows
from tests.support.own_process import in_a_process_of_its_own
from tests.support.standard_forms import known_tables, table_rules

ROWS = int(os.environ.get("ENNU_BENCH_LAB_ROWS", "1000000"))
PANDAS_ROWS = min(ROWS, 500_000)
RULES = table_rules(
    {
        "test_name": "line",
        "loinc_code": "loinc",
        "test_value": "value",
        "collected_at": "moment",
        "reported_at": "moment",
    },
    derived=[
        MeasurementColumns(
            rule="measurement", name="test_name", loinc="loinc_code", value="test_value", unit="test_unit"
        )
    ],
    table="lab_results",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("labs")
    write_lab_rows(path / "rows.parquet", ROWS, known_tables().biomarkers)
    write_lab_rows(path / "few.parquet", PANDAS_ROWS, known_tables().biomarkers)
    return path


def ours(folder: Path) -> tuple[int, int, int]:
    """Clean rows and events are written; faults of the values and of the order of the dates are counted."""
    source = folder / "rows.parquet"
    standard = prepare(RULES, pl.scan_parquet(source), known_tables())
    stream = ParquetStream(folder / "events.parquet", EVENTS)
    faults = 0

    def portions():
        nonlocal faults
        for portion in batches(source):
            clean, events = standard.apply(portion)
            stream.write(events)
            faults += clean[FAULT].count() + (clean["reported_at"] < clean["collected_at"]).sum()
            yield clean

    rows = stream_to(folder / "clean.parquet", portions())
    stream.close()
    return rows, stream.rows, faults


def with_pandas(folder: Path) -> tuple[int, int, int]:
    """The same columns, changes and counts with pandas' own vectorised means."""
    import pandas as pd

    catalogue = known_tables().biomarkers
    rows = pd.read_parquet(folder / "few.parquet")
    before = rows.copy()
    names = rows[["test_name", "loinc_code"]].drop_duplicates()
    names["metric"] = [
        found.metric_code if (found := catalogue.resolve(name, loinc)) else None
        for name, loinc in names.itertuples(index=False)
    ]
    rows = rows.merge(names, on=["test_name", "loinc_code"], how="left")
    units = rows[["metric", "test_unit"]].drop_duplicates()
    made = [_unit(catalogue, *each) for each in units.itertuples(index=False)]
    units[["ucum", "factor", "offset", "low", "high"]] = pd.DataFrame(made, index=units.index)
    rows = rows.merge(units, on=["metric", "test_unit"], how="left")
    rows["test_unit"] = rows["ucum"]
    shape = r"^=?\s*([<>]=?)?\s*(-?[0-9.,]+)\s*(?:\*+|\s(?:H|L|HH|LL|A))?$"
    parts = rows["test_value"].str.strip().str.extract(shape)
    rows["test_value"] = parts[0].fillna("") + parts[1].str.replace(",", "")
    number = pd.to_numeric(parts[1].str.replace(",", ""), errors="coerce")
    rows["std_value"] = (number * rows["factor"] + rows["offset"]).round(6)
    for column in ("collected_at", "reported_at"):
        plain = pd.to_datetime(rows[column], format="%Y-%m-%d %H:%M:%S", errors="coerce")
        other = pd.to_datetime(rows[column], format="%m/%d/%Y %H:%M", errors="coerce")
        rows[column] = plain.fillna(other).dt.strftime("%Y-%m-%d %H:%M:%S")
    implausible = (rows["std_value"] < rows["low"]) | (rows["std_value"] > rows["high"])
    faults = number.isna() | rows["factor"].isna() | implausible
    columns = ["test_unit", "test_value", "collected_at", "reported_at"]
    changed = [(before[c] != rows[c]) & ~(before[c].isna() & rows[c].isna()) for c in columns]
    events = pd.concat(
        pd.DataFrame({"key": rows["__key"][at], "column": c, "before": before[c][at], "after": rows[c][at]})
        for c, at in zip(columns, changed, strict=True)
    )
    rows.drop(columns=["factor", "offset", "low", "high"]).to_parquet(folder / "pandas.parquet")
    events.to_parquet(folder / "pandas_events.parquet")
    return len(rows), len(events), int(faults.sum() + (rows["reported_at"] < rows["collected_at"]).sum())


def _unit(catalogue, code, unit):
    biomarker = catalogue[code]
    ucum = catalogue.units.resolve(unit, code)
    conversion = biomarker.conversion_from(ucum)
    limits = [None if bound is None else float(bound) for bound in (biomarker.plausible.low, biomarker.plausible.high)]
    return biomarker.unit, float(conversion.factor), float(conversion.offset), *limits


def test_lab_rows_standardized_and_checked_beside_pandas(folder, capsys, benchmark):
    fast = benchmark.pedantic(in_a_process_of_its_own, args=(ours, folder), rounds=1)
    slow = in_a_process_of_its_own(with_pandas, folder)
    with capsys.disabled():
        print(f"\n{'':<10}{'rows':>12}{'events':>12}{'seconds':>9}{'CPU s':>8}{'rows/s':>11}{'MB':>8}{'MB/M rows':>11}")
        for name, ((rows, events, _), seconds, cpu, peak) in (("portions", fast), ("pandas", slow)):
            print(
                f"{name:<10}{rows:>12,}{events:>12,}{seconds:>9.2f}{cpu:>8.2f}{rows / seconds:>11,.0f}{peak:>8,.0f}"
                f"{peak / rows * 10**6:>11,.0f}"
            )
    assert fast[0][0] == ROWS
    assert slow[0][0] == PANDAS_ROWS
    if ROWS == PANDAS_ROWS:
        assert fast[0][1] == slow[0][1], "both make the same changes"
