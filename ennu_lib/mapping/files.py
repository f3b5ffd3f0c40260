"""Load every mapping file, hold it against the catalogue and the portal's schema, and report all mistakes at once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ennu_lib.catalog.tables import Catalogue
from ennu_lib.config import Strict, load_model
from ennu_lib.errors import ConfigurationError
from ennu_lib.hubspot.portal_schema import PortalSchema
from ennu_lib.hubspot.schema import Property
from ennu_lib.mapping import money
from ennu_lib.mapping.spec import Addition, Field_, Summary
from ennu_lib.mapping.spec import Mapping as TableMapping

# Which property types a rule can fill.
FITS = {
    "text": {"string"},
    "lower": {"string"},
    "digits": {"string"},
    "integer": {"number", "string"},
    "number": {"number", "string"},
    "range_1_to_5": {"number"},
    "npi": {"string"},
    "date": {"date"},
    "datetime": {"datetime"},
    "flag": {"bool"},
    "code": {"enumeration"},
    "codes": {"enumeration"},
}


class CodeLists(Strict):
    """A file of params/codes: for each list, the option and the spellings that stand for it."""

    lists: dict[str, dict[str, list[str]]]


@dataclass(frozen=True)
class MappingSet:
    """All mappings by table, and every code list: spelling, without case and punctuation, to option."""

    mappings: Mapping[str, TableMapping]
    codes: Mapping[str, Mapping[str, str]]

    def for_object(self, name: str) -> list[TableMapping]:
        """The mappings whose rows become records of object `name`."""
        return [m for m in self.mappings.values() if m.records and m.object == name]

    def additions(self, table: str) -> list[tuple[str, Addition]]:
        """What other tables add to the records of `table`, each with the name of the table that adds it."""
        return [(m.table, a) for m in self.mappings.values() for a in m.adds_to if a.records_of == table]

    def calculates(self) -> set[str]:
        """The properties of Contact that are calculated out of several tables."""
        return {made.target for mapping in self.mappings.values() for made in mapping.calculated}

    def contact_tables(self) -> list[TableMapping]:
        """The mappings that contribute to Contact."""
        return [m for m in self.mappings.values() if m.contact]


def load_mappings(params: Path, catalogue: Catalogue, portal: PortalSchema) -> MappingSet:
    """Read `params/mappings/*.yml` and `params/codes/*.yml`. Raises ConfigurationError with every mistake found."""
    mistakes: list[str] = []
    mappings: dict[str, TableMapping] = {}
    codes: dict[str, dict[str, str]] = {}
    for path in sorted((params / "codes").glob("*.yml")):
        try:
            codes |= {name: _spellings(options) for name, options in load_model(path, CodeLists).lists.items()}
        except ConfigurationError as error:
            mistakes += [f"codes/{path.name} {m}" for m in error.mistakes]
    for path in sorted((params / "mappings").glob("*.yml")):
        try:
            mapping = load_model(path, TableMapping)
        except ConfigurationError as error:
            mistakes += [f"mappings/{path.name} {m}" for m in error.mistakes]
            continue
        mappings[mapping.table] = mapping
        mistakes += [f"mappings/{path.name}: {m}" for m in _check(mapping, catalogue, portal, codes)]
    for mapping in mappings.values():
        mistakes += [f"mappings/{mapping.table}.yml: {m}" for m in _check_additions(mapping, mappings, portal, codes)]
    if mistakes:
        raise ConfigurationError(str(params), mistakes)
    return MappingSet(mappings, codes)


def _spellings(options: Mapping[str, list[str]]) -> dict[str, str]:
    table = {option: option for option in options}
    for option, spellings in options.items():
        table |= {_slug(spelling): option for spelling in spellings}
    return table


def _slug(text: str) -> str:
    """As `rules.slug` does it."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


