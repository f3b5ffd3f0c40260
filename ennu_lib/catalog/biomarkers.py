"""The metric table: loads `biomarkers.csv`, refuses it whole when anything is wrong, and resolves test names."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from ennu_lib.catalog.biomarker import CATEGORIES, SEXES, ZERO_FIELDS, Biomarker, Sex, read_biomarker
from ennu_lib.catalog.csv_rows import read_rows
from ennu_lib.catalog.units import UnitAliases, load_unit_aliases
from ennu_lib.errors import ConfigurationError

__all__ = [
    "CATEGORIES",
    "SEXES",
    "Biomarker",
    "BiomarkerCatalogue",
    "Resolution",
    "Sex",
    "load_biomarkers",
    "normalised_alias",
]

REQUIRED_FIELDS = (
    "metric_id",
    "metric_name",
    "metric_code",
    "metric_type",
    "measurement_unit",
    "optimal_range_male",
    "optimal_range_female",
    "plausible_min",
    "plausible_max",
    "metric_weight",
    "clinical_significance",
)
OPTIONAL_FIELDS = (
    "loinc_code",
    "unit_alternatives",
    "panel",
    "significance_class",
    "reference_range_male",
    "reference_range_female",
    *ZERO_FIELDS,
    "critical_low",
    "critical_high",
    "specimen_context",
    "aliases",
    "labcorp_codes",
    "loinc_verified_by",
    "source_ids",
)

_SEPARATORS = re.compile(r"[^0-9a-z%+]+")


@dataclass(frozen=True)
class Resolution:
    """Which metric a test name stands for, and by what it was recognised."""

    metric_code: str
    by: str


@dataclass(frozen=True, eq=False)
class BiomarkerCatalogue:
    """All biomarkers in table order, the unit spellings, and the version of the table (a digest of its content)."""

    biomarkers: tuple[Biomarker, ...]
    units: UnitAliases
    version: str
    _by_code: Mapping[str, Biomarker]
    _by_loinc: Mapping[str, str]
    _by_lab_code: Mapping[str, str]
    _by_name: Mapping[str, str]
    _by_normalised: Mapping[str, str]

    def __getitem__(self, metric_code: str) -> Biomarker:
        return self._by_code[metric_code]

    def __contains__(self, metric_code: object) -> bool:
        return metric_code in self._by_code

    def __iter__(self) -> Iterator[Biomarker]:
        return iter(self.biomarkers)

    def __len__(self) -> int:
        return len(self.biomarkers)

    def resolve(self, name: str | None, loinc: str | None = None, lab_code: str | None = None) -> Resolution | None:
        """Find the metric of a laboratory row: lab code, then LOINC, then exact name, then normalised name.

        Never fuzzy: 'testosterone' is neither the total nor the free one. None when nothing matches.
        """
        for table, key, by in (
            (self._by_lab_code, (lab_code or "").strip(), "lab_code"),
            (self._by_loinc, (loinc or "").strip(), "loinc"),
            (self._by_name, (name or "").strip(), "name"),
            (self._by_normalised, normalised_alias(name or ""), "normalised_name"),
        ):
            if key and key in table:
                return Resolution(table[key], by)
        return None


def normalised_alias(name: str) -> str:
    """Lower case, micro sign as u, every run of punctuation and spaces as one space; `%` and `+` are kept."""
    plain = name.replace("µ", "u").replace("μ", "u").lower()
    return _SEPARATORS.sub(" ", plain).strip()


def load_biomarkers(path: Path, unit_aliases: Path) -> BiomarkerCatalogue:
    """Read the metric table and the unit spellings.

    Raises ConfigurationError with every mistake of both files: weights that are not positive, bounds or limits the
    wrong way round, zero points inside the optimum, ranges outside the grammar, names or codes that two metrics share.
    """
    mistakes: list[str] = []
    units = UnitAliases({}, {})
    try:
        units = load_unit_aliases(unit_aliases)
    except ConfigurationError as error:
        mistakes += [f"{unit_aliases.name}: {mistake}" for mistake in error.mistakes]
    rows: list[tuple[int, dict[str, str]]] = []
    try:
        rows = read_rows(path, REQUIRED_FIELDS, OPTIONAL_FIELDS)
        mistakes += _header_mistakes(rows)
    except ConfigurationError as error:
        mistakes += error.mistakes
    biomarkers = []
    for line, row in rows:
        biomarker, wrong = read_biomarker(row)
        biomarkers.append(biomarker)
        mistakes += [f"line {line} ({row['metric_code']}): {text}" for text in wrong]
    mistakes += _clashes(biomarkers)
    codes = {biomarker.code for biomarker in biomarkers}
    mistakes += [
        f"{unit_aliases.name}: a context rule names '{code}', which is no metric"
        for code in sorted(units.metrics_named() - codes)
        if codes
    ]
    if mistakes:
        raise ConfigurationError(str(path), mistakes)
    return _catalogue(biomarkers, units, _digest(row for _, row in rows))


def _header_mistakes(rows: list[tuple[int, dict[str, str]]]) -> list[str]:
    if not rows:
        return ["the table has no rows"]
    present = [field for field in ZERO_FIELDS if field in rows[0][1]]
    return ["line 1: give all four zero-point columns or none of them"] if len(present) not in (0, 4) else []


def _clashes(biomarkers: list[Biomarker]) -> list[str]:
    found = []
    for what, keys_of in _UNIQUE:
        owner: dict[str, int] = {}
        for position, biomarker in enumerate(biomarkers):
            for key in keys_of(biomarker):
                first = owner.setdefault(key, position)
                if first != position:
                    found.append(f"{what} '{key}' stands for both {biomarkers[first].code} and {biomarker.code}")
    return found


def _names(biomarker: Biomarker) -> tuple[str, ...]:
    return (biomarker.code, biomarker.name, *biomarker.aliases)


_UNIQUE: tuple[tuple[str, Callable[[Biomarker], Iterable[str]]], ...] = (
    ("metric_id", lambda b: [str(b.metric_id)]),
    ("metric_code", lambda b: [b.code]),
    ("loinc_code", lambda b: filter(None, [b.loinc])),
    ("labcorp code", lambda b: set(b.lab_codes)),
    ("name", lambda b: sorted({normalised_alias(name) for name in _names(b)})),
)


def _catalogue(biomarkers: list[Biomarker], units: UnitAliases, version: str) -> BiomarkerCatalogue:
    def index(keys_of: Callable[[Biomarker], Iterable[str]]) -> Mapping[str, str]:
        return MappingProxyType({key: b.code for b in biomarkers for key in keys_of(b)})

    return BiomarkerCatalogue(
        biomarkers=tuple(biomarkers),
        units=units,
        version=version,
        _by_code=MappingProxyType({b.code: b for b in biomarkers}),
        _by_loinc=index(lambda b: filter(None, [b.loinc])),
        _by_lab_code=index(lambda b: b.lab_codes),
        _by_name=index(_names),
        _by_normalised=index(lambda b: map(normalised_alias, _names(b))),
    )


def _digest(rows: Iterable[Mapping[str, str]]) -> str:
    """Twelve hex digits over the rows, free of column order, line endings and the file's name."""
    lines = sorted("\x1f".join(f"{name}={row[name]}" for name in sorted(row)) for row in rows)
    return hashlib.blake2b("\x1e".join(lines).encode(), digest_size=6).hexdigest()
