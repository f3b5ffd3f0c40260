"""The account: what it is, how many requests it has used, and who works in it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from ennu_lib.emulator import access
from ennu_lib.emulator.calls import Answer, Call, Portal
from ennu_lib.emulator.errors import bad_request, not_found
from ennu_lib.emulator.limits import OBJECTS
from ennu_lib.emulator.records import number_of
from ennu_lib.emulator.times import iso


def details(portal: Portal, call: Call) -> Answer:
    """GET /account-info/…/details."""
    zone = ZoneInfo(portal.settings.time_zone)
    offset = portal.clock.now().astimezone(zone).utcoffset()
    seconds = int(offset.total_seconds()) if offset else 0
    sign = "-" if seconds < 0 else "+"
    return Answer(200, {
        "portalId": portal.settings.portal_id,
        "accountType": portal.settings.account_type,
        "timeZone": portal.settings.time_zone,
        "companyCurrency": "USD",
        "additionalCurrencies": [],
        "utcOffset": f"{sign}{abs(seconds) // 3600:02d}:{abs(seconds) // 60 % 60:02d}",
        "utcOffsetMilliseconds": seconds * 1000,
        "uiDomain": "app.hubspot.com",
        "dataHostingLocation": "na1",
    })  # fmt: skip


def daily_usage(portal: Portal, call: Call) -> Answer:
    """GET /account-info/…/api-usage/daily/private-apps."""
    limiter = portal.limiter
    return Answer(200, {"results": [{
        "name": "private-apps-api-calls-daily",
        "usageLimit": portal.settings.daily_limit,
        "currentUsage": limiter.today[OBJECTS],
        "collectedAt": iso(portal.now()),
        "fetchStatus": "SUCCESS",
        "resetsAt": limiter.midnight().astimezone(UTC).isoformat().replace("+00:00", "Z"),
    }]})  # fmt: skip


def token_scopes(portal: Portal, call: Call) -> Answer:
    """POST /oauth/v2/private-apps/get/access-token-info: the scopes of the token that the body names."""
    if call.json.get("tokenKey") != call.token:
        raise bad_request("tokenKey is not the key of this request")
    scopes = sorted(portal.settings.scopes) if portal.settings.scopes is not None else access.every_scope(portal)
    return Answer(200, {
        "userId": 70_000_001, "hubId": portal.settings.portal_id, "appId": 19_000_001,
        "scopes": ["oauth", *scopes], "isUserToken": False,
    })  # fmt: skip


def _owner_shape(number: int, body: dict[str, Any]) -> dict[str, Any]:
    founded = iso(int(datetime(2024, 1, 1, tzinfo=UTC).timestamp() * 1000))
    return {
        "id": str(number), "type": "PERSON", "userId": number, "userIdIncludingInactive": number, **body,
        "createdAt": founded, "updatedAt": founded, "archived": False, "teams": [],
    }  # fmt: skip


def owners(portal: Portal, call: Call) -> Answer:
    """GET …/owners."""
    access.require(portal.settings, "crm.objects.owners.read")
    after, limit = number_of(call.first("after") or "0"), call.limit(100, 500)
    if after is None:
        raise bad_request("Invalid paging: after must be an owner id")
    rows = portal.store.execute(
        "SELECT id, body FROM owners WHERE id >= ? ORDER BY id LIMIT ?", (after, limit + 1)
    ).fetchall()
    email = call.first("email")
    shapes = [_owner_shape(number, orjson.loads(body)) for number, body in rows]
    body: dict[str, Any] = {"results": [s for s in shapes[:limit] if email in (None, s["email"])]}
    if len(rows) > limit:
        body["paging"] = {"next": {"after": str(rows[limit][0])}}
    return Answer(200, body)


def owner(portal: Portal, call: Call) -> Answer:
    """GET …/owners/{id}."""
    access.require(portal.settings, "crm.objects.owners.read")
    row = portal.store.execute(
        "SELECT id, body FROM owners WHERE id = ?", (number_of(call.path["owner_id"]) or 0,)
    ).fetchone()
    if row is None:
        raise not_found("resource not found")
    return Answer(200, _owner_shape(row[0], orjson.loads(row[1])))
