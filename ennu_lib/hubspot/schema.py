"""The portal's schema as typed data: what `params/portal/*.yml` may say, and nothing else."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from ennu_lib.config import Strict

NAME = r"^[a-z][a-z0-9_]{0,99}$"
Name = str

# HubSpot validates these pairs since 2021; the ones this model does not use are left out on purpose.
FIELD_TYPES: dict[str, frozenset[str]] = {
    "string": frozenset({"text", "textarea", "phonenumber"}),
    "enumeration": frozenset({"select", "radio", "checkbox"}),
    "number": frozenset({"number"}),
    "date": frozenset({"date"}),
    "datetime": frozenset({"date"}),
    "bool": frozenset({"booleancheckbox"}),
}
UNIQUE_PROPERTIES_PER_OBJECT = 10
EXTERNAL_ID = "ennu_external_id"


class Option(Strict):
    """One choice of an enumeration: the stored value and what a user sees."""

    value: str = Field(min_length=1, pattern=r"^[^;]+$")
    label: str = Field(min_length=1)


def as_option(entry: Any) -> Any:
    """A bare value becomes an option labelled in title case; anything else is left for the model to judge."""
    if isinstance(entry, str):
        return {"value": entry, "label": entry.replace("_", " ").title()}
    return entry


class OptionList(Strict):
    """A list of options that several properties share."""

    options: tuple[Option, ...] = ()
    labels: Literal["title_case", "as_value"] = "title_case"

    @model_validator(mode="before")
    @classmethod
    def _spell_out(cls, data: Any) -> Any:
        if not isinstance(data, dict) or not isinstance(data.get("options"), list):
            return data
        as_value = data.get("labels") == "as_value"
        spelled = [
            {"value": entry, "label": entry} if as_value and isinstance(entry, str) else as_option(entry)
            for entry in data["options"]
        ]
        return {**data, "options": spelled}


class OptionLists(Strict):
    """The file options.yml."""

    lists: dict[Name, OptionList]


class Property(Strict):
    """One HubSpot property: its definition, where its values come from, and what cannot be changed later."""

    name: Name = Field(pattern=NAME)
    label: str = Field(min_length=1, max_length=100)
    type: Literal["string", "enumeration", "number", "date", "datetime", "bool"]
    field_type: str
    group: Name | None = Field(default=None, pattern=NAME)
    default: bool = False
    options: tuple[Option, ...] | None = None
    options_from: Name | None = None
    unique: bool = False
    sensitivity: Literal["none", "sensitive", "highly_sensitive"]
    origin: Literal["strategy", "added"]
    calculated: str | None = Field(default=None, pattern=r"^C\d{2}$")
    source: str = ""
    note: str = ""

    @field_validator("options", mode="before")
    @classmethod
    def _spell_out(cls, entries: Any) -> Any:
        return [as_option(entry) for entry in entries] if isinstance(entries, list) else entries

    @model_validator(mode="after")
    def _holds_together(self) -> Property:
        problems = list(self._problems())
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _problems(self):
        if self.field_type not in FIELD_TYPES[self.type]:
            yield f"field_type {self.field_type} does not go with type {self.type}"
        if self.default == (self.group is not None):
            yield "give a group, or default: true for a property that every portal has"
        if self.default and (self.unique or self.sensitivity != "none"):
            yield "a HubSpot default property can be made neither unique nor sensitive"
        if (self.type == "enumeration") != bool(self.options is not None or self.options_from):
            yield "an enumeration, and nothing else, has options or options_from"
        if self.options is not None and self.options_from:
            yield "give options or options_from, not both"
        if self.unique and (self.type != "string" or self.sensitivity != "none"):
            yield "an upsert key is a string without sensitivity"
        values = [option.value for option in self.options or ()]
        if len(values) != len(set(values)):
            yield "an option value stands twice"

    @property
    def description(self) -> str:
        """What HubSpot's users read below the property's name."""
        said = f"Calculated ({self.calculated})." if self.calculated else ""
        return f"{said} {self.source}".strip()


class PropertyFile(Strict):
    """One file of properties/, named after its object."""

    properties: tuple[Property, ...]


class Group(Strict):
    """A property group. HubSpot itself creates the one marked created_with_schema."""

    name: Name = Field(pattern=NAME)
    label: str = Field(min_length=1)
    created_with_schema: bool = False


class ObjectType(Strict):
    """One object of the model: a standard one, or the schema of a custom one."""

    name: Name = Field(pattern=NAME)
    kind: Literal["standard", "custom"]
    object_type_id: str | None = Field(default=None, pattern=r"^0-\d+$")
    singular: str | None = None
    plural: str | None = None
    description: str = ""
    primary_display_property: Name | None = None
    required_properties: tuple[Name, ...] = ()
    searchable_properties: tuple[Name, ...] = ()
    allows_sensitive_properties: bool = False
    groups: tuple[Group, ...]

    @model_validator(mode="after")
    def _holds_together(self) -> ObjectType:
        custom = self.kind == "custom"
        if custom and not (self.singular and self.plural and self.primary_display_property):
            raise ValueError("a custom object has singular, plural and primary_display_property")
        if custom == bool(self.object_type_id):
            raise ValueError("a standard object, and no other, has an object_type_id")
        if len(self.searchable_properties) > 3:
            raise ValueError("HubSpot searches at most 3 properties of an object")
        return self


class ObjectFile(Strict):
    """The file objects.yml."""

    objects: tuple[ObjectType, ...]


class Label(Strict):
    """One association label; without an inverse it reads the same in both directions."""

    name: Name = Field(pattern=NAME)
    label: str = Field(min_length=1)
    inverse: str | None = None


class Association(Strict):
    """Which objects are linked, under which labels."""

    id: str = Field(pattern=r"^A\d{2}$")
    from_object: Name = Field(alias="from")
    to_object: Name = Field(alias="to")
    name: Name = Field(pattern=NAME)
    definition: Literal["hubspot", "portal"]
    cardinality: Literal["1:1", "1:N", "N:1", "N:M"]
    unlabelled: bool
    labels: tuple[Label, ...] = ()
    source: str
    limit: str


class AssociationFile(Strict):
    """The file associations.yml."""

    associations: tuple[Association, ...]
