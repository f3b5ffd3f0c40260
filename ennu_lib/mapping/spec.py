"""What a mapping file may say: one YAML file per source table, reviewed by people who do not read Python.

A table either makes `records` of its own, or contributes values to the Contact of the patient it belongs to. Every
column of the table stands in `fields`, `links`, `used` or `left_out`: nothing is dropped in silence.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from ennu_lib.config import Strict

Rule = Literal[
    "text", "integer", "number", "date", "datetime", "flag", "code", "codes", "lower", "digits", "range_1_to_5", "npi"
]
Account = Literal["loaded", "merged", "derived", "looked_up", "archived", "quarantined", "rejected", "excluded"]


class Lookup(Strict):
    """A value taken from another table: the row whose `match` equals the source value, and its `column`."""

    table: str
    match: str
    column: str


class Field_(Strict):
    """One source column into one target property.

    With `as_reported` the property says what stood in the source, whatever phase 02 made of it. `period` is the column
    with the day of a rating: what scale was in use then, the ratings of its quarter say.
    """

    source: str
    target: str
    rule: Rule = "text"
    as_reported: bool = False
    period: str | None = None
    otherwise: list[str] = []
    lookup: Lookup | None = None
    codes: str | None = None
    time_zone: Lookup | None = None
    zone_source: str | None = None
    template: str | None = None
    purpose: str = ""

    @model_validator(mode="after")
    def _has_codes(self) -> Field_:
        if (self.rule in ("code", "codes")) != (self.codes is not None):
            raise ValueError("the rules code and codes, and no others, need `codes`: a list of params/codes")
        if (self.time_zone is None) != (self.zone_source is None) or (self.time_zone and self.rule != "datetime"):
            raise ValueError("time_zone and zone_source go together, and with the rule datetime only")
        if self.period and self.rule != "range_1_to_5":
            raise ValueError("period goes with the rule range_1_to_5 only")
        if self.as_reported and (self.rule != "text" or self.lookup or self.otherwise or self.source.startswith("@")):
            raise ValueError("as_reported is for a column of the table itself, with the rule text and no other source")
        return self


class Constant(Strict):
    """A property that has the same value in every record of this table."""

    target: str
    value: str


class Summary(Strict):
    """A property computed over all rows of one patient, or of one record that the rows add to.

    `lines` joins the newest values, `earliest` takes the first day, `highest` the last option of `order`.
    """

    target: str
    column: str
    compute: Literal["sum", "mean", "count", "lines", "earliest", "highest"]
    codes: str | None = None
    order: list[str] = []
    where: dict[str, list[str]] = {}
    template: str | None = None
    decimals: int = 2
    newest: int | None = None

    @model_validator(mode="after")
    def _highest_of_what(self) -> Summary:
        if (self.compute == "highest") != (self.codes is not None and bool(self.order)):
            raise ValueError(
                "highest, and nothing else, needs `codes` and `order`: a code list and its options, lowest first"
            )
        return self

    @property
    def input(self) -> str:
        """The column of mapped rows that it is computed from."""
        return f"__code:{self.target}" if self.codes else f"__sum:{self.column}"


class Calculated(Strict):
    """A property of Contact that calculation `by` makes out of several tables; `column` is what this gives to it."""

    target: str
    column: str
    by: str = Field(pattern=r"^C\d{2}$")


class Refusal(Strict):
    """Rows that may not become records: those for which the test holds, their account and the reason code."""

    column: str
    test: Literal["in", "not_in", "blank", "orphan"]
    values: list[str] = []
    table: str | None = None
    account: Account
    reason: str = Field(pattern=r"^[A-Z][A-Z0-9_]+$")

    @model_validator(mode="after")
    def _complete(self) -> Refusal:
        if (self.test == "orphan") != (self.table is not None):
            raise ValueError("the test orphan, and no other, needs `table`")
        if (self.test in ("in", "not_in")) != bool(self.values):
            raise ValueError("the tests in and not_in, and no others, need `values`")
        return self


class Link(Strict):
    """An association from this table's record to the record of another table's row."""

    association: str
    column: str
    table: str
    label: str | None = None


class Records(Strict):
    """The custom object whose records this table's rows become."""

    object: str
    id_property: str
    id: str


class Contribution(Strict):
    """Values for the Contact of the row's patient; where a patient has several rows, the newest by `newest` wins."""

    patient: str
    newest: str
    others: Literal["archived", "derived"] = "archived"


class Addition(Strict):
    """Values for the record that another table's row became: `column` is that row's key.

    Where several rows add to one record, a field takes the newest of them; a summary is computed over all.
    """

    records_of: str
    column: str
    fields: list[Field_] = []
    summaries: list[Summary] = []

    @property
    def key(self) -> str:
        """The column of mapped rows that says to which record they add."""
        return f"__add:{self.records_of}"

    def holding(self, target: str) -> str:
        """The column of mapped rows that holds the value of a field until it is added."""
        return f"{self.key}.{target}"


class MetricColumns(Strict):
    """The columns that say which biomarker a row measures and what was measured."""

    name: str
    loinc: str
    lab_code: str
    value: str
    unit: str


class LeftOut(Strict):
    """A column that goes nowhere, and why."""

    source: str
    reason: str


class Mapping(Strict):
    """One mapping file."""

    table: str
    purpose: str
    records: Records | None = None
    contact: Contribution | None = None
    lookup_only: bool = False
    metric: MetricColumns | None = None
    refuse: list[Refusal] = []
    fields: list[Field_] = []
    constants: list[Constant] = []
    summaries: list[Summary] = []
    adds_to: list[Addition] = []
    calculated: list[Calculated] = []
    links: list[Link] = []
    used: dict[str, str] = {}
    left_out: list[LeftOut] = []

    @model_validator(mode="after")
    def _one_kind(self) -> Mapping:
        if sum((self.records is not None, self.contact is not None, self.lookup_only)) != 1:
            raise ValueError("give exactly one of records, contact and lookup_only")
        if (self.summaries or self.adds_to or self.calculated) and not self.contact:
            raise ValueError("summaries, adds_to and calculated belong to a contact mapping")
        return self

    @property
    def object(self) -> str:
        """The HubSpot object that this table feeds; empty for a lookup."""
        return self.records.object if self.records else "contacts" if self.contact else ""

    def all_fields(self) -> list[Field_]:
        """Its own fields and those it adds to other records."""
        return [*self.fields, *(f for a in self.adds_to for f in a.fields)]

    def all_summaries(self) -> list[Summary]:
        """Its own summaries and those it adds to other records."""
        return [*self.summaries, *(s for a in self.adds_to for s in a.summaries)]

    def columns_spoken_for(self) -> set[str]:
        """Source columns that the file accounts for."""
        fields, summaries = self.all_fields(), self.all_summaries()
        named = {f.source for f in fields} | {link.column for link in self.links} | set(self.used)
        named |= {s.column for s in summaries} | {r.column for r in self.refuse} | {a.column for a in self.adds_to}
        named |= {item.source for item in self.left_out} | {c for f in fields for c in f.otherwise}
        named |= {made.column for made in self.calculated}
        named |= {f.zone_source for f in fields if f.zone_source}
        if self.metric:
            named |= {self.metric.name, self.metric.loinc, self.metric.lab_code, self.metric.value, self.metric.unit}
        if self.contact:
            named |= {self.contact.patient, self.contact.newest}
        return named
