"""The shape of a value without the value: letters become A or a, figures become #, and runs of letters one sign.

`Mary-Ann` has the shape `Aa+-Aa+`, `(813) 229-1234` the shape `(###) ###-####`.
"""

from __future__ import annotations

import polars as pl

LONGEST_SHAPE = 24
EMPTY, BLANK = "(none)", "(blank)"


def shape(text: pl.Expr) -> pl.Expr:
    """The shape of `text`; a long one is cut, and what is neither letter, figure nor ASCII becomes `?`."""
    cut = text.str.head(LONGEST_SHAPE)
    made = (
        cut.str.replace_all(r"\p{Lu}{2,}", "A+")
        .str.replace_all(r"[\p{Ll}\p{Lo}\p{Lt}\p{Lm}]{2,}", "a+")
        .str.replace_all(r"\p{Lu}", "A")
        .str.replace_all(r"[\p{Ll}\p{Lo}\p{Lt}\p{Lm}]", "a")
        .str.replace_all(r"\p{N}", "#")
        .str.replace_all(r"[^\x20-\x7e]", "?")
    )
    longer = text.str.len_chars() > LONGEST_SHAPE
    ending = pl.when(longer).then(pl.lit("…")).otherwise(pl.lit(""))
    blank = text.str.strip_chars() == ""
    return pl.when(text.is_null()).then(pl.lit(EMPTY)).when(blank).then(pl.lit(BLANK)).otherwise(made + ending)


def count_shapes(events: pl.DataFrame) -> pl.DataFrame:
    """Events by rule and the shapes before and after: rule, before, after, values."""
    return (
        events.lazy()
        .select("rule", shape(pl.col("before")).alias("before"), shape(pl.col("after")).alias("after"))
        .group_by("rule", "before", "after")
        .len("values")
        .collect()
    )
