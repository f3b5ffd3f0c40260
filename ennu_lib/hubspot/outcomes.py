"""What a batch came to: every input in exactly one of done, rejected and ambiguous."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ennu_lib.hubspot.answers import Rejection

Pair = tuple[str, str]
AssociationType = tuple[str, int]


@dataclass(frozen=True, slots=True)
class RecordResult:
    """HubSpot's id of a written record, and whether it was created just now."""

    id: str
    new: bool


@dataclass(slots=True)
class BatchOutcome:
    """What an upsert did, by key. Ambiguous: perhaps written; send again, then read back."""

    done: dict[str, RecordResult] = field(default_factory=dict)
    rejected: dict[str, Rejection] = field(default_factory=dict)
    ambiguous: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record as the portal holds it; values are strings, unset properties absent."""

    id: str
    properties: Mapping[str, str]


@dataclass(slots=True)
class ReadOutcome:
    """What a read found, by key. Missing: the portal said so; ambiguous: it said nothing."""

    found: dict[str, StoredRecord] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    ambiguous: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Link:
    """One pair of records to be linked, with every type the pair shall have: sending types replaces the old set."""

    from_id: str
    to_id: str
    types: tuple[AssociationType, ...]

    @property
    def pair(self) -> Pair:
        """By which the answer is matched."""
        return self.from_id, self.to_id


@dataclass(slots=True)
class LinkOutcome:
    """What an association batch did, by pair of record ids."""

    done: set[Pair] = field(default_factory=set)
    rejected: dict[Pair, Rejection] = field(default_factory=dict)
    ambiguous: set[Pair] = field(default_factory=set)


@dataclass(slots=True)
class LinksRead:
    """The links of records: to-id and its association types, by from-id. A record without links has an empty entry."""

    links: dict[str, dict[str, set[AssociationType]]] = field(default_factory=dict)
    ambiguous: set[str] = field(default_factory=set)
