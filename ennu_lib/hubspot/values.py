"""Compare what was sent with what the portal says it holds: same meaning, whatever the spelling."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from ennu_lib.hubspot.schema import Property

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
# Milliseconds since 1970, negative for most birth dates.
_MILLISECONDS = re.compile(r"-?\d{1,14}", re.ASCII)


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
    moment = _moment(text)
    return moment.date().isoformat() if moment else text[:10]


def _datetime(text: str) -> str:
    moment = _moment(text) or _iso(text)
    return moment.isoformat(timespec="milliseconds") if moment else text


def _moment(text: str) -> dt.datetime | None:
    if not _MILLISECONDS.fullmatch(text):
        return None
    try:
        return EPOCH + dt.timedelta(milliseconds=int(text))
    except OverflowError:
        return None


def _iso(text: str) -> dt.datetime | None:
    """An instant; without a zone it is UTC, as in the portal, whatever zone this machine is in."""
    try:
        moment = dt.datetime.fromisoformat(text)
        return moment.astimezone(dt.UTC) if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    except (ValueError, OverflowError):
        return None


def _options(text: str) -> str:
    return ";".join(sorted(part for part in text.split(";") if part))
