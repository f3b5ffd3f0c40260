"""Builds one clinic in SQLite in one of two ways and prints as JSON how long it took and how much memory.

Arguments: `fast` or `obvious`, the file to build, the number of patients.
"""

import json
import resource
import sys
import time
from pathlib import Path

import polars as pl
import sqlalchemy as sa

from ennu_lib.clinic import build_clinic
from ennu_lib.clinic.build import plan_clinic
from ennu_lib.clinic.ddl import metadata_of
from ennu_lib.clinic.labels import LabelSink
from ennu_lib.config import params_dir

SEED = 25


def fast(file: Path, patients: int) -> int:
    """The builder: bulk loading beside generation; rows built."""
    return build_clinic(f"sqlite:///{file}", patients, SEED, labels=file.parent / "labels").rows


def obvious(file: Path, patients: int) -> int:
    """The same frames, turned into Python rows and inserted with SQLAlchemy's executemany; rows built."""
    clinic = plan_clinic(patients, SEED, params_dir() / "clinic.yml")
    engine = sa.create_engine(f"sqlite:///{file}")
    metadata = metadata_of(clinic.catalogue)
    metadata.create_all(engine)
    rows = 0
    with engine.begin() as connection:
        for table, frame in clinic.generate(LabelSink(None)):
            insert = metadata.tables[table.name].insert().compile(engine, column_keys=frame.columns)
            plain = frame.with_columns(pl.col(pl.Date, pl.Datetime).cast(pl.String)).rows()
            if plain:
                connection.exec_driver_sql(str(insert), plain)
            rows += len(plain)
    return rows


if __name__ == "__main__":
    way, target, size = {"fast": fast, "obvious": obvious}[sys.argv[1]], Path(sys.argv[2]), int(sys.argv[3])
    began = time.perf_counter()
    built = way(target, size)
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"rows": built, "seconds": seconds, "peak_mb": peak, "file_mb": target.stat().st_size / 1e6}))
