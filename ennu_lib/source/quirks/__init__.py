"""How a server stores its tables, and what of that one should know before they are moved. Reads catalogues only."""

from ennu_lib.source.quirks.kinds import ENDANGERING, QUIRKS, Oddity, Quirk, Quirks
from ennu_lib.source.quirks.reading import read_quirks

__all__ = ["ENDANGERING", "QUIRKS", "Oddity", "Quirk", "Quirks", "read_quirks"]
