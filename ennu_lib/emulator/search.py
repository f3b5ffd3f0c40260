"""POST …/{type}/search: filters, query, sorts and pages over what the search index has seen so far."""

from __future__ import annotations

from typing import Any

from ennu_lib.emulator import access
from ennu_lib.emulator.calls import Answer, Call, Portal
from ennu_lib.emulator.errors import bad_request
from ennu_lib.emulator.model import ObjectType
from ennu_lib.emulator.records import Record, number_of
from ennu_lib.emulator.search_sql import Condition, condition_of, field_sql, prepare, query_condition, visible_sql
from ennu_lib.emulator.settings import (
    SEARCH_BODY_CHARACTERS,
    SEARCH_FILTERS,
    SEARCH_FILTERS_PER_GROUP,
    SEARCH_GROUPS,
    SEARCH_PAGE,
    SEARCH_TOTAL,
)
from ennu_lib.emulator.shapes import read_shape


def search(portal: Portal, call: Call) -> Answer:
    """Records that match, as the index saw them `search_lag_seconds` ago; archived records never appear."""
    kind = portal.registry.find(call.path["object_type"])
    access.require_objects(portal.settings, kind, access.READ)
    body = call.json
    if len(call.raw.decode()) > SEARCH_BODY_CHARACTERS:
        raise bad_request(f"The request body must have at most {SEARCH_BODY_CHARACTERS} characters")
    limit, after = _paging(body)
    names = [str(name) for name in body.get("properties") or []]
    where = _where(kind, body)
    order = _order(kind, body.get("sorts") or [])
    access.require_named(portal.settings, kind, [*names, *_named(body)], access.READ)
    total, rows = _run(portal, kind, where, order, limit, after)
    results = [read_shape(portal, kind, Record(*row[:3], None, row[3]), names) for row in rows]
    answer: dict[str, Any] = {"total": total, "results": results}
    if total > after + limit:
        answer["paging"] = {"next": {"after": str(after + limit)}}
    return Answer(200, answer)


def _paging(body: dict[str, Any]) -> tuple[int, int]:
    limit = number_of(body.get("limit", 10))
    after = number_of(body.get("after") or 0)
    if limit is None or not 0 < limit <= SEARCH_PAGE:
        raise bad_request(f"Invalid limit: it must be a number from 1 to {SEARCH_PAGE}")
    if after is None:
        raise bad_request("Invalid paging: after must be a number")
    if after + limit > SEARCH_TOTAL:
        raise bad_request(f"Search results are limited to {SEARCH_TOTAL} records; narrow the query")
    return limit, after


def _groups(body: dict[str, Any]) -> list[list[dict[str, Any]]]:
    groups = [group.get("filters") or [] for group in body.get("filterGroups") or []]
    if len(groups) > SEARCH_GROUPS:
        raise bad_request(f"A search can have at most {SEARCH_GROUPS} filter groups")
    if any(len(group) > SEARCH_FILTERS_PER_GROUP for group in groups):
        raise bad_request(f"A filter group can have at most {SEARCH_FILTERS_PER_GROUP} filters")
    if sum(map(len, groups)) > SEARCH_FILTERS:
        raise bad_request(f"A search can have at most {SEARCH_FILTERS} filters")
    return groups


def _named(body: dict[str, Any]) -> set[str]:
    return {str(item.get("propertyName")) for group in _groups(body) for item in group}


def _where(kind: ObjectType, body: dict[str, Any]) -> Condition:
    alternatives, values = [], []
    for group in _groups(body):
        parts = [condition_of(kind, item) for item in group]
        if parts:
            alternatives.append(" AND ".join(part.sql for part in parts))
            values += [value for part in parts for value in part.values]
    where = Condition("(" + " OR ".join(f"({sql})" for sql in alternatives) + ")" if alternatives else "1", values)
    if text := str(body.get("query") or "").strip():
        found = query_condition(kind, text)
        where = Condition(f"{where.sql} AND {found.sql}", where.values + found.values)
    return where


def _order(kind: ObjectType, sorts: list[Any]) -> Condition:
    if not sorts:
        return Condition("id", [])
    first = sorts[0]
    if isinstance(first, str):
        name, descending = first.lstrip("-"), first.startswith("-")
    elif not isinstance(first, dict):
        raise bad_request("Invalid input JSON: the request body.sorts[0] must be a string or an object")
    else:
        name, descending = str(first.get("propertyName")), first.get("direction") == "DESCENDING"
    field = field_sql(kind, name)
    return Condition(f"{field.sql} {'DESC' if descending else 'ASC'}, id", field.values)


def _run(
    portal: Portal, kind: ObjectType, where: Condition, order: Condition, limit: int, after: int
) -> tuple[int, list[tuple[Any, ...]]]:
    lag = int(portal.settings.search_lag_seconds * 1000)
    source = visible_sql(kind, portal.now() - lag if lag else None)
    connection = prepare(portal.store.reader())
    try:
        total = connection.execute(
            f"SELECT COUNT(*) FROM ({source.sql}) WHERE {where.sql}", [*source.values, *where.values]
        ).fetchone()[0]
        rows = connection.execute(
            f"SELECT id, created, updated, body FROM ({source.sql}) WHERE {where.sql} ORDER BY {order.sql} "
            "LIMIT ? OFFSET ?",
            [*source.values, *where.values, *order.values, limit, after],
        ).fetchall()
    finally:
        connection.close()
    return total, rows
