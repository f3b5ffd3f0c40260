"""Table by table: the distributable page withholds counts of few rows where a row may be a person."""

import re

import polars as pl
import pytest

from ennu_lib.audit import details
from ennu_lib.audit.blocks import defect_table, sparse_table
from ennu_lib.audit.details import _parts_withheld
from ennu_lib.audit.params import load_audit_params
from ennu_lib.audit.scan import scan
from tests.support.audited import PARAMS, TODAY, copied, sqlite_of

N = 60
TABLES = {
    "patients": pl.DataFrame(
        {
            "patient_id": range(1, N + 1),
            "last_name": [None] * 3 + [f"Name{chr(97 + n % 26)}" for n in range(N - 3)],
            "first_name": ["n/a"] * 4 + [f"Given{chr(97 + n % 26)}" for n in range(N - 4)],
            "note": [None] * (N - 2) + ["a", "b"],
        }
    ),
    "shelves": pl.DataFrame({"shelf_id": range(1, N + 1), "colour": [None] * 3 + ["red"] * (N - 3)}),
}


@pytest.fixture(scope="module")
def looked_at(tmp_path_factory):
    folder = tmp_path_factory.mktemp("details")
    url = sqlite_of(folder / "s.sqlite", TABLES, {"patients": "patient_id", "shelves": "shelf_id"})
    extracted, workspace = copied(url, folder)
    return scan(extracted, workspace, load_audit_params(PARAMS), TODAY)


def cells(markup, table, column):
    """The texts of a column's row in the details of a table."""
    part = markup[markup.index(f"Columns of {table}") :]
    row = next(r for r in re.findall(r"<tr>.*?</tr>", part) if f">{column}<" in r)
    return [re.sub("<[^>]*>", "", cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row)]


def test_few_rows_of_people_are_withheld_and_what_gives_them_away(looked_at):
    drawn = details(
        looked_at, pl.DataFrame(schema={"table": pl.String, "column": pl.String, "value": pl.String, "rows": pl.Int64})
    )
    exact, public = cells(drawn.markup, "patients", "last_name"), cells(drawn.distributable, "patients", "last_name")
    assert (exact[4], exact[5]) == ("95.0 %", "3")
    assert (public[4], public[5]) == ("*", "*")
    assert "placeholder 4" in cells(drawn.markup, "patients", "first_name")[-2]
    assert "placeholder *" in cells(drawn.distributable, "patients", "first_name")[-2]
    note = cells(drawn.distributable, "patients", "note")
    assert (note[4], note[5]) == ("*", "*"), "two filled of sixty are told by 58 that are not"


def test_few_rows_of_things_are_shown(looked_at):
    drawn = details(
        looked_at, pl.DataFrame(schema={"table": pl.String, "column": pl.String, "value": pl.String, "rows": pl.Int64})
    )
    assert cells(drawn.distributable, "shelves", "colour")[5] == "3"


def test_a_share_of_few_filled_rows_is_withheld_with_them(looked_at):
    drawn = sparse_table(looked_at.columns)
    assert "3.3 %" in drawn.markup
    assert "3.3 %" not in drawn.distributable and "note" in drawn.distributable


@pytest.mark.parametrize(
    ("empty", "withheld"),
    [
        ({}, set()),
        ({"null": 20}, set()),
        ({"null": 3}, {"null", "filled"}),
        ({"null": 3, "blank": 2}, {"null", "blank", "filled"}),
        ({"null": 55}, {"null", "filled"}),
        ({"null": 60}, set()),
    ],
)
def test_one_part_of_a_sum_is_never_withheld_alone(empty, withheld):
    column = dict.fromkeys(("null", "empty", "blank", "zero_date", "sentinel_date"), 0) | empty | {"rows": N}
    assert _parts_withheld(column) == withheld


def test_kinds_of_defects_with_few_rows_are_withheld(looked_at):
    drawn = defect_table(looked_at.defects)
    assert ">4<" in drawn.markup
    assert ">4<" not in drawn.distributable
