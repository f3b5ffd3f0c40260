"""What the checks read: tables as text with their key, whatever the database made of the types."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import polars as pl

from ennu_lib.catalog import Catalogue, load_catalogue
from ennu_lib.catalog.biomarkers import BiomarkerCatalogue, load_biomarkers
from ennu_lib.config import params_dir
from ennu_lib.workspace import Workspace

KEY = "__key"
NO_TEXT = "\ufffd"
DERIVED = "rules"
# What a run writes for people and machines to read, beside the tables themselves.
WRITTEN = ("evidence/*.json", "worklists/*.csv", "run.json", ".progress/*.json")


class NotHere(Exception):
    """A table or column that a check needs is not in this run: the rule does not apply."""


@dataclass
class Tables:
    """Tables by name as lazy frames of text.

    `read` gives the frame of a file of the workspace, or None; `today` is the day of the extract. What several checks
    derive from the tables is made once, by `made`, and kept by `keep`. `texts` gives name and content of what the run
    has written for people to read so far.
    """

    read: Callable[[str], pl.LazyFrame | None]
    today: dt.date
    params: Path
    keep: Callable[[str, pl.LazyFrame], pl.LazyFrame] = field(default=lambda _, frame: frame.collect().lazy())
    texts: Callable[[], Iterable[tuple[str, str]]] = tuple
    _made: dict[str, pl.LazyFrame] = field(default_factory=dict)

    def __call__(self, table: str, *columns: str) -> pl.LazyFrame:
        """The key and `columns` of a source table as text. Raises NotHere where any is missing."""
        return self.file(f"source/{table}", *columns)

    def file(self, name: str, *columns: str) -> pl.LazyFrame:
        """The key and `columns` of workspace file `name` as text; without columns, all of them."""
        frame = self.read(name)
        if frame is None:
            raise NotHere(f"{name.removeprefix('source/')} is not part of this run")
        schema = frame.collect_schema()
        missing = [column for column in columns if column not in schema]
        if missing:
            raise NotHere(f"{name.removeprefix('source/')} has no column {', '.join(missing)}")
        keys = [KEY] if KEY in schema else []
        taken = columns or list(schema)
        return frame.select(*keys, *(_text(pl.col(c), schema[c]) for c in dict.fromkeys(taken) if c != KEY))

    def has(self, table: str) -> bool:
        """Whether a source table is part of this run."""
        return self.read(f"source/{table}") is not None

    def made(self, name: str, build: Callable[[Tables], pl.LazyFrame]) -> pl.LazyFrame:
        """A frame derived from the tables, built when first asked for."""
        if name not in self._made:
            self._made[name] = self.keep(name, build(self))
        return self._made[name]

    @cached_property
    def catalogue(self) -> Catalogue:
        """The source catalogue: which table refers to which, and what a column may hold."""
        return load_catalogue(self.params / "catalog")

    @cached_property
    def biomarkers(self) -> BiomarkerCatalogue:
        """The biomarkers with their limits, names and units."""
        return load_biomarkers(
            self.params / "clinical" / "biomarkers.csv", self.params / "clinical" / "unit_aliases.csv"
        )

    def clinical(self, name: str) -> pl.DataFrame:
        """A table of params/clinical, all text."""
        return pl.read_csv(self.params / "clinical" / f"{name}.csv", infer_schema=False)


def workspace_tables(workspace: Workspace, today: dt.date, *, in_memory: bool = False) -> Tables:
    """The tables of a run's workspace. What checks derive from them goes to `rules/` unless it is kept `in_memory`."""

    def read(name: str) -> pl.LazyFrame | None:
        return workspace.scan(name) if workspace.exists(name) else None

    def keep(name: str, frame: pl.LazyFrame) -> pl.LazyFrame:
        workspace.write(f"{DERIVED}/{name}", frame.collect(engine="streaming"))
        return workspace.scan(f"{DERIVED}/{name}")

    def texts() -> Iterator[tuple[str, str]]:
        for pattern in WRITTEN:
            for path in sorted(workspace.root.glob(pattern)):
                yield path.relative_to(workspace.root).as_posix(), path.read_text(encoding="utf-8", errors="replace")

    if in_memory:
        return Tables(read, today, params_dir(), texts=texts)
    return Tables(read, today, params_dir(), keep, texts)


def _text(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """A column of any type as text. Bytes that are no text become U+FFFD, which GEN-04 names; lists have no text."""
    name = column.meta.output_name()
    if dtype.is_nested() or dtype == pl.Object:
        return pl.lit(None, dtype=pl.String).alias(name)
    if dtype == pl.Binary:
        return column.map_batches(_decoded, return_dtype=pl.String, is_elementwise=True)
    return column.cast(pl.String, strict=False)


def _decoded(values: pl.Series) -> pl.Series:
    return pl.Series(values.name, [None if v is None else _as_utf8(v) for v in values], dtype=pl.String)


def _as_utf8(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return NO_TEXT
