"""A backup is believed after it was restored and every digest is equal; a changed byte is found."""

import json

import polars as pl
import pytest

from ennu_lib.backup import back_up, back_up_portal, portal_files, restore
from ennu_lib.emulator import EmulatorSettings, running
from ennu_lib.errors import DataLost
from ennu_lib.hubspot import connect as connect_portal
from ennu_lib.hubspot import flat_limits, load_portal_schema
from ennu_lib.keys import Keys
from ennu_lib.source import connect, extract, reflect
from ennu_lib.workspace import Workspace

KEYS = Keys("k" * 40)


@pytest.fixture
def taken(tmp_path):
    file = tmp_path / "source.sqlite"
    file.touch()
    engine = connect(f"sqlite:///{file}")
    with engine.begin() as db:
        db.exec_driver_sql(
            'CREATE TABLE "25 things" (id integer PRIMARY KEY, "order" decimal(8,2), photo blob, ok boolean, '
            "born date, size double)"
        )
        db.exec_driver_sql(
            "INSERT INTO \"25 things\" VALUES (1, 1.50, x'00ff', 1, '0000-00-00', 0.1), (2, NULL, NULL, 0, NULL, NULL)"
        )
        db.exec_driver_sql("CREATE TABLE empty_one (a text)")
        db.exec_driver_sql("CREATE TABLE secrets (a text)")
        db.exec_driver_sql("INSERT INTO secrets VALUES ('hunter2')")
    workspace = Workspace("r", tmp_path / "w")
    return workspace, extract(engine, reflect(engine), workspace, KEYS, counted_only=["secrets"])


def test_every_table_comes_back_equal(taken):
    workspace, extracted = taken
    copy = back_up(extracted, workspace)
    found = restore(copy.manifest, workspace, workspace.path("restored", ".sqlite"), KEYS)
    assert found["equal"].all()
    assert dict(found.select("table", "restored").iter_rows()) == {"25 things": 2, "empty_one": 0}
    assert (copy.tables, copy.rows) == (2, 2)


def test_credentials_are_named_and_not_kept(taken):
    workspace, extracted = taken
    manifest = back_up(extracted, workspace).manifest.read_text()
    assert "secrets" in manifest
    assert "hunter2" not in manifest
    assert not workspace.exists("source/secrets")


def test_a_changed_file_is_found_before_it_is_restored(taken):
    workspace, extracted = taken
    copy = back_up(extracted, workspace)
    path = workspace.root / "source/25 things.parquet"
    path.chmod(0o600)
    pl.read_parquet(path).with_columns(pl.lit(0.2).alias("size")).write_parquet(path)
    target = workspace.path("restored", ".sqlite")
    with pytest.raises(DataLost, match="25 things"):
        restore(copy.manifest, workspace, target, KEYS)
    assert not target.exists()


def test_another_key_proves_nothing(taken):
    workspace, extracted = taken
    copy = back_up(extracted, workspace)
    found = restore(copy.manifest, workspace, workspace.path("restored", ".sqlite"), Keys("x" * 40))
    assert not found.filter(pl.col("table") == "25 things")["equal"][0]


def test_the_portal_is_exported_with_every_value_it_holds(tmp_path):
    workspace = Workspace("r", tmp_path / "w")
    calm = EmulatorSettings(limits_enforced=False, search_lag_seconds=0)
    limits = flat_limits(10_000, 10_000_000, 10_000, 10_000_000)
    with (
        running(tmp_path / "portal.sqlite", settings=calm) as url,
        connect_portal(url, "test-token", limits=limits) as client,
    ):
        people = [{"email": f"person{n}@clinic.org", "city": "Tampa"} for n in range(250)]
        for start in range(0, 250, 100):
            client.batch_upsert("contacts", "email", people[start : start + 100])
        found = back_up_portal(client, load_portal_schema(), workspace)
    assert found.filter(pl.col("in_portal")).select("object", "records", "repeated").rows() == [("contacts", 250, 0)]
    kept = workspace.scan("backup/portal/contacts").collect()["properties"].to_list()
    assert {json.loads(held)["email"] for held in kept} == {person["email"] for person in people}
    assert all(file.is_file() for file in portal_files(found, workspace))
