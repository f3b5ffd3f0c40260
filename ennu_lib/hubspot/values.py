"""Compare what was sent with what the portal says it holds: same meaning, whatever the spelling."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from ennu_lib.hubspot.schema import Property

MILLISECONDS = 1_000


def canonical(value: str | None, kind: str) -> str:
    """One spelling for a property value of type `kind`; no value and '' are the same, as they are in HubSpot."""
    text = (value or "").strip()
    if not text:
        return ""
    convert = {"number": _number, "date": _date, "datetime": _datetime, "bool": str.lower, "enumeration": _options}
    return convert.get(kind, str)(text)


def differing(expected: Mapping[str, str], found: Mapping[str, str], properties: Mapping[str, Property]) -> list[str]:
    """Names of the expected properties whose value in the portal means something else, sorted."""
    return sorted(
        name
        for name, value in expected.items()
        if _meaning(value, properties[name]) != _meaning(found.get(name), properties[name])
    )


def _meaning(value: str | None, held: Property) -> str:
    """HubSpot stores e-mail addresses in lower case."""
    return canonical(value.lower() if value and held.name == "email" else value, held.type)


def _number(text: str) -> str:
    try:
        return f"{Decimal(text).normalize():f}"
    except InvalidOperation:
        return text


def _date(text: str) -> str:
    return _moment(text).date().isoformat() if text.isdigit() else text[:10]


def _datetime(text: str) -> str:
    moment = _moment(text) if text.isdigit() else _iso(text)
    return moment.isoformat(timespec="milliseconds") if moment else text


def _moment(milliseconds: str) -> dt.datetime:
    return dt.datetime.fromtimestamp(int(milliseconds) / MILLISECONDS, dt.UTC)


def _iso(text: str) -> dt.datetime | None:
    try:
        return dt.datetime.fromisoformat(text).astimezone(dt.UTC)
    except ValueError:
        return None


def _options(text: str) -> str:
    return ";".join(sorted(part for part in text.split(";") if part))
