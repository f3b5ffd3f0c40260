"""What a notebook needs to report: tables, figures, verdicts and notes, all without a value of a patient record.

    from ennu_lib.report import figure, install_guard, note, table

    install_guard()                                   # in the setup cell
    table(frame, caption="Rows per table")            # as the last expression of a cell

The runner turns the executed notebook into a page with `report.render.render_phase` and `report.index.render_index`.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ennu_lib.report.accounts import accounts_table
from ennu_lib.report.blocks import either, key_numbers, not_done, note, show, verdict
from ennu_lib.report.findings import finding, findings_table
from ennu_lib.report.flow import flow
from ennu_lib.report.guard import install_guard
from ennu_lib.report.html import Html
from ennu_lib.report.masking import SafeCounts, suppress
from ennu_lib.report.tables import table

__all__ = [
    "Html",
    "SafeCounts",
    "accounts_table",
    "either",
    "figure",
    "figure_of",
    "finding",
    "findings_table",
    "flow",
    "install_guard",
    "key_numbers",
    "not_done",
    "note",
    "show",
    "suppress",
    "table",
    "verdict",
]


def __getattr__(name: str) -> Any:
    """Load drawing on first use: matplotlib takes a second to import, and not every phase draws."""
    if name in ("figure", "figure_of"):
        return getattr(import_module("ennu_lib.report.figures"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
