"""The load against a real emulator over real HTTP: idempotent, resumable, believing only what it read back."""

from contextlib import contextmanager

import httpx
import polars as pl
import pytest

from ennu_lib.clock import VirtualClock
from ennu_lib.emulator import EmulatorSettings, running
from ennu_lib.errors import StorageFull
from ennu_lib.hubspot import apply_plan, connect, flat_limits, load_portal_schema, make_plan, read_portal
from ennu_lib.images import image_frame
from ennu_lib.keys import Keys
from ennu_lib.load import Ledger, RecordLoader, load_links
from ennu_lib.reconcile import compare_object
from ennu_lib.workspace import Workspace

PORTAL = load_portal_schema()
KEYS = Keys("k" * 40)
RECORDS = 250
CONTACTS = {p.name: p for p in PORTAL.properties["contacts"]}
LABS = {p.name: p for p in PORTAL.properties["lab_results"]}


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    state = tmp_path_factory.mktemp("portal") / "portal.sqlite"
    with running(state, settings=EmulatorSettings(limits_enforced=False, search_lag_seconds=0)) as url:
        yield url


@pytest.fixture(scope="module")
def client(url):
    with connect(url, "test-token", limits=flat_limits(10_000, 10_000_000, 10_000, 10_000_000)) as client:
        plan = make_plan(PORTAL, read_portal(client, PORTAL))
        allowed = {name for step in plan.create for names in step.needs for name in names}
        apply_plan(plan, client, PORTAL, allowed)
        yield client


@pytest.fixture
def clean(client, url, tmp_path):
    """An empty portal with its schema, a workspace with records and links, and an unused ledger."""
    for name in ("contacts", "lab_results"):
        ids = [record.id for record in client.list_records(name)]
        for start in range(0, len(ids), 100):
            client.batch_archive(name, ids[start : start + 100])
    workspace = Workspace("r", tmp_path)
    keys = [str(n) for n in range(RECORDS)]
    people, orders = KEYS.external_ids("patients", keys), KEYS.external_ids("lab_orders", keys)
    contacts = pl.DataFrame(
        {
            "ennu_external_id": people,
            "legacy_patient_id": [f"P-{k}" for k in keys],
            "firstname": ["Ana" if int(k) % 3 else None for k in keys],
            "email": [f"Person{k}@clinic.org" for k in keys],
            "patient_gender": ["female"] * RECORDS,
            "service_amount": [f"{k}.50" for k in keys],
        }
    )
    labs = pl.DataFrame({"ennu_external_id": orders, "lab_results_id": [f"LR-{k}" for k in keys]})
    links = pl.DataFrame(
        {
            "association": "contact_to_lab_results",
            "label": pl.Series([None] * RECORDS, dtype=pl.String),
            "from_object": "contacts",
            "from_id": people,
            "to_object": "lab_results",
            "to_id": orders,
        }
    )
    workspace.write("targets/contacts", contacts)
    workspace.write("targets/lab_results", labs)
    workspace.write("targets/links", links)
    return workspace


def load(client, workspace, name="contacts", ledger="ledger", run_id="r"):
    book = Ledger(workspace.path(ledger, ".sqlite"))
    properties = {"contacts": CONTACTS, "lab_results": LABS}[name]
    loader = RecordLoader(client, book, name, properties, run_id)
    done = loader.load(image_frame(workspace, name, properties), RECORDS, lambda *_: None)
    return done, book


def test_everything_is_written_once_and_verified(client, clean):
    done, book = load(client, clean)
    assert (done.records, done.written, done.unchanged) == (RECORDS, RECORDS, 0)
    assert book.counts().rows() == [("contacts", "verified", RECORDS, RECORDS)]
    assert len(list(client.list_records("contacts"))) == RECORDS


def test_a_second_run_writes_nothing_with_and_without_its_ledger(client, clean):
    load(client, clean)
    again, _ = load(client, clean)
    assert (again.written, again.unchanged) == (0, RECORDS)
    other, _ = load(client, clean, ledger="other", run_id="another-run")
    assert (other.written, other.unchanged) == (0, RECORDS)


def test_only_what_changed_is_written_again(client, clean):
    load(client, clean)
    frame = clean.scan("targets/contacts").collect()
    changed = pl.col("legacy_patient_id").is_in(["P-3", "P-4"])
    city = pl.when(changed).then(pl.lit("Tampa")).alias("city")
    clean.write("targets/contacts", frame.with_columns(city))
    done, _ = load(client, clean)
    assert (done.written, done.unchanged) == (2, RECORDS - 2)


def test_a_bad_record_is_rejected_alone_with_its_code_and_without_its_value(client, clean):
    frame = clean.scan("targets/contacts").collect()
    bad = pl.when(pl.col("legacy_patient_id") == "P-7").then(pl.lit("Amazonian")).otherwise("patient_gender")
    clean.write("targets/contacts", frame.with_columns(bad.alias("patient_gender")))
    _, book = load(client, clean)
    assert dict(book.counts().select("state", "records").iter_rows()) == {"rejected": 1, "verified": RECORDS - 1}
    (code,) = book.codes()["code"].to_list()
    assert "INVALID_OPTION" in code
    assert "patient_gender" in code
    assert "Amazonian" not in code


