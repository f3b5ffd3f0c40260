"""Shapes show how values look and never a value; rare ones stay off the page."""

import polars as pl
import pytest

from ennu_lib.quality.counted import RARE, usual_shapes
from ennu_lib.quality.standard.events import EVENTS
from ennu_lib.quality.standard.patterns import count_shapes, shape
from ennu_lib.quality.tables import Changes
from ennu_lib.report.masking.personal_data import scan


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Mary-Ann", "Aa+-Aa+"), ("O'BRIEN", "A'A+"), ("(813) 229-1234", "(###) ###-####"), ("é ü1٢", "a a##"),
        ("x@y.org", "a@a.a+"), ("", "(blank)"), (None, "(none)"), ("w" * 30, "a+…"), ("a\x00\u202e", "a??"),
    ],
)  # fmt: skip
def test_shape(text, wanted):
    assert pl.DataFrame({"t": [text]}, schema={"t": pl.String}).select(shape(pl.col("t"))).item() == wanted


@pytest.mark.parametrize("text", ["(813) 229-1234", "ann.lee@example.org", "123-45-6789", "+1 813 229 1234"])
def test_the_shape_of_personal_data_is_none(text):
    assert scan(text)
    assert scan(pl.DataFrame({"t": [text]}).select(shape(pl.col("t"))).item()) == []


def test_a_shape_of_few_values_is_left_out():
    row = dict.fromkeys(EVENTS) | {"rule": "phone"}
    events = pl.DataFrame(
        [row | {"before": "813.229.1234", "after": "+18132291234"}] * (RARE + 1)
        + [row | {"before": "n/a", "after": None}] * RARE,
        schema=EVENTS,
    )
    empty = pl.DataFrame()
    changes = Changes(empty, empty, count_shapes(events), empty, empty, 0, 0)
    assert usual_shapes(changes).rows() == [("phone", "###.###.####", "+###########", RARE + 1)]
