"""Where measurements come from: the typed form of `params/scores/measurement_sources.yml`."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, model_validator

from ennu_lib.config import Strict, load_model


class ColumnMetric(Strict):
    """A column that holds one metric in one unit."""

    column: str
    metric: str
    unit: str


class CopiedFrom(Strict):
    """A column that names the row of another table of which this row is a copy."""

    column: str
    table: str


class TableSource(Strict):
    """The columns of one table of measurements: one value per row (`value`) or several (`columns`)."""

    id: str
    patient: str
    measured_on: list[str] = Field(min_length=1)
    rank: int = Field(ge=0)
    value: str | None = None
    unit: str | None = None
    unit_in_value: bool = False
    name: str | None = None
    loinc: str | None = None
    test_code: str | None = None
    metric_id: str | None = None
    entered_at: str | None = None
    status: str | None = None
    deleted: str | None = None
    order: str | None = None
    copied_from: CopiedFrom | None = None
    columns: list[ColumnMetric] = []

    @model_validator(mode="after")
    def _one_shape(self) -> TableSource:
        if (self.value is None) == (not self.columns):
            raise ValueError("give either value or columns")
        if self.value is not None and not (self.name or self.loinc or self.test_code or self.metric_id):
            raise ValueError("a value needs a name, loinc, test_code or metric_id to be recognised by")
        return self


class Calculated(Strict):
    """How a calculated result is recognised; `words` are compared in lower case."""

    loinc: list[str] = []
    words: list[str] = []


class Specimens(Strict):
    """The table of specimens and what its fasting column says."""

    table: str
    order: str
    fasting: str
    when_fasting: str
    when_fed: str


class MetricTable(Strict):
    """The source's own table of metrics."""

    table: str
    id: str
    code: str
    name: str
    loinc: str


class MeasurementSources(Strict):
    """All tables of measurements."""

    tables: dict[str, TableSource] = Field(min_length=1)
    pressure_names: list[str] = []
    calculated: Calculated = Calculated()
    specimens: Specimens | None = None
    metric_table: MetricTable | None = None

    def tables_needed(self) -> list[str]:
        """Names of the source tables that are read, in their order."""
        lookups = [part.table for part in (self.specimens, self.metric_table) if part]
        return [*self.tables, *lookups]


def load_measurement_sources(path: Path) -> MeasurementSources:
    """Read the file. Raises ConfigurationError with every mistake and its line."""
    return load_model(path, MeasurementSources)
