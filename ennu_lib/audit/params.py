"""What a data team tunes of the audit: `params/audit/*.yml` as typed models."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import polars as pl
from pydantic import Field, field_validator, model_validator

from ennu_lib.audit.classes import PersonalClass
from ennu_lib.audit.sensitivity import Exemption
from ennu_lib.config import Strict, load_model, params_dir

Words = tuple[str, ...]
Share = Field(gt=0, le=1)
RISKS = (
    "identifies people",
    "no primary key",
    "repeated rows",
    "orphans",
    "mixed types",
    "many defects",
    "not in the catalogue",
    "not readable",
    "large",
)
SubjectName = Literal["any", "persons", "patients", "staff"]


class Plausible(Strict):
    """Columns named so hold numbers within `range`, ends included."""

    words: Words
    range: tuple[float, float]


class RiskParams(Strict):
    """Points of a table for what needs attention, and from how many on its risk is medium or high."""

    points: dict[str, int]
    many_defects: int = Field(ge=1)
    large_rows: int = Field(ge=1)
    medium: int = Field(ge=1)
    high: int = Field(ge=1)

    @field_validator("points")
    @classmethod
    def _known(cls, points: dict[str, int]) -> dict[str, int]:
        if set(points) != set(RISKS):
            raise ValueError(f"give points for exactly {', '.join(RISKS)}")
        return points


class Least(Strict):
    """Recall and precision below which the audit counts as wrong."""

    relation_recall: float = Share
    relation_precision: float = Share
    personal_recall: float = Share
    personal_precision: float = Share


class CompositeParams(Strict):
    """How far keys of several columns are looked for: the most columns that are tried, that a key has, and so on."""

    columns: int = Field(ge=2, le=30)
    of: int = Field(ge=2, le=4)
    least_rows: int = Field(ge=2)
    most_rows: int = Field(ge=1)
    checks: int = Field(ge=1)


class ProfileParams(Strict):
    """Sizes, limits and patterns of the column profile."""

    sample_rows: int = Field(ge=100)
    columns_at_once: int = Field(ge=1)
    pattern_values: int = Field(ge=100)
    values_at_once: int = Field(ge=100)
    exact_distinct_rows: int = Field(ge=0)
    shown_distinct: int = Field(ge=1)
    shown_length: int = Field(ge=1)
    shown_at_least: int = Field(ge=1)
    long_text: int = Field(ge=1)
    pattern_share: float = Share
    found_share: float = Share
    outlier_fences: float = Field(gt=0)
    patterns: dict[str, str]
    plausible: tuple[Plausible, ...]
    composite_keys: CompositeParams
    risk: RiskParams
    least: Least

    @field_validator("patterns")
    @classmethod
    def _compile(cls, patterns: dict[str, str]) -> dict[str, str]:
        for name, pattern in patterns.items():
            refuse_bad_pattern(pattern, name)
        return patterns


class Evidence(Strict):
    """How far each way of naming a parent is trusted, 0 to 1."""

    same_name: float = Share
    named_table: float = Share
    ends_with_table: float = Share
    ends_with_key: float = Share
    part_of_table: float = Share
    synonym: float = Share
    abbreviation: float = Share
    code_of_table: float = Share
    actor: float = Share
    self: float = Share
    values: float = Share


class Actors(Strict):
    """Words for whoever did something, and the tables where such people are."""

    words: Words
    tables: Words


class RelationParams(Strict):
    """How relations are inferred."""

    evidence: Evidence
    accepted: float = Share
    without_values: float = Share
    inclusion: float = Share
    always: float = Share
    text_values: int = Field(ge=2)
    ambiguous: float = Field(ge=0, le=1)
    same_context: float = Field(ge=0, le=0.1)
    orphan_margin: float = Field(ge=0, le=1)
    id_words: Words
    table_words: Words
    synonyms: tuple[Words, ...]
    abbreviations: dict[str, str]
    actors: Actors
    selfs: Words
    nowhere: tuple[int, ...]
    vocabulary: Words


class TableWords(Strict):
    """Words by which a table's name says whom or what it is about."""

    patients: Words
    persons: Words
    staff: Words
    organizations: Words
    reference: Words
    secrets: Words
    system: Words


class PersonalRule(Strict):
    """Columns whose name has one of `words` and none of `not` are of `class`, in tables about `where`."""

    class_: PersonalClass = Field(alias="class")
    where: SubjectName
    words: Words
    types: tuple[Literal["text", "number", "moment", "bytes"], ...] = ("text", "number", "moment", "bytes")
    not_: Words = Field(default=(), alias="not")


class ShapeRule(Strict):
    """Columns whose values have a pattern are of `class`, in tables about `where`."""

    class_: PersonalClass = Field(alias="class")
    where: SubjectName


class Operational(Strict):
    """Words of columns that serve the system alone; `first` are words with which the name of a switch begins."""

    words: Words
    first: Words


class UniqueRule(Strict):
    """Columns of which at least `share` of the filled values differ, in `rows` rows or more, are of `class`."""

    share: float = Share
    rows: int = Field(ge=1)
    patterns: Words
    class_: PersonalClass = Field(alias="class")
    where: SubjectName


class PersonalParams(Strict):
    """How columns are classed."""

    rules: tuple[PersonalRule, ...]
    shapes: dict[str, ShapeRule]
    bare_names: Words
    protect: tuple[PersonalClass, ...]
    exemptions: tuple[Exemption, ...]
    unique: UniqueRule
    operational: Operational


class DefectCheck(Strict):
    """Values that hold `contains`, are not like `like`, or are one of `values` have the defect."""

    defect: str
    classes: tuple[PersonalClass, ...] = ()
    words: Words = ()
    patterns: Words = ()
    contains: str | None = None
    like: str | None = None
    values: Words = ()

    @model_validator(mode="after")
    def _one_way(self) -> DefectCheck:
        if sum(map(bool, (self.contains, self.like, self.values))) != 1:
            raise ValueError("give one of contains, like and values")
        for pattern in filter(None, (self.contains, self.like)):
            refuse_bad_pattern(pattern, self.defect)
        return self


class DefectParams(Strict):
    """What counts as wrong in a column."""

    checks: tuple[DefectCheck, ...]
    spelling_distinct: int = Field(ge=2)
    abbreviation: int = Field(ge=1)
    abbreviated: Words
    units: Words
    future_days: int = Field(ge=0)
    future_expected: Words


def refuse_bad_pattern(pattern: str, name: str) -> None:
    """Raise ValueError for what polars cannot read as a regular expression."""
    try:
        pl.select(pl.lit("x").str.contains(pattern))
    except pl.exceptions.PolarsError:
        raise ValueError(f"the pattern of {name!r} is no regular expression") from None


@dataclass(frozen=True)
class AuditParams:
    """All of `params/audit`."""

    profile: ProfileParams
    relations: RelationParams
    tables: TableWords
    personal: PersonalParams
    defects: DefectParams


FILES = {
    "profile": ProfileParams,
    "relations": RelationParams,
    "tables": TableWords,
    "personal": PersonalParams,
    "defects": DefectParams,
}


def load_audit_params(directory: Path | None = None) -> AuditParams:
    """Read `params/audit`. Raises ConfigurationError with every mistake of the first file that has one."""
    return _load(directory or params_dir() / "audit")


@lru_cache(maxsize=4)
def _load(directory: Path) -> AuditParams:
    return AuditParams(**{name: load_model(directory / f"{name}.yml", model) for name, model in FILES.items()})
