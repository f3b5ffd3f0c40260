"""Reads the CSV files of `params/`: the header is checked, every row knows its line."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from ennu_lib.errors import ConfigurationError


def read_rows(path: Path, required: Sequence[str], optional: Sequence[str] = ()) -> list[tuple[int, dict[str, str]]]:
    """Rows of a CSV file as `(line, {column: trimmed text})`.

    Raises ConfigurationError when the file cannot be read, when a required column is missing, when a column is unknown
    (a misspelt optional column would otherwise be ignored in silence) and when a row is not as long as the header.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file)
            header = [name.strip() for name in next(reader, [])]
            lines = [(reader.line_num, values) for values in reader if values]
    except (OSError, UnicodeDecodeError):
        raise ConfigurationError(str(path), ["the file cannot be read as UTF-8 text; check the path"]) from None
    known = {*required, *optional}
    mistakes = [f"line 1: column '{name}' is missing" for name in required if name not in header]
    mistakes += [f"line 1: column '{name}' is not known" for name in header if name not in known]
    mistakes += [f"line 1: column '{name}' stands twice" for name in sorted(set(header)) if header.count(name) > 1]
    mistakes += [
        f"line {line}: {len(values)} values where the header has {len(header)}"
        for line, values in lines
        if len(values) != len(header)
    ]
    if mistakes:
        raise ConfigurationError(str(path), mistakes)
    return [(line, dict(zip(header, (value.strip() for value in values), strict=True))) for line, values in lines]
