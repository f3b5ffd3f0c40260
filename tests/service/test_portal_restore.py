"""A run is undone in the portal: what it made, changed and linked, and nothing that others did since."""

import polars as pl
import pytest

from ennu_lib.backup import PortalRestore, back_up_portal
from ennu_lib.emulator import EmulatorSettings, running
from ennu_lib.errors import OutOfOrder
from ennu_lib.hubspot import Link, apply_plan, connect, flat_limits, load_portal_schema, make_plan, read_portal
from ennu_lib.hubspot.association_types import association_type
from ennu_lib.workspace import Workspace

PORTAL = load_portal_schema()
KEY = "ennu_external_id"
A02 = ("contacts", "lab_results")


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    state = tmp_path_factory.mktemp("portal") / "portal.sqlite"
    with (
        running(state, settings=EmulatorSettings(limits_enforced=False, search_lag_seconds=0)) as url,
        connect(url, "test-token", limits=flat_limits(10_000, 10_000_000, 10_000, 10_000_000)) as client,
    ):
        plan = make_plan(PORTAL, read_portal(client, PORTAL))
        apply_plan(plan, client, PORTAL, {n for step in plan.create for names in step.needs for n in names})
        yield client


@pytest.fixture
def workspace(client, tmp_path):
    """A portal with 120 contacts, two lab results and two links, exported as the baseline of run r."""
    for name in ("contacts", "lab_results"):
        ids = [record.id for record in client.list_records(name)]
        for start in range(0, len(ids), 100):
            client.batch_archive(name, ids[start : start + 100])
    ids = upsert(client, "contacts", [{KEY: f"c{n}", "firstname": "Ana", "city": "Tampa"} for n in range(120)])
    labs = upsert(client, "lab_results", [{KEY: f"l{n}", "lab_results_id": f"LR-{n}"} for n in range(2)])
    link(client, (ids["c0"], labs["l0"]), (ids["c1"], labs["l1"]))
    workspace = Workspace("r", tmp_path)
    found = back_up_portal(client, PORTAL, workspace)
    assert dict(found.filter(pl.col("links") > 0).select("object", "links").iter_rows()) == {"contacts": 2}
    return workspace


def upsert(client, name, records):
    ids = {}
    for start in range(0, len(records), 100):
        done = client.batch_upsert(name, KEY, records[start : start + 100]).done
        ids |= {key: result.id for key, result in done.items()}
    return ids


def link(client, *pairs):
    plain = association_type(client, PORTAL, "contact_to_lab_results", None, *A02)
    client.associate(*A02, [Link(*pair, (plain,)) for pair in pairs])


def ids_of(client, name, *keys):
    return {key: record.id for key, record in client.batch_read(name, KEY, keys, []).found.items()}


def steps(plan, what):
    return plan.filter(pl.col("what") == what).drop("what").row(0, named=True)


def test_an_untouched_portal_has_nothing_to_undo(client, workspace):
    plan = PortalRestore(client, PORTAL, workspace).plan()
    assert plan.drop("what").sum_horizontal().sum() == 0


def test_what_a_run_made_changed_and_linked_is_undone(client, workspace, tmp_path):
    upsert(client, "contacts", [{KEY: f"c{n}", "firstname": "Eva", "migration_batch_id": "r"} for n in range(110)])
    upsert(client, "contacts", [{KEY: "c0", "city": "", "patient_gender": "female"}])
    upsert(client, "contacts", [{KEY: f"new{n}", "firstname": "Neu", "migration_batch_id": "r"} for n in range(130)])
    ids, labs = ids_of(client, "contacts", "c0", "c1", "new1"), ids_of(client, "lab_results", "l0", "l1")
    link(client, (ids["c0"], labs["l1"]), (ids["new1"], labs["l1"]))
    client.dissociate(*A02, [(ids["c1"], labs["l1"])])
    restore = PortalRestore(client, PORTAL, workspace)
    plan = restore.plan()
    assert steps(plan, "contacts") == {
        "archive": 130, "set_back": 110, "made_by_others": 0, "removed_by_others": 0
    }  # fmt: skip
    assert (steps(plan, "links")["archive"], steps(plan, "links")["set_back"]) == (1, 1)
    left = restore.apply()
    assert left.drop("what").sum_horizontal().sum() == 0
    back_up_portal(client, PORTAL, Workspace("r", tmp_path / "again"))
    for name in ("contacts", "lab_results", "links"):
        before, after = (pl.read_parquet(tmp_path / f / f"backup/portal/{name}.parquet") for f in ("r", "again/r"))
        assert migrated(before).equals(migrated(after)), name


def migrated(frame):
    return frame.drop("properties", strict=False).sort(pl.all())


def test_what_others_did_since_is_counted_and_kept(client, workspace):
    upsert(client, "contacts", [{KEY: "other", "firstname": "Kim"}, {KEY: "later", "migration_batch_id": "r2"}])
    gone = ids_of(client, "contacts", "c5")["c5"]
    client.batch_archive("contacts", [gone])
    restore = PortalRestore(client, PORTAL, workspace)
    found = steps(restore.plan(), "contacts")
    assert found == {"archive": 0, "set_back": 0, "made_by_others": 2, "removed_by_others": 1}
    restore.apply()
    assert set(ids_of(client, "contacts", "other", "later")) == {"other", "later"}


def test_a_run_that_has_begun_to_load_keeps_its_baseline(client, workspace):
    upsert(client, "contacts", [{KEY: "new", "migration_batch_id": "r"}])
    workspace.path("load/ledger", ".sqlite").touch()
    found = back_up_portal(client, PORTAL, workspace)
    assert found.filter(pl.col("object") == "contacts")["records"].item() == 120
    assert steps(PortalRestore(client, PORTAL, workspace).plan(), "contacts")["archive"] == 1


def test_a_run_without_a_baseline_undoes_nothing(client, tmp_path):
    with pytest.raises(OutOfOrder, match=r"backup/portal/baseline\.parquet is not in run r"):
        PortalRestore(client, PORTAL, Workspace("r", tmp_path)).plan()
