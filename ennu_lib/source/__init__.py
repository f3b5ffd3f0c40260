"""The Open Medical database: connect, reflect, extract. Reads only, and only here."""

from ennu_lib.source.connect import connect, snapshot
from ennu_lib.source.digest import TableDigest
from ennu_lib.source.extract import Extracted, extract, files_of, read_extracted
from ennu_lib.source.shapes import ColumnShape, Kind, Relation, TableShape, reflect
from ennu_lib.source.values import KEY

__all__ = [
    "KEY",
    "ColumnShape",
    "Extracted",
    "Kind",
    "Relation",
    "TableDigest",
    "TableShape",
    "connect",
    "extract",
    "files_of",
    "read_extracted",
    "reflect",
    "snapshot",
]
