"""How hand-written defects are planted: each by a function of its own, into the columns that a data file names."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import polars as pl

from ennu_lib.catalog import Table
from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.defects import COLUMN_PLANTERS, PLANTERS, Planting
from ennu_lib.clinic.people_draw import clinic_table

EVERY_SUITABLE_COLUMN = "*"


class Damage(Planting):
    """A planting that never damages the same cell twice, so that every label says all that is wrong with its cell."""

    def __init__(self, chunk: Chunk, table: Table, frame: pl.DataFrame, rng: np.random.Generator):
        super().__init__(chunk, table, _columns(frame), rng)
        self._done: dict[str, np.ndarray] = {}

    @property
    def frame(self) -> pl.DataFrame:
        """The table as it is now."""
        return pl.DataFrame(list(self.columns.values()))

    @frame.setter
    def frame(self, frame: pl.DataFrame) -> None:
        """Another set of rows: what stands in it now is taken for true."""
        self.columns = _columns(frame)
        self.take_for_true()

    def rows(self, column: str, able: pl.Series | np.ndarray, rate: float) -> np.ndarray:
        """Rows to carry a defect in `column`: of those able and not damaged yet, each with probability `rate`."""
        mask = able.fill_null(False).to_numpy() if isinstance(able, pl.Series) else able
        return self.positions(pl.Series(values=mask & ~self._damaged(column)), rate)

    def whole(self, column: str) -> np.ndarray:
        """Rows whose cell in the column is not damaged."""
        return ~self._damaged(column)

    def filled(self, column: str) -> np.ndarray:
        """Rows with a value in the column."""
        return self.columns[column].is_not_null().to_numpy()

    def put(
        self, column: str, positions: np.ndarray, values: pl.Series, defect: str, truth: pl.Series | None = None
    ) -> None:
        """Write values into a column and label the rows, leaving out cells that are damaged already."""
        if not len(positions):
            return
        fresh = pl.Series(values=~self._damaged(column)[positions])
        truth = None if truth is None else truth.filter(fresh)
        super().put(column, positions[fresh.to_numpy()], values.filter(fresh), defect, truth)
        self._damaged(column)[positions] = True

    def blank(self, column: str, positions: np.ndarray, defect: str) -> None:
        """Remove values from a column and label the rows."""
        self.put(column, positions, pl.Series([None] * len(positions), dtype=self.columns[column].dtype), defect)

    def forget(self) -> None:
        """Start afresh after rows were added."""
        self._done.clear()

    def _damaged(self, column: str) -> np.ndarray:
        return self._done.setdefault(column, np.zeros(len(self.columns[column]), dtype=bool))


def _columns(frame: pl.DataFrame) -> dict[str, pl.Series]:
    return {series.name: series for series in frame.get_columns()}


Plant = Callable[[Damage, str, float], None]
_PLANTS: dict[str, Plant] = {}


def plants(name: str) -> Callable[[Plant], Plant]:
    """Registers a function as the one that plants the defect `name` into a column."""

    def register(plant: Plant) -> Plant:
        _PLANTS[name] = plant
        return plant

    return register


def defect_names() -> list[str]:
    """Every defect that the parameters may give a rate for."""
    return [*PLANTERS, *(name for name in _PLANTS if name not in PLANTERS)]


@lru_cache(maxsize=1)
def targets() -> dict[str, list[tuple[str, str]]]:
    """Table to its (defect, columns) in the order of `params/clinic/defect_targets.csv`."""
    listed: dict[str, list[tuple[str, str]]] = {}
    for defect, table, columns in clinic_table("defect_targets").iter_rows():
        listed.setdefault(table, []).append((defect, columns))
    return listed


def damage_table(damage: Damage) -> pl.DataFrame:
    """The table with all its defects; rates come from the chunk's parameters."""
    for defect, columns in targets().get(damage.table.name, []):
        rate = damage.chunk.params.defects.get(defect, 0.0)
        if not rate or damage.frame.is_empty():
            continue
        if columns == EVERY_SUITABLE_COLUMN:
            PLANTERS[defect](damage, rate)
            continue
        for column in columns.split():
            if defect in COLUMN_PLANTERS:
                COLUMN_PLANTERS[defect](damage, damage.table.column(column), rate)
            else:
                _PLANTS[defect](damage, column, rate)
    return damage.frame
