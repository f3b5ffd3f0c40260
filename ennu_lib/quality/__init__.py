"""Phase 02: bring values into standard form, change nothing without an event, and count what was changed."""

from ennu_lib.quality.standardize import Standardized, load_standardize, reasons, standardize, summarize

__all__ = ["Standardized", "load_standardize", "reasons", "standardize", "summarize"]
