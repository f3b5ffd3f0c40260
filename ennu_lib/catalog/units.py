"""Units of measurement: legacy spellings to UCUM codes, and exact conversion into a metric's canonical unit."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path

from ennu_lib.catalog.csv_rows import read_rows
from ennu_lib.errors import ConfigurationError

ALIAS_FIELDS = ("legacy_unit_text", "ucum", "rule")

_N = r"[0-9]+(?:\.[0-9]+)?"
_LINEAR = re.compile(rf"({_N})(?:x\s*([+-]\s*{_N}))?(~?)")
_CONTEXT = re.compile(r"context: ([a-z0-9_]+(?: [a-z0-9_]+)*)")
_CODEPOINT = re.compile(r"codepoint U\+([0-9A-F]{4})")


@dataclass(frozen=True)
class Conversion:
    """canonical = factor x value + offset, exactly. `approximate`: the factor depends on the assay."""

    factor: Fraction
    offset: Fraction = Fraction(0)
    approximate: bool = False

    def __call__(self, value: Fraction) -> Fraction:
        """`value` in the canonical unit."""
        return value if self.is_identity else self.factor * value + self.offset

    @property
    def is_identity(self) -> bool:
        """True when the two units differ in spelling only."""
        return self.factor == 1 and self.offset == 0


IDENTITY = Conversion(Fraction(1))


def parse_conversions(text: str) -> dict[str, Conversion | None]:
    """Read `unit=factor;unit=ax+b;unit=factor~;unit=NOT_CONVERTIBLE`; None marks what no fixed factor converts.

    Raises ValueError naming every entry that is none of these.
    """
    found: dict[str, Conversion | None] = {}
    wrong = []
    for entry in filter(None, (part.strip() for part in text.split(";"))):
        unit, _, rule = entry.partition("=")
        match = _LINEAR.fullmatch(rule)
        if not unit or unit in found or not (match or rule == "NOT_CONVERTIBLE"):
            wrong.append(entry)
        elif match is None:
            found[unit] = None
        elif (factor := Fraction(match[1])) > 0:
            found[unit] = Conversion(factor, Fraction((match[2] or "0").replace(" ", "")), bool(match[3]))
        else:
            wrong.append(entry)
    if wrong:
        raise ValueError("; ".join(f"unit alternative '{entry}' is not unit=factor" for entry in wrong))
    return found


@dataclass(frozen=True)
class UnitAliases:
    """Spellings of units met in the source. Spellings are compared exactly: `mg` and `Mg` are not the same unit.

    Only what Unicode has several signs for is one: both micro signs and u, a raised 2 and 2.
    """

    exact: dict[str, str]
    by_metric: dict[tuple[str, str], str]

    def resolve(self, text: str, metric_code: str) -> str | None:
        """The UCUM code of `text` in a row of `metric_code`, or None when the spelling is unknown."""
        spelling = " ".join(text.split())
        in_context = self.by_metric.get((spelling, metric_code))
        found = in_context or self.exact.get(spelling)
        return found or (None if spelling.isascii() else self._of_signs.get(_signs(spelling)))

    @cached_property
    def _of_signs(self) -> dict[str, str]:
        return {_signs(spelling): ucum for spelling, ucum in self.exact.items()}

    def metrics_named(self) -> set[str]:
        """Metric codes that a context rule names, for the check against the biomarkers."""
        return {metric for _, metric in self.by_metric}


def _signs(spelling: str) -> str:
    """A spelling in plain signs: NFKC makes both micro signs the Greek letter, and raised figures plain ones."""
    return unicodedata.normalize("NFKC", spelling).replace("μ", "u")


def load_unit_aliases(path: Path) -> UnitAliases:
    """Read the spelling table (legacy_unit_text, ucum, rule). Raises ConfigurationError with every mistake.

    Rules: `exact`; `codepoint U+XXXX` (exact, and the named character must occur); `context: code code`.
    """
    exact: dict[str, str] = {}
    by_metric: dict[tuple[str, str], str] = {}
    mistakes: list[str] = []
    for line, row in read_rows(path, ALIAS_FIELDS):
        text, ucum, rule = (" ".join(row[name].split()) for name in ALIAS_FIELDS)
        try:
            metrics = _metrics_of(text, ucum, rule)
        except ValueError as error:
            mistakes.append(f"line {line}: {error}")
            continue
        for metric in metrics:
            by_metric[text, metric] = ucum
        if not metrics and exact.setdefault(text, ucum) != ucum:
            mistakes.append(f"line {line}: unit spelling '{text}' already means '{exact[text]}'")
    if mistakes:
        raise ConfigurationError(str(path), mistakes)
    for ucum in [*exact.values(), *by_metric.values()]:
        exact.setdefault(ucum, ucum)
    return UnitAliases(exact, by_metric)


def _metrics_of(text: str, ucum: str, rule: str) -> list[str]:
    if not text or not ucum:
        raise ValueError("both the legacy spelling and the UCUM code are required")
    if match := _CONTEXT.fullmatch(rule):
        return match[1].split()
    codepoint = _CODEPOINT.fullmatch(rule)
    if codepoint and chr(int(codepoint[1], 16)) not in text:
        raise ValueError(f"unit spelling '{text}' does not hold the character that its rule names")
    if not codepoint and rule != "exact":
        raise ValueError(f"rule '{rule}' is none of exact, codepoint U+XXXX, context: <metric codes>")
    return []
