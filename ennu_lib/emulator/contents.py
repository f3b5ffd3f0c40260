"""What a portal holds: counts, and digests that say whether two portals hold the same."""

from __future__ import annotations

import sqlite3
from hashlib import blake2b
from typing import Any

import orjson

from ennu_lib.emulator.calls import Portal

_BITS = 128


def contents(portal: Portal, digest: bool = False) -> dict[str, Any]:
    """Records, archived records and properties by type, association rows, bytes; read beside the requests."""
    connection = portal.store.reader()
    try:
        counts = connection.execute("SELECT number, live, archived FROM object_types").fetchall()
        types = {
            kind.type_id: {"name": kind.name, "records": live, "archived": archived, "properties": len(kind.properties)}
            for number, live, archived in counts
            if (kind := portal.registry.types.get(number))
        }
        rows = connection.execute("SELECT COUNT(*) FROM links").fetchone()[0]
        found: dict[str, Any] = {"object_types": types, "association_rows": rows, "bytes": portal.store.size()}
        return found | ({"digests": _digests(portal, connection)} if digest else {})
    finally:
        connection.close()


def _digests(portal: Portal, connection: sqlite3.Connection) -> dict[str, dict[str, str]]:
    """Digests of the live records by type name, and of the associations by pair of type names.

    A digest is the sum, modulo 2**128, of one hash per record or association, so it counts multiplicity and ignores
    order, ids and times. An association is hashed by the contents of its records and its definition's name and label.
    """
    return {"records": _records(portal, connection), "associations": _associations(portal, connection)}


def _hash(*parts: bytes) -> int:
    digest = blake2b(digest_size=_BITS // 8)
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return int.from_bytes(digest.digest(), "big")


def _content(body: bytes) -> bytes:
    return orjson.dumps(orjson.loads(body), option=orjson.OPT_SORT_KEYS)


def _text(total: int) -> str:
    return f"{total % 2**_BITS:032x}"


def _records(portal: Portal, connection: sqlite3.Connection) -> dict[str, str]:
    found = {}
    for kind in portal.registry.types.values():
        rows = connection.execute(f"SELECT body FROM records_{kind.number} WHERE archived IS NULL")
        total = sum(_hash(_content(body)) for (body,) in rows)
        if total:
            found[kind.name] = _text(total)
    return found


def _associations(portal: Portal, connection: sqlite3.Connection) -> dict[str, str]:
    types, definitions = portal.registry.types, portal.registry.definitions
    found = {}
    pairs = connection.execute("SELECT DISTINCT from_type, to_type FROM links").fetchall()
    for from_type, to_type in pairs:
        rows = connection.execute(
            f"SELECT f.body, t.body, l.definition FROM links AS l JOIN records_{from_type} AS f ON f.id = l.from_id "
            f"JOIN records_{to_type} AS t ON t.id = l.to_id WHERE l.from_type = ? AND l.to_type = ?",
            (from_type, to_type),
        )
        total = 0
        for from_body, to_body, number in rows:
            definition = definitions[number]
            name = f"{definition.name}\0{definition.label}".encode()
            total += _hash(_content(from_body), _content(to_body), name)
        found[f"{types[from_type].name} > {types[to_type].name}"] = _text(total)
    return found
