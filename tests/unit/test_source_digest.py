"""The digest of a table: free of order and chunks, aware of repeats and of every single change, and keyed."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ennu_lib.keys import Keys
from ennu_lib.source import TableDigest

KEYS = Keys("k" * 40)
SCHEMA = {"n": pl.Int64, "t": pl.String, "f": pl.Float64, "b": pl.Binary, "d": pl.Decimal(38, 2), "o": pl.Boolean}
ROWS = st.lists(
    st.tuples(
        st.none() | st.integers(-(2**63), 2**63 - 1),
        st.none() | st.text(max_size=30) | st.text(min_size=80, max_size=120),
        st.none() | st.floats(allow_nan=False),
        st.none() | st.binary(max_size=20),
        st.none() | st.decimals(-1000, 1000, places=2),
        st.none() | st.booleans(),
    ),
    min_size=1,
    max_size=12,
)


def digest(rows, keys=KEYS, parts=None) -> str:
    frame = rows if isinstance(rows, pl.DataFrame) else pl.DataFrame(rows, schema=SCHEMA, orient="row")
    made = TableDigest(keys)
    for part in frame.iter_slices(parts or max(1, frame.height)):
        made.add(part)
    return made.value()


@settings(max_examples=20)
@given(ROWS, st.integers(1, 5), st.randoms())
def test_order_and_chunks_do_not_count(rows, parts, random):
    shuffled = random.sample(rows, len(rows))
    assert digest(rows) == digest(shuffled, parts=parts)


@settings(max_examples=20)
@given(ROWS, st.data())
def test_a_row_more_or_less_counts(rows, data):
    more = [*rows, data.draw(st.sampled_from(rows))]
    assert digest(more) != digest(rows)
    assert digest(more, parts=2) != digest(rows)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (["a", None], ["a", ""]),
        (["NULL"], [None]),
        (["ab", "cd"], ["ab", "ce"]),
        (["x" * 12 + "1"], ["x" * 12 + "2"]),
        (["x" * 255 + "1"], ["x" * 255 + "2"]),
        (["x" * 1000 + "1"], ["x" * 1000 + "2"]),
        (["x" * 256], ["x" * 257]),
        (["a\0"], ["a"]),
    ],
)
def test_a_changed_text_counts(one, other):
    assert digest(pl.DataFrame({"t": one})) != digest(pl.DataFrame({"t": other}))


def test_values_exchanged_between_rows_count():
    frame = pl.DataFrame({"patient": [1, 2], "result": ["high", "low"]})
    assert digest(frame) != digest(frame.with_columns(pl.col("result").reverse()))
    numbers = pl.DataFrame({"a": [1, 2], "b": [10, 20]})
    assert digest(numbers) != digest(numbers.with_columns(pl.col("b").reverse()))


def test_values_exchanged_between_columns_count():
    assert digest(pl.DataFrame({"a": ["x"], "b": ["y"]})) != digest(pl.DataFrame({"a": ["y"], "b": ["x"]}))


def test_another_key_gives_another_digest():
    frame = pl.DataFrame({"a": ["x"]})
    assert digest(frame) != digest(frame, Keys("x" * 40))


def test_the_value_behind_a_null_does_not_count():
    masked = pl.DataFrame({"a": ["x", "secret"], "n": [1, 2]}).with_columns(
        pl.when(pl.col("n") == 1).then(pl.col(c)).alias(c) for c in ("a", "n")
    )
    assert digest(masked) == digest(pl.DataFrame({"a": ["x", None], "n": [1, None]}))


def test_it_stays_what_it_is():
    """A digest outlives the process: backups compare it weeks later."""
    frame = pl.DataFrame({"n": [1, -1, None], "t": ["short", "x" * 300, None], "f": [0.5, -0.0, None]})
    assert digest(frame) == "fc00323ba0ee33490150d4eea00e8c11"
