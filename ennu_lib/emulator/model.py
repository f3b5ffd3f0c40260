"""What a portal knows about its own shape: properties, groups, object types, association definitions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

NON_SENSITIVE = "non_sensitive"
SENSITIVITIES = (NON_SENSITIVE, "sensitive", "highly_sensitive")
HUBSPOT_DEFINED, USER_DEFINED, INTEGRATOR_DEFINED = "HUBSPOT_DEFINED", "USER_DEFINED", "INTEGRATOR_DEFINED"


@dataclass(slots=True)
class Property:
    """One property definition; `number` is its short name in the unique-value index."""

    name: str
    label: str
    type: str
    field_type: str
    group: str
    number: int = 0
    description: str = ""
    options: list[dict[str, Any]] = field(default_factory=list)
    display_order: int = -1
    hidden: bool = False
    form_field: bool = False
    has_unique_value: bool = False
    calculated: bool = False
    calculation_formula: str | None = None
    external_options: bool = False
    referenced_object_type: str | None = None
    hubspot_defined: bool = False
    read_only_value: bool = False
    data_sensitivity: str = NON_SENSITIVE
    archived: bool = False
    archived_at: int | None = None
    created_at: int = 0
    updated_at: int = 0

    @property
    def sensitive(self) -> bool:
        """Whether the value is protected by scopes of its own."""
        return self.data_sensitivity != NON_SENSITIVE

    @property
    def multiple(self) -> bool:
        """Whether a value is a list of options joined by semicolons."""
        return self.type == "enumeration" and self.field_type == "checkbox"

    def spelled(self, value: str) -> str:
        """A value as the unique-value index holds it: addresses in lower case."""
        return value.strip().lower() if self.name == "email" and self.hubspot_defined else value

    @property
    def identifies(self) -> bool:
        """Whether no two records may share a value."""
        return self.has_unique_value or (self.name == "email" and self.hubspot_defined)


@dataclass(slots=True)
class Group:
    """A property group."""

    name: str
    label: str
    display_order: int
    archived: bool = False


@dataclass(slots=True)
class ObjectType:
    """An object type with its properties; `number` names its tables."""

    number: int
    type_id: str
    name: str
    fully_qualified_name: str
    singular: str
    plural: str
    aliases: tuple[str, ...] = ()
    description: str | None = None
    required: list[str] = field(default_factory=list)
    searchable: list[str] = field(default_factory=list)
    primary_display: str | None = None
    secondary_display: list[str] = field(default_factory=list)
    defaults: list[str] = field(default_factory=list)
    allows_sensitive: bool = True
    archived: bool = False
    created_at: int = 0
    updated_at: int = 0
    properties: dict[str, Property] = field(default_factory=dict)
    archived_properties: dict[str, Property] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    rules: dict[str, Callable[[Any], str]] | None = None
    unique: list[Property] | None = None

    @property
    def custom(self) -> bool:
        """Whether the portal defined the type itself."""
        return self.type_id.startswith("2-")

    @property
    def identifying(self) -> list[Property]:
        """The properties whose values no two records share."""
        if self.unique is None:
            self.unique = [definition for definition in self.properties.values() if definition.identifies]
        return self.unique

    @property
    def modified_property(self) -> str:
        """Contacts, alone, call their modification date without a prefix."""
        return "lastmodifieddate" if self.type_id == "0-1" else "hs_lastmodifieddate"

    @property
    def created_property(self) -> str:
        """The property that repeats `createdAt`."""
        return "createdate" if self.type_id in ("0-1", "0-2", "0-3", "0-5") else "hs_createdate"

    @property
    def noun(self) -> str:
        """The type's name in error messages."""
        return self.type_id if self.custom else self.name.upper()

    @property
    def scope_noun(self) -> str:
        """The type's name in scopes."""
        return "custom" if self.custom else self.aliases[0]


@dataclass(slots=True, eq=False)
class Definition:
    """One direction of an association type; `inverse` is the number of the other direction."""

    number: int
    category: str
    type_id: int
    from_type: str
    to_type: str
    name: str
    label: str | None = None
    inverse: int = 0
    max_to: int | None = None
    created_at: int | None = None
    updated_at: int | None = None

    @property
    def primary(self) -> bool:
        """Whether a record may carry this label towards one other record only."""
        return self.category == HUBSPOT_DEFINED and self.label == "Primary"

    def spec(self) -> dict[str, Any]:
        """The definition as the label endpoints show it."""
        return {"category": self.category, "typeId": self.type_id, "label": self.label}


_NOT_STORED = {"properties", "archived_properties", "groups", "rules", "unique"}


def stored(thing: Property | Group | ObjectType | Definition) -> dict[str, Any]:
    """The fields of a definition that are kept in the state file."""
    return {field.name: getattr(thing, field.name) for field in fields(thing) if field.name not in _NOT_STORED}
