"""Read `params/portal` into one schema, and say everything that is wrong with it at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from ennu_lib.config import Strict, load_model, load_yaml, params_dir
from ennu_lib.errors import ConfigurationError
from ennu_lib.hubspot.schema import (
    EXTERNAL_ID,
    UNIQUE_PROPERTIES_PER_OBJECT,
    Association,
    AssociationFile,
    ObjectFile,
    ObjectType,
    Option,
    OptionList,
    OptionLists,
    Property,
    PropertyFile,
)

Entry = TypeVar("Entry", bound=Strict)

# Linked by an association, but neither created nor loaded as one of the seven objects.
OTHER_OBJECTS = frozenset({"companies"})


@dataclass(frozen=True)
class PortalSchema:
    """Everything the migration wants to find in the portal. Option lists are concrete."""

    objects: Mapping[str, ObjectType]
    properties: Mapping[str, tuple[Property, ...]]
    associations: tuple[Association, ...]

    def custom_objects(self) -> list[ObjectType]:
        """The objects that the migration creates, in the order of objects.yml."""
        return [found for found in self.objects.values() if found.kind == "custom"]

    def property(self, object_name: str, name: str) -> Property:
        """One property; KeyError when the model has none of that name."""
        return next(found for found in self.properties[object_name] if found.name == name)

    def options(self, object_name: str, name: str) -> tuple[Option, ...]:
        """The options of an enumeration; empty for other types."""
        return self.property(object_name, name).options or ()


def load_portal_schema(folder: Path | None = None) -> PortalSchema:
    """Read objects.yml, options.yml, associations.yml and properties/*.yml of `folder` (default params/portal).

    Raises ConfigurationError with every mistake of every file, each as `file line N: what is wrong`.
    """
    folder = folder or params_dir() / "portal"
    files = _read(folder)
    mistakes = files.mistakes + list(_cross_check(files))
    if mistakes:
        raise ConfigurationError(str(folder), mistakes)
    return PortalSchema(
        objects={found.name: found for found in files.objects.values()},
        properties={
            name: tuple(_resolve(found, files.lists) for found in held.values())
            for name, held in files.properties.items()
        },
        associations=tuple(files.associations.values()),
    )


@dataclass
class _Files:
    """What could be read of all files: the sound entries by their position, and every mistake."""

    folder: Path
    mistakes: list[str] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    objects: dict[int, ObjectType] = field(default_factory=dict)
    lists: dict[str, OptionList] = field(default_factory=dict)
    associations: dict[int, Association] = field(default_factory=dict)
    properties: dict[str, dict[int, Property]] = field(default_factory=dict)

    def entries(self, name: str, model: type[Strict], key: str, entry: type[Entry]) -> dict[int, Entry]:
        """The entries of a list file. Of a file with mistakes the sound ones, so that the rest is still checked."""
        try:
            return dict(enumerate(getattr(load_model(self.folder / name, model), key)))
        except ConfigurationError as error:
            self.refuse(name, error)
            return _salvage(self.folder / name, key, entry)

    def refuse(self, name: str, error: ConfigurationError) -> None:
        self.mistakes += [f"{name} {mistake}" for mistake in error.mistakes]
        self.broken.add(name)

    def at(self, name: str, *place: str | int) -> str:
        return f"{name} line {load_yaml(self.folder / name)[1].get(place, 1)}"


def _salvage(path: Path, key: str, entry: type[Entry]) -> dict[int, Entry]:
    try:
        raw = load_yaml(path)[0][key]
    except (ConfigurationError, KeyError, TypeError):
        return {}
    sound = {}
    for position, data in enumerate(raw if isinstance(raw, list) else ()):
        with suppress(ValidationError):
            sound[position] = entry.model_validate(data)
    return sound


def _read(folder: Path) -> _Files:
    files = _Files(folder)
    files.objects = files.entries("objects.yml", ObjectFile, "objects", ObjectType)
    files.associations = files.entries("associations.yml", AssociationFile, "associations", Association)
    try:
        files.lists = dict(load_model(folder / "options.yml", OptionLists).lists)
    except ConfigurationError as error:
        files.refuse("options.yml", error)
    for path in sorted((folder / "properties").glob("*.yml")):
        files.properties[path.stem] = files.entries(f"properties/{path.name}", PropertyFile, "properties", Property)
    return files


def _cross_check(files: _Files) -> Iterator[str]:
    names = [found.name for found in files.objects.values()]
    yield from (f"objects.yml line 1: the object {twice} stands twice" for twice in _twice(names))
    for stem in sorted(set(files.properties) - set(names)) if "objects.yml" not in files.broken else ():
        yield f"properties/{stem}.yml line 1: objects.yml has no object {stem}"
    for position, found in files.objects.items():
        if found.name in files.properties:
            yield from _check_object(files, position, found)
            yield from _check_properties(files, found)
        else:
            place = files.at("objects.yml", "objects", position)
            yield f"{place}: {found.name} has no file properties/{found.name}.yml"
    yield from _check_associations(files, names)


def _check_object(files: _Files, position: int, found: ObjectType) -> Iterator[str]:
    if f"properties/{found.name}.yml" in files.broken:
        return
    known = {held.name for held in files.properties[found.name].values()}
    used = {found.primary_display_property, *found.required_properties, *found.searchable_properties} - {None}
    for missing in sorted(used - known):
        yield f"{files.at('objects.yml', 'objects', position)}: {found.name} names the unknown property {missing}"
    if EXTERNAL_ID not in known:
        yield f"properties/{found.name}.yml line 1: the upsert key {EXTERNAL_ID} is missing"


def _check_properties(files: _Files, found: ObjectType) -> Iterator[str]:
    name, held = f"properties/{found.name}.yml", files.properties[found.name]
    for twice in _twice(entry.name for entry in held.values()):
        yield f"{name} line 1: the property {twice} stands twice"
    if sum(entry.unique for entry in held.values()) > UNIQUE_PROPERTIES_PER_OBJECT:
        yield f"{name} line 1: HubSpot allows {UNIQUE_PROPERTIES_PER_OBJECT} unique properties per object"
    for position, entry in held.items():
        for problem in _problems_of(entry, found, files.lists):
            yield f"{files.at(name, 'properties', position)}: {entry.name}: {problem}"


def _problems_of(entry: Property, found: ObjectType, lists: Mapping[str, OptionList]) -> Iterator[str]:
    if entry.group and entry.group not in {group.name for group in found.groups}:
        yield f"objects.yml gives {found.name} no group {entry.group}"
    if entry.options_from and lists and entry.options_from not in lists:
        yield f"options.yml has no list {entry.options_from}"
    if entry.sensitivity != "none" and found.kind == "custom" and not found.allows_sensitive_properties:
        yield f"is sensitive, but {found.name} does not allow sensitive properties"


def _check_associations(files: _Files, names: Sequence[str]) -> Iterator[str]:
    held = files.associations
    ends = {end for found in held.values() for end in (found.from_object, found.to_object)}
    unknown = set() if "objects.yml" in files.broken else ends - OTHER_OBJECTS - set(names)
    for what in ("id", "name"):
        for twice in _twice(getattr(found, what) for found in held.values()):
            yield f"associations.yml line 1: the {what} {twice} stands twice"
    for position, found in held.items():
        for problem in _problems_of_association(found, unknown):
            yield f"{files.at('associations.yml', 'associations', position)}: {found.id} {problem}"


def _problems_of_association(found: Association, unknown: set[str]) -> Iterator[str]:
    for end in sorted({found.from_object, found.to_object} & unknown):
        yield f"links the unknown object {end}"
    for twice in _twice(label.name for label in found.labels):
        yield f"has the label {twice} twice"
    if not found.unlabelled and not found.labels:
        yield "is neither unlabelled nor labelled"


def _twice(names: Iterable[str]) -> list[str]:
    return sorted(name for name, count in Counter(names).items() if count > 1)


def _resolve(found: Property, lists: Mapping[str, OptionList]) -> Property:
    if not found.options_from:
        return found
    return found.model_copy(update={"options": lists[found.options_from].options, "options_from": None})
