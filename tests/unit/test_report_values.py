"""The class of the column decides: values of identifying columns are withheld in any table, under any name."""

import os
import time

import numpy as np
import polars as pl
import pytest

from ennu_lib.audit.classes import IDENTIFIERS
from ennu_lib.errors import GateFailed
from ennu_lib.report import install_guard, table
from ennu_lib.report.masking import TELLING, forget_values, learn_identifiers, withhold_values
from ennu_lib.workspace import Workspace
from tests.support.identifying_values import shown

CLASSES = {
    "last": "names",
    "born": "dates",
    "seen_at": "dates",
    "chart": "medical_record_number",
    "row_no": "medical_record_number",
    "city": "geographic",
    "login": "other_unique",
    "status": "clinical",
    "site": "none",
    "seq": "operational",
}
PATIENTS = pl.DataFrame(
    {
        "last": [" Quillfeather", "Ng", "Harmless"],
        "born": ["1984-05-17", "0000-00-00", None],
        "seen_at": ["2021-03-04 10:00:00", "2021-03-05 11:00:00", None],
        "chart": ["C0100001", "C0100002", "47"],
        "row_no": [700_000_001, 12, 13],
        "city": ["Tampa", "Zebulon", "Zebulon"],
        "login": ["system", "zquill", "admin"],
        "status": ["Harmless", "stable", "stable"],
        "site": ["Tampa", "Denver", "Denver"],
        "seq": [700_000_001, 700_000_002, 700_000_003],
    }
)


@pytest.fixture
def workspace(tmp_path):
    workspace = Workspace("r", tmp_path)
    rows = [("patients", column, kind) for column, kind in CLASSES.items()]
    classes = pl.DataFrame(rows, schema=["table", "column", "class"], orient="row")
    workspace.write("audit/classes", classes)
    workspace.write("source/patients", PATIENTS)
    workspace.write("clean/patients", PATIENTS.with_columns(pl.lit("Smoothed").alias("last")))
    yield workspace
    forget_values()
    learn_identifiers(classes.clear())


def withheld(*texts):
    frame, count = withhold_values(pl.DataFrame({"code": texts}, schema={"code": pl.String}))
    marked = [text for text, cell in zip(texts, frame["code"], strict=True) if cell == "withheld"]
    assert len(marked) == count
    return marked


def test_the_classes_are_those_of_the_audit():
    assert {str(kind) for kind in IDENTIFIERS} == TELLING


def test_values_of_identifying_columns_are_withheld_and_others_are_not(workspace):
    assert withheld("Quillfeather") == [], "nothing is learned yet"
    install_guard(workspace)
    gone = [
        "QUILLFEATHER",
        "1984-05-17",
        "2021-03-04 10:00:00",
        "2021-03-04",
        "C0100001",
        "Zebulon",
        "zquill",
        "Smoothed",
    ]
    assert withheld(*gone, "700000001") == [*gone, "700000001"]
    assert withheld("Quillfeathers", "1984-05-18", "stable", None, "", "rows of C0100001") == []


def test_what_is_short_common_or_ours_is_most_likely_something_else(workspace):
    install_guard(workspace)
    assert withheld("Ng", "47", "12", "Harmless", "Tampa", "system", "patients", "born") == []


def test_the_page_shows_a_mark_and_says_why(workspace):
    install_guard(workspace)
    drawn = table([{"code": "C0100002", "rows": 40}, {"code": "other", "rows": 50}], caption="Codes").text
    assert "C0100002" not in drawn
    assert "withheld" in drawn and "1 cell is withheld: the audit classed the column of the value" in drawn
    assert "withheld" not in table([{"code": "other", "rows": 50}], caption="Codes").text


def test_columns_named_like_a_date_or_a_records_number_are_refused(workspace):
    install_guard(workspace)
    for frame in ({"chart": ["x"]}, {"row_no": [812]}, {"seen_at": ["x"]}):
        with pytest.raises(GateFailed):
            table(pl.DataFrame(frame), caption="Rows")
    table(pl.DataFrame({"row_no": [0.4]}), caption="A completeness is no number of a record")


def test_newer_values_are_learned(workspace):
    install_guard(workspace)
    assert withheld("Newcomer") == []
    changed = workspace.write("source/patients", PATIENTS.with_columns(pl.lit("Newcomer").alias("last")))
    later = changed.stat().st_mtime + 10
    os.utime(changed, (later, later))
    install_guard(workspace)
    assert withheld("Newcomer") == ["Newcomer"]


def test_large_tables_are_learned_column_by_column(workspace, monkeypatch):
    monkeypatch.setattr("ennu_lib.report.masking.values.SMALL_CELLS", 0)
    install_guard(workspace)
    assert withheld("Quillfeather", "2021-03-04", "stable", "Tampa") == ["Quillfeather", "2021-03-04"]


def test_a_cell_costs_a_search_and_not_a_pass_over_all_that_is_known(workspace, monkeypatch):
    install_guard(workspace)
    many = np.sort(np.random.default_rng(1).integers(0, 2**63, 3_000_000, dtype=np.uint64))
    monkeypatch.setattr("ennu_lib.report.masking.values._known", many)
    frame = pl.DataFrame({f"c{n}": ["some code", "another"] for n in range(20)})
    began = time.process_time()
    for _ in range(10):
        withhold_values(frame)
    assert time.process_time() - began < 1, "200 columns; sorting three million hashes for each takes half a minute"


def test_the_search_of_finished_pages_finds_what_the_guard_would_withhold():
    values = {"quillfeather", "1984-05-17", "c0100001", "12 elm street", "young"}
    page = "<td>Quillfeather</td> born 1984-05-17, <p>see C0100001.</p> at 12 Elm Street; a young clinic"
    assert shown(values, page.replace("C0100001.", "C0100001")) == values - {"young"}
    assert shown(values, "<td>Young</td><style>1984-05-17</style>") == {"young"}
    assert shown(values, "<td>Young (12), Old (3)</td>") == {"young"}
