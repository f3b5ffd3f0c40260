"""What is remembered of earlier loads, and the repair that a load under another name derives from it."""

import os
import shutil

import polars as pl
import pytest

from ennu_lib.keys import Keys
from ennu_lib.load.loaded import Memory, repair_after
from ennu_lib.load.repair_plan import LINK_KEY
from ennu_lib.workspace import Workspace
from tests.conftest import KEY

KEYS = Keys(KEY)
ANN, BEA, CY = KEYS.external_ids("patients", ["1", "2", "3"])


def members(**golden):
    return pl.DataFrame({"patient_id": list(golden), "golden_id": list(golden.values())})


def mapped(root, run_id, crosswalk, contacts, links, visits):
    """A run with targets: contacts (id, phone), visits (id, place), links (contact, visit)."""
    workspace = Workspace(run_id, root)
    named = {"schema": dict.fromkeys(("ennu_external_id", "phone", "migration_batch_id"), pl.String), "orient": "row"}
    workspace.write("targets/contacts", pl.DataFrame([(*c, run_id) for c in contacts], **named))
    named["schema"] = dict.fromkeys(("ennu_external_id", "place", "migration_batch_id"), pl.String)
    workspace.write("targets/telehealth_sessions", pl.DataFrame([(*v, run_id) for v in visits], **named))
    rows = [("contact_to_visit", None, "contacts", a, "telehealth_sessions", b) for a, b in links]
    workspace.write("targets/links", pl.DataFrame(rows, schema=dict.fromkeys(LINK_KEY, pl.String), orient="row"))
    workspace.write("identity/members", pl.DataFrame(crosswalk, schema=["patient_id", "golden_id"], orient="row"))
    return workspace


VISITS = [("V1", "Rome"), ("V2", "Oslo"), ("V3", "Kyiv")]
JOINED = [("1", "1"), ("2", "1"), ("3", "3")]
APART = [("1", "1"), ("2", "2"), ("3", "3")]


@pytest.fixture
def joined(tmp_path):
    """Rows 1 and 2 are one person with both visits and the telephone of row 2."""
    return mapped(
        tmp_path, "r1", JOINED, [(ANN, "2"), (CY, "9")], [(ANN, "V1"), (ANN, "V2"), (CY, "V3")], VISITS
    )  # fmt: skip


@pytest.fixture
def apart(tmp_path):
    """They are two; besides, the clinic has given the visit of person 3 up and lost their telephone number."""
    return mapped(
        tmp_path, "r2", APART, [(ANN, None), (BEA, "2"), (CY, None)], [(ANN, "V1"), (BEA, "V2")], VISITS[:2]
    )  # fmt: skip


@pytest.fixture
def memory(tmp_path):
    return Memory("small", "4711", tmp_path)


def loaded(memory, workspace):
    memory.begin(workspace)
    memory.finish()


def took_away(found):
    records, links = found
    gone = records.filter((pl.col("action") == "archive") | pl.col("after").is_null() & (pl.col("action") == "update"))
    removed = links.filter(pl.col("action") == "remove")
    return sorted(gone.select("external_id", "property").rows()), sorted(removed.select("from_id", "to_id").rows())


def test_a_split_takes_values_and_links_of_the_two_and_of_nobody_else(memory, joined, apart):
    loaded(memory, joined)
    assert took_away(repair_after(memory.states(), apart, KEYS)) == ([(ANN, "phone")], [(ANN, "V2")])


def test_a_merge_archives_who_was_merged_away(memory, joined, apart):
    loaded(memory, apart)
    assert took_away(repair_after(memory.states(), joined, KEYS)) == ([(BEA, None)], [(BEA, "V2")])


def test_without_a_person_who_changed_nothing_goes(memory, joined, tmp_path):
    loaded(memory, joined)
    other = mapped(tmp_path, "r2", JOINED, [(ANN, None)], [], [])
    assert took_away(repair_after(memory.states(), other, KEYS)) == ([], [])
    assert took_away(repair_after([], other, KEYS)) == ([], [])


def test_a_state_outlives_its_run_and_does_not_change_with_it(memory, joined, apart):
    loaded(memory, joined)
    joined.write("targets/links", pl.DataFrame(schema=dict.fromkeys(LINK_KEY, pl.String)))
    (state,) = memory.states()
    assert state.scan("targets/links").collect().height == 3
    shutil.rmtree(joined.root)
    assert took_away(repair_after(memory.states(), apart, KEYS))[1] == [(ANN, "V2")]


def test_a_load_that_was_broken_off_is_remembered_beside_the_last_whole_one(memory, joined, apart, tmp_path):
    loaded(memory, joined)
    memory.begin(apart)
    memory.begin(apart)
    assert len(memory.states()) == 2
    third = mapped(tmp_path, "r3", JOINED, [(ANN, "2"), (CY, "9")], [(ANN, "V1"), (CY, "V3")], VISITS)
    taken = took_away(repair_after(memory.states(), third, KEYS))
    assert taken == ([(BEA, None)], sorted([(ANN, "V2"), (BEA, "V2")]))
    memory.finish()
    assert len(memory.states()) == 1
    assert took_away(repair_after(memory.states(), apart, KEYS)) == ([], [])


def test_portals_are_remembered_apart_and_without_hard_links_too(memory, joined, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError(95, "not supported")))
    loaded(memory, joined)
    assert memory.states()[0].scan("targets/contacts").collect().height == 2
    assert Memory("small", "4712", tmp_path).states() == []