def _check(
    mapping: TableMapping, catalogue: Catalogue, portal: PortalSchema, codes: Mapping[str, Mapping[str, str]]
) -> Iterator[str]:
    if mapping.table not in catalogue:
        yield f"there is no table {mapping.table} in the catalogue"
        return
    columns = set(catalogue.table(mapping.table).column_names)
    spoken_for = {c for c in mapping.columns_spoken_for() if not c.startswith("@")}
    yield from (f"{c} is not a column of {mapping.table}" for c in sorted(spoken_for - columns))
    yield from (f"column {c} has no destination and no reason" for c in sorted(columns - spoken_for))
    yield from _check_targets(mapping, portal, codes)
    yield from _check_calculated(mapping)
    yield from _check_links(mapping, portal)
    yield from _check_lookups(mapping, catalogue)


def _check_targets(
    mapping: TableMapping, portal: PortalSchema, codes: Mapping[str, Mapping[str, str]]
) -> Iterator[str]:
    if not mapping.object:
        return
    targets = [e.target for e in (*mapping.fields, *mapping.constants, *mapping.summaries, *mapping.calculated)]
    yield from _check_properties(mapping.object, targets, mapping.fields, mapping.summaries, portal, codes)


def _check_calculated(mapping: TableMapping) -> Iterator[str]:
    for made in mapping.calculated:
        if money.MAKES.get(made.target) != made.by:
            yield f"{made.target}: there is no calculation {made.by} that makes it"


def _check_additions(
    mapping: TableMapping,
    mappings: Mapping[str, TableMapping],
    portal: PortalSchema,
    codes: Mapping[str, Mapping[str, str]],
) -> Iterator[str]:
    for added in mapping.adds_to:
        other = mappings.get(added.records_of)
        if other is None or other.records is None:
            yield f"adds_to: no mapping makes records of {added.records_of}"
            continue
        own = [each.target for each in (*other.fields, *other.constants)]
        targets = [each.target for each in (*added.fields, *added.summaries)]
        yield from _check_properties(other.object, own + targets, added.fields, added.summaries, portal, codes)


def _check_properties(
    name: str,
    targets: Sequence[str],
    fields: Sequence[Field_],
    summaries: Sequence[Summary],
    portal: PortalSchema,
    codes: Mapping[str, Mapping[str, str]],
) -> Iterator[str]:
    properties = {p.name: p for p in portal.properties[name]}
    yield from (f"property {t} is filled twice" for t in sorted({t for t in targets if targets.count(t) > 1}))
    yield from (f"{name} has no property {t}" for t in sorted(set(targets) - set(properties)))
    for field in fields:
        if field.target in properties:
            if properties[field.target].type not in FITS[field.rule]:
                yield f"{field.target}: the rule {field.rule} does not make a {properties[field.target].type}"
            yield from _check_codes(field, properties[field.target], codes)
    for summary in summaries:
        if summary.target in properties:
            yield from _check_codes(summary, properties[summary.target], codes)


def _check_codes(filled: Field_ | Summary, target: Property, codes: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    if filled.codes is None:
        return
    if filled.codes not in codes:
        yield f"{filled.target}: there is no code list {filled.codes} in params/codes"
        return
    listed = set(codes[filled.codes].values())
    if target.options:
        unknown = sorted(listed - {option.value for option in target.options})
        yield from (f"{filled.target}: code list {filled.codes} gives {option}, no option of it" for option in unknown)
    if isinstance(filled, Summary) and set(filled.order) != listed:
        yield f"{filled.target}: `order` does not name each option of code list {filled.codes} once"


def _check_links(mapping: TableMapping, portal: PortalSchema) -> Iterator[str]:
    known = {a.name: a for a in portal.associations}
    for link in mapping.links:
        association = known.get(link.association)
        if association is None:
            yield f"there is no association {link.association} in params/portal"
        elif link.label and link.label not in {label.name for label in association.labels}:
            yield f"association {link.association} has no label {link.label}"


def _check_lookups(mapping: TableMapping, catalogue: Catalogue) -> Iterator[str]:
    for lookup in [x for f in mapping.all_fields() for x in (f.lookup, f.time_zone) if x]:
        if lookup.table not in catalogue:
            yield f"lookup: there is no table {lookup.table}"
        else:
            missing = {lookup.match, lookup.column} - set(catalogue.table(lookup.table).column_names)
            yield from (f"lookup: {lookup.table} has no column {c}" for c in sorted(missing))
