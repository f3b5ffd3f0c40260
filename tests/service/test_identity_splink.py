"""Patterns from Splink, on DuckDB and on Spark in local mode, are those of this machine."""

import importlib.util
import shutil
import sys

import pytest

from ennu_lib.identity import match_people
from tests.support.family_people import family_people
from tests.support.identity_params import PARAMS

pytestmark = pytest.mark.slow


def missing(*modules):
    return [m for m in modules if importlib.util.find_spec(m) is None]


@pytest.fixture
def duckdb_api():
    if missing("splink", "duckdb"):
        pytest.skip("Splink or DuckDB is not installed: pip install -e '.[bench]'")
    from splink.backends.duckdb import DuckDBAPI

    return DuckDBAPI()


@pytest.fixture
def spark_api(tmp_path, monkeypatch):
    if missing("splink", "pyspark") or not shutil.which("java"):
        pytest.skip("Splink, pyspark or Java is not installed: pip install -e '.[spark]', and Java 17")
    from pyspark.sql import SparkSession
    from splink.backends.spark import SparkAPI
    from splink.internals.spark.jar_location import similarity_jar_location

    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    local = SparkSession.builder.master("local[2]").config("spark.jars", similarity_jar_location())
    for name, value in {
        "sql.shuffle.partitions": 4,
        "ui.enabled": False,
        "driver.host": "127.0.0.1",
    }.items():
        local = local.config(f"spark.{name}", value)
    session = local.config("spark.sql.execution.arrow.pyspark.enabled", True).getOrCreate()
    session.sparkContext.setCheckpointDir(str(tmp_path))
    yield SparkAPI(spark_session=session, break_lineage_method="parquet")
    session.stop()


@pytest.mark.parametrize("backend", ["duckdb_api", "spark_api"])
def test_the_same_people_are_found(backend, request):
    from ennu_lib.identity.splink_engine import SplinkEngine

    table, _ = family_people(600, seed=4)
    here = match_people(table, PARAMS)
    there = match_people(table, PARAMS, engine=SplinkEngine(request.getfixturevalue(backend)))
    for frame in ("pairs", "clusters", "golden", "review", "model"):
        assert getattr(here, frame).equals(getattr(there, frame)), frame
    assert here.summary == there.summary
