"""The capacity plan: fan-out, requests, the portal's caps, windows, and what the load came to beside it."""

import datetime as dt
import json

import polars as pl
import pytest

from ennu_lib.audit import accepted_exceptions, extraction_findings, forecast_against_actual, portal_caps, unread_tables
from ennu_lib.audit.capacity import (
    CapacityParams,
    Fed,
    Pace,
    Plan,
    capacity_params,
    extraction,
    feeds,
    planned_links,
    planned_objects,
    planned_requests,
    schedule,
    spans,
)
from ennu_lib.audit.capacity_links import Linked, link_findings, linked, links_per_record, record_limits
from ennu_lib.audit.exceptions import AcceptedExceptions
from ennu_lib.catalog import load_catalogue
from ennu_lib.config import ReadingParams, params_dir
from ennu_lib.errors import ConfigurationError, TargetUnreachable
from ennu_lib.evidence import Status
from ennu_lib.hubspot import flat_limits, load_portal_schema
from ennu_lib.hubspot.volumes import LinkVolume
from ennu_lib.source import Extracted, Unread
from ennu_lib.source.extracted import save
from ennu_lib.workspace import Workspace

ASSUMED = CapacityParams(
    extraction_rows_per_second=1000, extraction_seconds_per_table=0.5, links_per_record=10, tight_from=0.8
)
TO_STAFF, TO_HISTORY, OF_ORDERS = (
    "contact_to_staff_management",
    "contact_to_measurement_history",
    "lab_results_to_measurement_history",
)
FED = [Fed("patients", "contacts", (TO_STAFF,)), Fed("lab_results", "measurement_history", (TO_HISTORY, OF_ORDERS))]
PAIRS = LinkVolume(pairs=5_000_000, sources=1_000)
PORTAL = load_portal_schema()
LIMITS = flat_limits(150, 650_000)
DAY = dt.date(2026, 6, 30)


def table(name, rows, **more):
    found = {"file": f"source/{name}.parquet", "snapshot": "2026-06-30T00:00:00", **more}
    return Extracted(name, rows, "", found.pop("file"), 10 * rows, (), {}, (), **found)


EXTRACTED = {"patients": table("patients", 1_000), "lab_results": table("lab_results", 5_000_000)}


def test_every_row_becomes_a_record_and_a_link_per_association():
    plan = planned_objects(EXTRACTED, FED, load_catalogue(params_dir() / "catalog"))
    found = {row["object"]: (row["records"], row["links"]) for row in plan.iter_rows(named=True) if row["records"]}
    assert found == {"contacts": (1_000, 1_000), "measurement_history": (5_000_000, 10_000_000)}
    assert {name: (held.pairs, held.sources) for name, held in planned_links(EXTRACTED, FED, PORTAL).items()} == {
        TO_HISTORY: (5_000_000, 1_000),
        TO_STAFF: (1_000, 1_000),
        OF_ORDERS: (5_000_000, 5_000_000),
    }


def test_rows_meant_for_an_object_without_a_mapping_are_told():
    catalogue = load_catalogue(params_dir() / "catalog")
    other = next(t.name for t in catalogue.tables if t.disposition == "object:Lab Results" and t.name != "lab_orders")
    plan = planned_objects({other: table(other, 7)}, [Fed("lab_orders", "lab_results", ())], catalogue)
    assert plan.filter(pl.col("object") == "lab_results")["rows_without_mapping"].item() == 7


def test_the_mapping_files_of_the_project_are_read():
    assert {each.object for each in feeds()} >= {"contacts", "lab_results", "measurement_history"}


def test_requests_hours_and_days():
    found = planned_requests({"measurement_history": 5_000_000}, {"b": PAIRS}, LIMITS).rows_by_key("requests_of")
    requests, burst, day, at_burst, days = found["objects"][0]
    assert (requests, burst, day) == (100_000, 190, 1_000_000)
    assert (at_burst, days) == (pytest.approx(100_000 / 19, abs=0.1), 0.1)
    assert found["associations"][0][0] == 3 * 2_500
    assert "search" not in found


def test_the_schedule_reads_within_the_windows_only_and_loads_afterwards():
    night = ReadingParams(windows=({"from": "22:00", "to": "23:00"},), max_rows_per_second=1000)
    steps = schedule(EXTRACTED, {"contacts": 1000}, {"a": PAIRS}, night, Pace(LIMITS, 0.0, 4), ASSUMED, DAY)
    assert steps["step"].to_list() == ["extract, window 1", "extract, window 2", "load contacts", "associate a"]
    assert steps["begins"].to_list()[:2] == ["Tue 30 Jun 22:00", "Wed 01 Jul 22:00"]
    # 5,001,000 rows at 1,000 a second, and half a second for each of the two tables.
    assert steps["seconds"].to_list()[:2] == [3600, 1402]
    assert steps["after"][2] == pytest.approx(46 * 3600 + 1402)
    assert spans(steps)["extract, window 2"] == (24 * 60, 1402 / 60)


