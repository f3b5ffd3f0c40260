"""What is planted into a shadow copy, as data: `params/rules/mutations.yml`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from ennu_lib.config import Strict, load_model
from ennu_lib.errors import ConfigurationError
from ennu_lib.rules.definition import Rule
from ennu_lib.rules.tables import KEY

How = Literal[
    "set", "blank", "multiply", "shift_days", "cut", "append", "orphan", "repeat", "swap_rows", "swap_columns", "take",
    "share", "point", "drop", "double", "note", "stranger", "add",
]  # fmt: skip


class Mutation(Strict):
    """One kind of defect: `times` rows of `file` get `column` changed by `how`, which `rule` must find.

    `where` restricts the rows by values of columns, `matching` by regular expressions, `filled` to those where these
    columns hold something and `empty` to those where they hold nothing. `value` is what the mutator needs: the new
    value, the factor, the days, the length, the text, the other column, or the other file, whose rows `of` restricts.
    With `everywhere` all such rows together are one defect, found by whatever its rule then names beyond what was
    planted for it row by row: for rules that speak of months and medians. With fewer than `needs` such rows it is not
    planted: nobody could tell it from chance.

    A finding names the row by the column `row_id`, without its beginning `prefix`, in table `named`. Where these are
    not given it is the row's key in the table of the file, and its place where the file has no keys.
    """

    rule: str
    what: str
    file: str
    column: str
    how: How
    value: Any = None
    times: int = Field(4, ge=1, le=50)
    where: dict[str, list[str]] = {}
    matching: dict[str, str] = {}
    filled: list[str] = []
    empty: list[str] = []
    of: dict[str, list[str]] = {}
    everywhere: bool = False
    needs: int = Field(1, ge=1)
    row_id: str = KEY
    prefix: str = ""
    named: str = ""

    @property
    def table(self) -> str:
        """The table that a finding about the planted rows names."""
        return self.named or self.file.rpartition("/")[2]


class Mutations(Strict):
    """params/rules/mutations.yml."""

    sample_patients: int = Field(ge=20)
    sample_rows: int = Field(ge=100)
    target_overall: float = Field(gt=0, le=1)
    target_each: float = Field(gt=0, le=1)
    mutations: list[Mutation]


def load_mutations(path: Path, rules: dict[str, Rule]) -> Mutations:
    """Read the file. Raises ConfigurationError with every mistake: rules that do not exist, and rules without any."""
    found = load_model(path, Mutations)
    tried = {mutation.rule for mutation in found.mutations}
    mistakes = [f"{rule} is no rule" for rule in sorted(tried - set(rules))]
    mistakes += [f"{rule} has no defect that it must find" for rule in sorted(set(rules) - tried)]
    if mistakes:
        raise ConfigurationError(str(path), mistakes)
    return found
