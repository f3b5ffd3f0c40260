"""Why a table could not be read: a few reasons instead of three servers' codes, and never the server's text."""

from __future__ import annotations

from enum import StrEnum

import sqlalchemy as sa


class Unread(StrEnum):
    """Why a table is not in the snapshot's copy; the value is what params and reports call it."""

    GONE = "gone"
    NO_PERMISSION = "no_permission"
    LOCKED = "locked"
    UNDECODABLE = "undecodable"
    DAMAGED = "damaged"
    LOST = "connection_lost"
    CHANGING = "rows_changed_while_read"
    TOO_LONG = "longer_than_a_window"
    OTHER = "server_error"


MEANING = {
    Unread.GONE: "it or one of its columns vanished after the schema was read",
    Unread.NO_PERMISSION: "the database user may not read it, or the view it is made of may not",
    Unread.LOCKED: "somebody held it locked for longer than source.lock_wait_seconds",
    Unread.UNDECODABLE: "a column holds bytes that are not text in the database's character set",
    Unread.DAMAGED: "the server says that its file is damaged",
    Unread.LOST: "the connection was lost twice while it was read",
    Unread.CHANGING: "other rows arrived than the snapshot counts: its engine keeps no snapshots",
    Unread.TOO_LONG: "it takes longer to read than the longest of source.windows",
    Unread.OTHER: "the server refused to read it",
}
# https://mariadb.com/kb/en/mariadb-error-codes/
MYSQL = {
    **dict.fromkeys((1051, 1054, 1109, 1146, 1412, 1932), Unread.GONE),
    **dict.fromkeys((1044, 1045, 1142, 1143, 1356, 1370, 1449), Unread.NO_PERMISSION),
    **dict.fromkeys((1205, 1213, 3572), Unread.LOCKED),
    **dict.fromkeys((126, 127, 144, 145, 1030, 1034, 1035, 1194, 1195), Unread.DAMAGED),
    **dict.fromkeys((1267, 1300, 1366), Unread.UNDECODABLE),
    **dict.fromkeys((0, 1053, 1077, 1079, 1152, 1927, 2006, 2013, 2014, 2055), Unread.LOST),
}
# https://www.postgresql.org/docs/current/errcodes-appendix.html
POSTGRESQL = {
    "42P01": Unread.GONE,
    "42703": Unread.GONE,
    "42501": Unread.NO_PERMISSION,
    "55P03": Unread.LOCKED,
    "40P01": Unread.LOCKED,
    "22021": Unread.UNDECODABLE,
    "22P05": Unread.UNDECODABLE,
    "XX001": Unread.DAMAGED,
    "XX002": Unread.DAMAGED,
    "57P01": Unread.LOST,
    "57P02": Unread.LOST,
    "57P03": Unread.LOST,
}
SQLITE = {"no such": Unread.GONE, "locked": Unread.LOCKED, "malformed": Unread.DAMAGED, "disk i/o": Unread.DAMAGED}


def reason(error: sa.exc.DBAPIError | UnicodeDecodeError) -> Unread:
    """What `error` means for the table that was being read."""
    if isinstance(error, UnicodeDecodeError):
        return Unread.UNDECODABLE
    if error.connection_invalidated:
        return Unread.LOST
    first = error.orig.args[0] if error.orig is not None and error.orig.args else None
    if isinstance(first, int):
        return MYSQL.get(first, Unread.OTHER)
    if code := getattr(error.orig, "sqlstate", None):
        return Unread.LOST if code.startswith("08") else POSTGRESQL.get(code, Unread.OTHER)
    text = str(first).lower()
    return next((found for part, found in SQLITE.items() if part in text), Unread.OTHER)