class Portal:
    def limits(self, *what):
        if what != ("records",):
            return {"results": []}
        return {
            "hubspotDefinedObjectTypes": [{"objectTypeId": "0-1", "usage": 100, "limit": 1_000}],
            "customObjectTypes": {"overallLimit": 10_000_000, "overallUsage": 4_000_000},
        }

    def known_type_id(self, name):
        return {"contacts": "0-1"}.get(name)


def test_the_caps_of_the_portal():
    caps, unanswered = portal_caps(Portal, {"contacts": 1_000, "measurement_history": 5_000_000}, ASSUMED)
    assert unanswered == ""
    assert caps.select("what", "verdict").rows()[:2] == [
        ("contacts", "does not fit"),
        ("all custom objects together", "tight"),
    ]


def test_a_portal_that_does_not_answer_stops_no_audit():
    def closed():
        raise TargetUnreachable("nobody there")

    caps, unanswered = portal_caps(closed, {"contacts": 1}, ASSUMED)
    assert caps.height == 0
    assert "did not answer" in unanswered


def test_many_small_tables_take_their_time_although_they_have_no_rows():
    many = {f"t{n}": table(f"t{n}", 0) for n in range(189)} | {"gone": table("gone", 5, file=None)}
    row = extraction(many, ReadingParams(), ASSUMED).row(0, named=True)
    assert (row["tables"], row["for_tables"], row["seconds"]) == (189, 94.5, 94.5)


@pytest.fixture
def orders(tmp_path):
    """Provider 7 has ordered more than one record may have links, provider 8 nearly so many; in two tables."""
    workspace = Workspace("r", tmp_path)
    wrote = {
        "lab_orders": {"patient_id": [1, 2, 3, 3] * 5, "ordering_provider": [7] * 9 + [8] * 8 + [None] * 3},
        "image_orders": {"patient_id": [1, 2, 3], "ordering_provider": [7, 7, 9]},
    }
    for name, columns in wrote.items():
        workspace.write(f"source/{name}", pl.DataFrame(columns).with_columns(pl.lit("k").alias("__key")))
    links = [
        Linked(name, "lab_results", association, column, parent)
        for name in wrote
        for association, column, parent in (
            ("contact_to_lab_results", "patient_id", "patients"),
            ("lab_results_to_staff_management", "ordering_provider", "providers"),
        )
    ]
    return {name: table(name, 1) for name in wrote}, workspace, links


def test_links_of_one_record_are_held_against_what_one_may_have(orders):
    extracted, workspace, links = orders
    found = links_per_record(extracted, workspace, links, PORTAL, ASSUMED, {"contact_to_lab_results": 50})
    rows = {row["association"]: row for row in found.iter_rows(named=True)}
    contacts, staff = rows["contact_to_lab_results"], rows["lab_results_to_staff_management"]
    assert (contacts["a_record_of"], contacts["most_links"], contacts["limit"]) == ("contacts", 11, 50)
    assert (contacts["verdict"], contacts["limit_from"]) == ("fits", "the portal")
    assert (staff["a_record_of"], staff["records"], staff["most_links"]) == ("staff_management", 3, 11)
    assert (staff["near"], staff["over"], staff["verdict"]) == (1, 1, "does not fit")
    assert staff["limit_from"] == "params/audit/capacity.yml"
    (finding,) = link_findings(found)
    assert (finding.status, finding.numerator, finding.denominator) == (Status.FAIL, 1, 2)
    assert finding.note == "lab_results_to_staff_management (staff_management)"


def test_the_limit_of_one_record_is_asked_of_the_portal_for_the_end_that_many_point_at(orders):
    asked = []

    class Telling(Portal):
        def limits(self, *what):
            asked.append(what)
            return {"limit": 700}

        def known_type_id(self, name):
            return {"contacts": "0-1", "lab_results": "2-5"}.get(name)

    assert record_limits(Telling, PORTAL, orders[2]) == {"contact_to_lab_results": 700}
    assert asked == [("associations", "records", "0-1", "2-5")], "staff_management is not there yet"

    def closed():
        raise TargetUnreachable("nobody there")

    assert record_limits(closed, PORTAL, orders[2]) == {}


