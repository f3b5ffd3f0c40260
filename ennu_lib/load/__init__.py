"""Phase 07: bring records and associations into the portal, idempotently, and believe only what was read back."""

from ennu_lib.load.images import fingerprint, image_frame, images, objects_to_load
from ennu_lib.load.ledger import Ledger
from ennu_lib.load.links import Linked, load_links
from ennu_lib.load.records import Loaded, RecordLoader

__all__ = [
    "Ledger",
    "Linked",
    "Loaded",
    "RecordLoader",
    "fingerprint",
    "image_frame",
    "images",
    "load_links",
    "objects_to_load",
]
