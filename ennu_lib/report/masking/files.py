"""Search the files that a reviewer is given, and say in which cell or under which key something was found."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ennu_lib.report.masking.canaries import scan_canaries
from ennu_lib.report.masking.personal_data import Hit, scan


def scan_file(path: Path, planted: Mapping[str, str] | Iterable[str] = (), allowed: Iterable[str] = ()) -> list[Hit]:
    """Search a notebook, a JSON file or any other file for personal data and for planted values.

    Places: `cell 7, output 1` in a notebook (code and text cells counted from 1), the key in a JSON file, the line
    elsewhere. The value itself is never repeated.
    """
    planted = planted if isinstance(planted, Mapping) else tuple(planted)
    allowed = tuple(allowed)
    hits: set[Hit] = set()
    for where, text in _parts(path):
        for hit in (*scan(text, allowed), *(scan_canaries(text, planted) if planted else ())):
            hits.add(Hit(hit.kind, f"{where}, {hit.where}" if where else hit.where))
    return sorted(hits)


def _parts(path: Path) -> Iterator[tuple[str, str]]:
    text = path.read_text(encoding="utf-8", errors="replace")
    if path.suffix == ".ipynb":
        yield from _notebook_parts(json.loads(text))
    elif path.suffix == ".json":
        yield from _json_parts(json.loads(text), "")
    else:
        yield "", text


def _notebook_parts(notebook: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield from _json_parts(notebook.get("metadata", {}), "notebook metadata")
    for number, cell in enumerate(notebook.get("cells", []), start=1):
        yield f"cell {number}", "".join(cell.get("source", ""))
        rest = {key: value for key, value in cell.items() if key not in ("source", "outputs")}
        yield from _json_parts(rest, f"cell {number}")
        for place, output in enumerate(cell.get("outputs", []), start=1):
            yield from _json_parts(output, f"cell {number}, output {place}")


def _json_parts(value: Any, where: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield where, str(key)
            yield from _json_parts(inner, f"{where}, {key}" if where else str(key))
    elif isinstance(value, list):
        if all(isinstance(line, str) for line in value):
            yield where, "".join(value)
        for inner in value:
            yield from _json_parts(inner, where)
    elif isinstance(value, str):
        yield where, value
