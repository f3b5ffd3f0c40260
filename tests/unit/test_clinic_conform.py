"""Frames in the shape of the catalogue."""

from datetime import date, datetime, time

import polars as pl
import pytest

from ennu_lib.clinic.conform import conform
from ennu_lib.clinic.load_text import NO_ZERO_DATES, as_csv, dates_as_text
from tests.support.small_catalogue import table

THING = table(
    "thing",
    10,
    ("thing_id", "integer", "seq", {"key": "pk"}),
    ("price", "decimal(5,2)", "decimal:1..2", {"nulls": 0.1}),
    ("code", "varchar(4)", "code:####", {"nulls": 0.1}),
    ("kind", "enum(a|b)", "choice:a|b", {"nulls": 0.1}),
    ("made", "date", "date:-9..0", {"nulls": 0.1}),
    ("seen", "datetime", "datetime:-9..0", {"nulls": 0.1}),
    ("opens", "time", "time:08:00..09:00", {"nulls": 0.1}),
    ("file", "blob", "blob:9", {"nulls": 0.1}),
    ("active", "boolean", "bool:0.1", {"nulls": 0.1}),
)


def test_missing_columns_are_null_text_is_cut_and_decimals_rounded():
    frame = pl.DataFrame({"code": ["toolong"], "thing_id": [1], "price": [1.239], "opens": [time(8, 30)]})
    assert conform(THING, frame).row(0) == (1, 1.24, "tool", None, None, None, "08:30:00", None, None)


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"thing_id": None}, "NULL generated in the NOT NULL column thing_id"),
        ({"thing_id": 2**31}, "do not fit thing_id"),
        ({"price": 1000.0}, "do not fit price"),
        ({"price": -1000.0}, "do not fit price"),
        ({"kind": "c"}, "not in the enumeration of kind"),
        ({"colour": "red"}, "does not have: colour"),
    ],
)
def test_rows_that_some_database_would_refuse_are_refused(values, complaint):
    row = {"thing_id": 1, "price": 1.0, "kind": "a"} | values
    with pytest.raises(ValueError, match=complaint):
        conform(THING, pl.DataFrame({name: [value] for name, value in row.items()}))


def with_dates(made, seen) -> pl.DataFrame:
    return conform(THING, pl.DataFrame({"thing_id": range(1, len(made) + 1), "made": made, "seen": seen}))


def test_zero_dates_are_written_in_the_form_of_the_database():
    frame = with_dates([date(2024, 2, 3), date(1, 1, 1), None], [datetime(2024, 2, 3, 4, 5), datetime(1, 1, 1), None])
    lenient, strict = dates_as_text(THING, frame), dates_as_text(THING, frame, NO_ZERO_DATES)
    assert lenient["made"].to_list() == ["2024-02-03", "0000-00-00", None]
    assert lenient["seen"].to_list() == ["2024-02-03 04:05:00", "0000-00-00 00:00:00", None]
    assert strict["made"].to_list() == ["2024-02-03", "0001-01-01", None]
    assert strict["seen"].to_list() == ["2024-02-03 04:05:00", "0001-01-01 00:00:00", None]


def test_dates_that_come_as_text_stay_unless_the_database_has_no_zero_date():
    frame = with_dates(["0000-00-00", "2024-02-03"], ["0000-00-00 00:00:00", None])
    assert dates_as_text(THING, frame)["made"].to_list() == ["0000-00-00", "2024-02-03"]
    assert dates_as_text(THING, frame, NO_ZERO_DATES)["seen"].to_list() == ["0001-01-01 00:00:00", None]


def test_csv_tells_null_from_blank_and_from_the_word():
    frame = conform(
        THING,
        pl.DataFrame(
            {
                "thing_id": [1, 2, 3],
                "code": ["", None, "NULL"],
                "file": [b"\x00\xff", None, b""],
                "active": [True, None, False],
            }
        ),
    )
    lines = as_csv(THING, frame, NO_ZERO_DATES, "0x").getvalue().decode().splitlines()
    assert lines == [
        '1,NULL,"",NULL,NULL,NULL,NULL,"0x00ff",1',
        "2,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL",
        '3,NULL,"NULL",NULL,NULL,NULL,NULL,"0x",0',
    ]
