"""The Open Medical database: connect, reflect, extract. Reads only, and only here."""

from ennu_lib.source.connect import connect
from ennu_lib.source.digest import TableDigest
from ennu_lib.source.extract import extract
from ennu_lib.source.extracted import Extracted, files_of, read_extracted
from ennu_lib.source.quirks import ENDANGERING, QUIRKS, Oddity, Quirk, Quirks, read_quirks
from ennu_lib.source.refusals import MEANING, Unread
from ennu_lib.source.shapes import ColumnShape, Kind, Relation, TableShape, reflect
from ennu_lib.source.snapshot import snapshot
from ennu_lib.source.values import KEY

__all__ = [
    "ENDANGERING",
    "KEY",
    "MEANING",
    "QUIRKS",
    "ColumnShape",
    "Extracted",
    "Kind",
    "Oddity",
    "Quirk",
    "Quirks",
    "Relation",
    "TableDigest",
    "TableShape",
    "Unread",
    "connect",
    "extract",
    "files_of",
    "read_extracted",
    "read_quirks",
    "reflect",
    "snapshot",
]
