"""Phase 06: a restorable copy of the source, proven by restoring it, and the portal's state before the load."""

from ennu_lib.backup.archive import Backup, back_up, restore
from ennu_lib.backup.portal import back_up_portal, portal_files
from ennu_lib.backup.portal_restore import PortalRestore

__all__ = ["Backup", "PortalRestore", "back_up", "back_up_portal", "portal_files", "restore"]
