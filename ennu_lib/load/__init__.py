"""Phase 07: bring records and associations into the portal, idempotently, and believe only what was read back."""

from ennu_lib.images import fingerprint, image_frame, images, objects_to_load
from ennu_lib.load.ledger import Ledger
from ennu_lib.load.links import Linked, load_links
from ennu_lib.load.records import Loaded, RecordLoader
from ennu_lib.load.repair import repair_finding, repair_portal
from ennu_lib.load.repair_plan import keep_before, repair_lines, write_repair
from ennu_lib.load.run_load import (
    bring_schema,
    close_ledger,
    load_associations,
    load_counts,
    load_findings,
    load_records,
    open_ledger,
)
from ennu_lib.load.where import where_loaded

__all__ = [
    "Ledger",
    "Linked",
    "Loaded",
    "RecordLoader",
    "bring_schema",
    "close_ledger",
    "fingerprint",
    "image_frame",
    "images",
    "keep_before",
    "load_associations",
    "load_counts",
    "load_findings",
    "load_links",
    "load_records",
    "objects_to_load",
    "open_ledger",
    "repair_finding",
    "repair_lines",
    "repair_portal",
    "where_loaded",
    "write_repair",
]
