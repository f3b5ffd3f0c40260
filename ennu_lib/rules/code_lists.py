"""Which spellings of a coded column stand for something: the mapping's own code lists, read as data."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import polars as pl
import yaml


@lru_cache(maxsize=4)
def known_codes(params: Path) -> dict[tuple[str, str], dict[str, str]]:
    """Per table and column that a mapping takes through a code list: spelling, as `folded` has it, to option.

    Files that are no mapping or no list are passed over here: phase 04 names every mistake in them. So are columns
    that lead to another table, whose names are what the list holds.
    """
    lists: dict[str, dict[str, str]] = {}
    for path in sorted((params / "codes").glob("*.yml")):
        for name, options in _read(path).get("lists", {}).items():
            spelled = {option: option for option in options}
            lists[name] = spelled | {_folded(str(word)): option for option, words in options.items() for word in words}
    found = {}
    for path in sorted((params / "mappings").glob("*.yml")):
        mapping = _read(path)
        for field in mapping.get("fields", []):
            plain = set(field) == {"source", "target", "rule", "codes"} and not str(field["source"]).startswith("@")
            if plain and field["rule"] == "code" and field["codes"] in lists:
                found[mapping["table"], field["source"]] = lists[field["codes"]]
    return found


def folded(column: str) -> pl.Expr:
    """A spelling without case and punctuation, as the mapping compares it."""
    return pl.col(column).str.to_lowercase().str.replace_all(r"[^a-z0-9]+", "_").str.strip_chars("_")


def _folded(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


def _read(path: Path) -> dict:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content if isinstance(content, dict) else {}
