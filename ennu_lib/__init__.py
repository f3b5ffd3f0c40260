"""ENNU migration workbook: audit, clean, match, map, score, back up, load and reconcile a clinic's database."""

__version__ = "0.1.0"