@pytest.mark.parametrize("killed_after", [0, 1, 2])
def test_a_load_that_was_killed_ends_in_the_same_portal(client, clean, killed_after):
    class Killed(BaseException):
        pass

    seen = 0

    def kill(*_):
        nonlocal seen
        seen += 1
        if seen > killed_after:
            raise Killed

    book = Ledger(clean.path("ledger", ".sqlite"))
    with pytest.raises(Killed):
        frame = image_frame(clean, "contacts", CONTACTS)
        RecordLoader(client, book, "contacts", CONTACTS, "r", workers=1).load(frame, RECORDS, kill)
    book.close()
    _, book = load(client, clean)
    assert book.counts()["records"].to_list() == [RECORDS]
    records = list(client.list_records("contacts", ["ennu_external_id"]))
    assert len(records) == len({r.properties["ennu_external_id"] for r in records}) == RECORDS


AMBIGUOUS = ["drop_after_write", "reset_before", "reset_after", "bad_gateway", "truncated", "html", "missing_results"]


@pytest.mark.parametrize("fault", AMBIGUOUS)
def test_an_ambiguous_answer_neither_loses_nor_doubles_a_record(client, clean, url, fault):
    plan = {"seed": 7, "rules": [{"kind": fault, "path": "/batch/upsert", "times": 2}]}
    httpx.post(f"{url}/_faults", json=plan).raise_for_status()
    _, book = load(client, clean)
    fired = httpx.get(f"{url}/_faults").json()["counts"]
    httpx.delete(f"{url}/_faults").raise_for_status()
    assert "2" in str(fired)
    assert book.counts().drop("created").rows() == [("contacts", "verified", RECORDS)]
    assert len(list(client.list_records("contacts"))) == RECORDS


def test_links_are_made_once_and_confirmed(client, clean):
    _, book = load(client, clean)
    load(client, clean, "lab_results")
    (linked,) = load_links(client, book, PORTAL, clean.scan("targets/links"), lambda *_: None)
    assert (linked.links, linked.written, linked.verified, linked.unsettled) == (RECORDS, RECORDS, RECORDS, 0)
    (again,) = load_links(client, book, PORTAL, clean.scan("targets/links"), lambda *_: None)
    assert (again.written, again.verified) == (0, RECORDS)


def test_a_link_whose_end_was_not_loaded_is_counted_as_left_out(client, clean):
    _, book = load(client, clean)
    (linked,) = load_links(client, book, PORTAL, clean.scan("targets/links"), lambda *_: None)
    assert (linked.left_out, linked.links, linked.written) == (RECORDS, 0, 0)


@contextmanager
def deaf(url):
    """A client that gets empty answers to every read of records and of links, and does not wait."""
    rules = [{"kind": "silent_empty", "path": "/batch/read$"}]
    limits = flat_limits(10_000, 10_000_000, 10_000, 10_000_000)
    with connect(url, "test-token", limits=limits, clock=VirtualClock()) as deaf:
        httpx.post(f"{url}/_faults", json={"seed": 7, "rules": rules}).raise_for_status()
        yield deaf
        httpx.delete(f"{url}/_faults").raise_for_status()


def test_a_record_that_cannot_be_read_back_stays_in_doubt(client, clean, url):
    with deaf(url) as unheard:
        done, book = load(unheard, clean)
    assert (done.records, done.written, done.unchanged) == (RECORDS, RECORDS, 0)
    assert book.counts()["state"].to_list() == ["inflight"]
    load(client, clean)
    assert book.counts()["state"].to_list() == ["verified"]


def test_links_that_cannot_be_read_are_not_replaced(client, clean, url):
    _, book = load(client, clean)
    load(client, clean, "lab_results")
    with deaf(url) as unheard:
        (linked,) = load_links(unheard, book, PORTAL, clean.scan("targets/links"), lambda *_: None)
    assert (linked.links, linked.written, linked.unsettled, linked.verified) == (RECORDS, 0, RECORDS, 0)


def test_a_full_disk_stops_the_ledger_with_one_line(tmp_path):
    book = Ledger(tmp_path / "ledger.sqlite")
    book._db.execute("PRAGMA max_page_count = 8")
    with pytest.raises(StorageFull, match="the ledger could not be written: no space left"):
        book.plan("contacts", [(f"{n:032x}", b"x" * 16) for n in range(10_000)])
    assert book.counts().is_empty()


def test_reconciliation_sees_what_somebody_else_changed_or_removed(client, clean):
    _, book = load(client, clean)
    ids = book.verified_ids("contacts").sort("external_id")
    gone, changed = ids["hubspot_id"][0], ids["external_id"][1]
    client.batch_archive("contacts", [gone])
    client.batch_upsert("contacts", "ennu_external_id", [{"ennu_external_id": changed, "patient_gender": "male"}])
    found = compare_object(client, "contacts", image_frame(clean, "contacts", CONTACTS), CONTACTS, lambda *_: None)
    assert (found.expected, found.equal, found.missing, found.different) == (RECORDS, RECORDS - 2, 1, 1)
    assert set(found.differences().select("property", "what").iter_rows()) == {
        ("", "missing"),
        ("patient_gender", "different"),
    }


def test_a_ledger_of_another_portal_is_known(tmp_path):
    book = Ledger(tmp_path / "ledger.sqlite")
    assert book.belongs_to("1")
    assert book.belongs_to("1")
    assert not book.belongs_to("2")
