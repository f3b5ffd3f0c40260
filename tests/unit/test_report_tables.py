"""Tables: real headers, units, cuts, and no persons."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import polars as pl
import pytest

from ennu_lib.errors import GateFailed
from ennu_lib.report import suppress, table

GOLDEN = Path(__file__).parents[1] / "golden" / "report"

FRAME = pl.DataFrame(
    {
        "table": ["patients", "visits", "Total"],
        "rows": [1204, 16_204_331, 16_205_535],
        "size": [1.5e6, 2.4e9, 2.4015e9],
        "filled": [0.9996, None, 0.5],
        "verdict": ["pass", "fail", "not_run"],
    }
)


def drawn() -> str:
    return table(
        FRAME,
        caption="Tables of the source",
        units={"rows": "count"},
        formats={"size": "bytes", "filled": "percent"},
        labels={"filled": "Filled cells"},
        status_column="verdict",
        total_row=True,
        note="Sizes as the database reports them.",
    ).markup


def test_the_table_is_as_it_was_agreed():
    golden = GOLDEN / "table.html"
    if os.environ.get("ENNU_UPDATE_GOLDEN"):
        golden.write_text(drawn() + "\n", encoding="utf-8")
    assert drawn() + "\n" == golden.read_text(encoding="utf-8")


def test_headers_carry_scopes_units_and_alignment():
    page = drawn()
    assert '<th scope="col" class="right">Rows<span class="ennu-unit"> (count)</span></th>' in page
    assert '<th scope="row">patients</th>' in page
    assert "Filled cells" in page


def test_the_row_header_can_be_another_column():
    page = table(FRAME.select("rows", "table"), caption="x", row_header="table").markup
    assert '<th scope="row">patients</th>' in page
    assert '<td class="right">1,204</td>' in page


def test_a_long_table_is_cut_and_says_so():
    long = pl.DataFrame({"table": [f"t{i}" for i in range(189)], "rows": range(189)})
    page = table(long, caption="Inventory").markup
    assert "Shown: the first 60 of 189 rows. All of them are in the evidence of this phase." in page
    assert "t59" in page and "t60" not in page


def test_the_total_survives_the_cut():
    rows = [*range(100), 4950]
    long = pl.DataFrame({"table": [*(f"t{i}" for i in range(100)), "Total"], "rows": rows})
    page = table(long, caption="Inventory", total_row=True, rows=10).markup
    assert "Shown: the first 10 of 100 rows." in page
    assert "<tfoot>" in page and "4,950" in page


def test_a_wide_table_scrolls_within_a_labelled_region():
    wide = pl.DataFrame({f"a_rather_long_name_{i}": [123456] for i in range(6)})
    assert 'role="region" aria-label="Table: Wide" tabindex="0"' in table(wide, caption="Wide").markup
    assert "region" not in table(FRAME.select("table", "rows"), caption="Narrow").markup


def test_pandas_frames_and_rows_of_evidence_give_the_same_table():
    rows = [{"table": "patients", "rows": 3}, {"table": "visits", "rows": 1}]
    expected = table(pl.DataFrame(rows), caption="x").markup
    assert table(rows, caption="x").markup == expected
    assert table(pd.DataFrame(rows), caption="x").markup == expected


def test_values_are_escaped():
    assert "<script>" not in table(pl.DataFrame({"a": ["<script>"]}), caption="<b>").markup


def test_an_empty_table_says_so():
    assert "Nothing to list." in table(FRAME.clear(), caption="x").markup


def test_a_caption_is_required():
    with pytest.raises(ValueError, match="a table needs a caption"):
        table(FRAME, caption=" ")


def test_unknown_columns_are_named():
    with pytest.raises(ValueError, match="has no column colour, weight; it has table, rows"):
        table(FRAME, caption="x", units={"weight": "kg"}, formats={"colour": "text"})
    with pytest.raises(ValueError, match="aligned left, right, center"):
        table(FRAME, caption="x", align={"rows": "middle"})


@pytest.mark.parametrize("column", ["first_name", "Email", "date_of_birth", "ZIP code", "patient id"])
def test_a_column_that_identifies_persons_is_refused_by_its_name(column):
    with pytest.raises(GateFailed, match="would show persons") as refused:
        table(pl.DataFrame({column: ["Quillfeather"]}), caption="x")
    assert "Quillfeather" not in str(refused.value)


@pytest.mark.parametrize("value", ["z@quill.example", "(555) 010-1234", "900-12-3456"])
def test_a_column_that_holds_persons_is_refused_by_its_shape(value):
    with pytest.raises(GateFailed, match="`remark` would show persons") as refused:
        table(pl.DataFrame({"remark": ["fine", value]}), caption="x")
    assert value not in str(refused.value)


def test_counts_by_field_may_be_called_like_the_field():
    assert table(pl.DataFrame({"table": ["patients"], "email": [0.93]}), caption="x", formats={"email": "percent"})


def test_the_distributable_twin_withholds_small_counts_and_what_gives_them_away():
    frame = pl.DataFrame(
        {
            "reason": ["a", "b", "c", "Total"],
            "patients": [4, 41, 190, 235],
            "share": [4 / 235, 41 / 235, 190 / 235, 1.0],
        }
    )
    drawn = table(frame, caption="x", people=["patients"], total_row=True, shares={"share": "patients"})
    assert ">4<" in drawn.markup
    assert ">4<" not in drawn.distributable and ">41<" not in drawn.distributable
    assert drawn.distributable.count(">*<") == 4
    assert "* Withheld: a count of people from 1 to 10" in drawn.distributable
    assert ">190<" in drawn.distributable and ">235<" in drawn.distributable


def test_suppressed_counts_are_shown_as_they_are():
    counts = suppress(pl.DataFrame({"age": ["90+", "80"], "patients": [3, 200]}), ["patients"])
    page = table(counts, caption="x").markup
    assert ">*<" in page and ">3<" not in page and ">200<" in page