def test_the_links_of_the_mapping_files_are_read():
    assert {(each.association, each.object) for each in linked()} >= {
        ("contact_to_lab_results", "lab_results"),
        ("contact_to_staff_management", "contacts"),
    }


def test_forecast_against_actual(tmp_path):
    workspace = Workspace("r", tmp_path)
    plan = {
        "capacity": [{"object": "contacts", "records": 200}],
        "capacity_links": [{"association": "a", "links": 200}],
        "capacity_schedule": [{"step": "extract", "seconds": 60}, {"step": "load contacts", "seconds": 30}],
    }
    load = {
        "records": [{"object": "contacts", "verified": 150}],
        "links": [{"association": "a", "verified": 100}, {"association": "a", "verified": 50}],
    }
    times = {"started": "2026-06-30T10:00:00+00:00", "finished": "2026-06-30T10:01:00+00:00"}
    for name, tables in (("01_audit", plan), ("07_load", load)):
        workspace.write_bytes(f"evidence/{name}", json.dumps({"tables": tables, **times}).encode(), ".json")
    for name, seconds in (("empty", 0.01), ("small", 0.05), ("tiny", 0.06)):
        workspace.write(f"source/{name}", pl.DataFrame({"a": [1]}))
        save(table(name, 3, seconds=seconds), workspace)
    found = {row[:2]: row[2:] for row in forecast_against_actual(workspace).rows()}
    assert found["extraction", "seconds"][:2] == (60, 0.1)
    assert found["extraction of a small table", "milliseconds"] == (30, 50, 1.667)
    assert found["contacts", "records"] == (200, 150, 0.75)
    assert found["a", "links"] == (200, 150, 0.75)
    assert found["load", "seconds"] == (30, 60, 2)
    other = Plan(capacity_params(), *(pl.DataFrame(plan[n]) for n in ("capacity", "capacity_links")), pl.DataFrame(),
                 pl.DataFrame(), pl.DataFrame(plan["capacity_schedule"]))  # fmt: skip
    workspace.path("evidence/01_audit", ".json").unlink()
    assert {row[:2]: row[2:] for row in forecast_against_actual(workspace, other).rows()} == found
    workspace.path("evidence/07_load", ".json").unlink()
    assert forecast_against_actual(workspace, other).is_empty()


def decided(reason):
    entry = {"table": "b", "reason": reason, "who": "data lead", "when": DAY, "why": "nothing refers to it"}
    return AcceptedExceptions(accepted=(entry,))


@pytest.mark.parametrize(
    ("accepted", "status"),
    [
        (AcceptedExceptions(), Status.FAIL),
        (decided("locked"), Status.FAIL),
        (decided("damaged"), Status.PASS_WITH_EXCEPTIONS),
    ],
)
def test_a_table_that_could_not_be_read_fails_the_phase_until_it_is_accepted_for_that_reason(accepted, status):
    extracted = {"a": table("a", 1), "b": table("b", 9, file=None, unread=str(Unread.DAMAGED))}
    unread = unread_tables(extracted, accepted)
    found = {f.id: f for f in extraction_findings(extracted, unread, accepted)}
    assert found["EXT-01"].status is status
    assert "b (damaged)" in found["EXT-01"].note
    assert unread["accepted_by"].to_list() == ["data lead" if status is not Status.FAIL else "nobody yet"]


def test_two_snapshots_are_a_finding():
    extracted = {"a": table("a", 1), "b": table("b", 1, snapshot="2026-07-01T00:00:00")}
    found = extraction_findings(extracted, unread_tables(extracted, AcceptedExceptions()), AcceptedExceptions())
    assert next(f for f in found if f.id == "EXT-02").status is Status.FAIL


def test_an_acceptance_needs_a_person_a_day_and_a_reason(tmp_path):
    (tmp_path / "audit").mkdir()
    (tmp_path / "audit/exceptions.yml").write_text("accepted:\n  - {table: b, reason: tired}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError) as refused:
        accepted_exceptions(tmp_path)
    assert len(refused.value.mistakes) == 4


def test_what_the_workbook_computes_is_planned_as_well():
    (computed,) = capacity_params().computed
    extracted = {name: table(name, rows) for name, rows in (("patients", 500), ("25againhealthscores", 1798))}
    plan = planned_objects(extracted, [*feeds(), computed], load_catalogue(params_dir() / "catalog"))
    assert plan.filter(pl.col("object") == "health_scores")["records"].item() == 2298
    assert (
        planned_links(extracted, [*feeds(), computed], load_portal_schema())["contact_to_health_scores"].pairs == 2298
    )
