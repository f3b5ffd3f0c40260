"""One rule at work on one column: what is in standard form at a glance passes, other values are looked at once."""

from __future__ import annotations

from collections import Counter

import polars as pl

from ennu_lib.quality.standard.outcome import Outcome, refused
from ennu_lib.quality.standard.rules import RULES, Lists, RuleName

# So many outcomes are remembered; a column with more distinct odd values starts afresh.
REMEMBERED = 200_000
CHANGED = {"at": pl.UInt32, "before": pl.String, "after": pl.String, "reason": pl.String}


class ColumnStandard:
    """Applies rule `name` to portions of a column. `left` counts the values that stayed as they are, by reason."""

    def __init__(self, name: RuleName, lists: Lists):
        self.name = name
        self.rule = RULES[name]
        self.left: Counter[str] = Counter()
        self._standard = self.rule.standard(lists)
        self._glance = self.rule.at_a_glance(lists) if self.rule.at_a_glance else None
        self._known: dict[str, Outcome] = {}

    def outcome(self, value: str) -> Outcome:
        """What the rule makes of one value; blank text is no value."""
        found = self._known.get(value)
        if found is None:
            found = self._standard(value) if value.strip() else refused("BLANK")
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[value] = found
        return found

    def odd(self, values: pl.Expr) -> pl.Expr:
        """Which values are not in standard form at a glance."""
        odd = values.is_not_null()
        return odd if self._glance is None else odd & ~self._glance(values).fill_null(False)

    def changed(self, values: pl.Series, odd: pl.Series) -> pl.DataFrame:
        """The values that change, of those that are `odd`: position, before, after, reason."""
        at = odd.arg_true()
        if at.is_empty():
            return pl.DataFrame(schema=CHANGED)
        looked_at = pl.DataFrame({"at": at, "before": values.gather(at)})
        distinct = looked_at["before"].unique()
        made = [self.outcome(value) for value in distinct]
        table = pl.DataFrame(
            {"before": distinct, "after": [m.value for m in made], "reason": [m.reason for m in made]},
            schema={name: CHANGED[name] for name in ("before", "after", "reason")},
        )
        joined = looked_at.join(table, on="before", how="left", maintain_order="left")
        differs = pl.col("before").ne_missing(pl.col("after"))
        stayed = joined.filter(~differs & pl.col("reason").is_not_null())
        self.left.update(dict(stayed["reason"].value_counts().iter_rows()))
        return joined.filter(differs).cast(CHANGED)
