import csv
import io

import polars as pl
import pytest

from ennu_lib.errors import ConfigurationError
from ennu_lib.identity.match import match_people
from ennu_lib.identity.review import answers, masked, side_by_side, worksheet
from tests.support.family_people import family_people
from tests.support.identity_params import PARAMS

NOW = "2026-11-28T12:00:00+00:00"


@pytest.mark.parametrize(
    ("left", "right", "shown"),
    [
        ("Jayden", "Kayden", ("J•••••", "K•••••")),
        ("123-45-6789", "123-45-6788", ("•••-••-•••9", "•••-••-•••8")),
        ("Ann", "ANN", ("•••", "•••")),
        ("Ann", "", ("•••", "")),
        ("Ann", "Bob", ("Ann", "Bob")),
    ],
)
def test_only_what_differs_can_be_read(left, right, shown):
    assert masked(left, right) == shown


@pytest.fixture(scope="module")
def queue():
    table, _ = family_people(1500, seed=5)
    return table, match_people(table, PARAMS).review


def filled(sheet, *rows):
    """The worksheet with (answer, who, why) in its first rows."""
    lines = list(csv.DictReader(io.StringIO(sheet.decode("utf-8-sig"))))
    for line, values in zip(lines, rows, strict=False):
        line.update(zip(("answer", "who", "why"), values, strict=True))
    out = io.StringIO()
    writer = csv.DictWriter(out, lines[0])
    writer.writeheader()
    writer.writerows(lines)
    return out.getvalue().encode()


def test_a_worksheet_shows_both_rows_and_comes_back_as_events(queue):
    table, review = queue
    sheet = worksheet(review, table, PARAMS)
    lines = list(csv.DictReader(io.StringIO(sheet.decode("utf-8-sig"))))
    assert len(lines) == len(review) > 2
    person = table.filter(patient_id=int(lines[0]["left_row"])).row(0, named=True)
    assert lines[0]["left last_name"] == person["last_name"]
    assert {line["reviewers_needed"] for line in lines} <= {"1", "2"}
    told = answers(
        filled(sheet, ("Same", "", "same chart"), ("unsure", "", "?"), ("different", "bob", "twins")),
        review,
        NOW,
        "ann",
    )
    assert told.select("decision", "who", "why").rows() == [
        ("must_link", "ann", "same chart"), ("unsure", "ann", "?"), ("cannot_link", "bob", "twins"),
    ]  # fmt: skip
    assert told["left"][0] == lines[0]["left_row"]


def test_a_masked_worksheet_holds_no_value_that_both_rows_share(queue):
    table, review = queue
    lines = list(csv.DictReader(io.StringIO(worksheet(review, table, PARAMS, mask=True).decode("utf-8-sig"))))
    shared = [v for line in lines for c, v in line.items() if c == "left last_name" and v == line["right last_name"]]
    assert shared and not any(c.isalnum() for value in shared for c in value)


def test_all_mistakes_of_a_worksheet_are_named_at_once(queue):
    table, review = queue
    sheet = filled(worksheet(review, table, PARAMS), ("perhaps", "a", "b"), ("same", "", ""), ("same", "a", "b"))
    with pytest.raises(ConfigurationError) as caught:
        answers(sheet, review.slice(3), NOW)
    assert [m.split(":")[0] for m in caught.value.mistakes] == ["row 2", "row 3", "row 4"]
    with pytest.raises(ConfigurationError, match="column 'why' is missing"):
        answers(b"left_row,right_row,answer,who\r\n", review, NOW)


def test_a_value_is_never_a_formula_of_the_spreadsheet(queue):
    table, review = queue
    evil = table.with_columns(first_name=pl.lit("=1+1"))
    lines = list(csv.DictReader(io.StringIO(worksheet(review, evil, PARAMS).decode("utf-8-sig"))))
    assert lines[0]["left first_name"] == "'=1+1"


def test_side_by_side_lists_what_either_row_has(queue):
    table, review = queue
    question = review.row(0, named=True)
    shown = side_by_side(question, table, PARAMS.columns, "patient_id", mask=False)
    assert "birth_date" in [field for field, *_ in shown]
    assert all(left or right for _, left, right in shown)
