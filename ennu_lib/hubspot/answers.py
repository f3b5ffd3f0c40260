"""What an answer of the portal says, without a word of the portal's text.

HubSpot's messages repeat property values, so they never leave this module: out come categories, codes, names of
properties that we sent ourselves, and correlation ids, each of them checked for its shape.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from ennu_lib.hubspot.transport import Reply

_CODE = re.compile(r"([A-Za-z]{2,40}\.){0,3}[A-Z][A-Z0-9_]{1,59}", re.ASCII)
_CORRELATION = re.compile(r"[0-9a-fA-F][0-9a-fA-F-]{7,63}", re.ASCII)
_SCOPE = re.compile(r"[a-z][a-z0-9._-]{1,79}", re.ASCII)
_VALIDATION = "Property values were not valid: "


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why the portal refused a record or a request: codes only."""

    category: str
    code: str = ""
    property: str = ""
    correlation_id: str = ""

    def __str__(self) -> str:
        what = "/".join(part for part in (self.category, self.code) if part)
        where = f" at property {self.property}" if self.property else ""
        trace = f" (correlation id {self.correlation_id})" if self.correlation_id else ""
        return f"{what}{where}{trace}"


@dataclass(frozen=True, slots=True)
class RowError:
    """One entry of a batch's `errors`: the rejection, and what the entry says it is about."""

    rejection: Rejection
    trace_ids: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()


def payload(reply: Reply) -> dict[str, Any] | None:
    """The JSON object of the body; an empty object for an empty body; None when it is anything else."""
    if not reply.body:
        return {}
    try:
        data = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        return None
    if isinstance(data, list):
        return {"results": data}
    return data if isinstance(data, dict) else None


def results_of(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The entries of `results` that are objects."""
    return mappings(data.get("results"))


def inside(data: Mapping[str, Any], *names: str) -> Any:
    """What stands at `names` one below the other, None when a step is missing or no object."""
    found: Any = data
    for name in names:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def rejection_of(data: Mapping[str, Any], names: Collection[str] = ()) -> Rejection:
    """The envelope of a refused request, or one entry of `errors`, reduced to codes.

    `names` are the properties that were sent; another name in the answer is not repeated.
    """
    category = _code(data.get("category")) or _code(data.get("errorType")) or "UNKNOWN"
    code, name = next(_details(data, names), ("", ""))
    return Rejection(
        category=category,
        code=code or _code(data.get("subCategory")) or _code(data.get("policyName")),
        property=name,
        correlation_id=_shaped(_CORRELATION, data.get("correlationId")),
    )


def row_errors(data: Mapping[str, Any], names: Collection[str] = (), correlation_id: str = "") -> list[RowError]:
    """Every entry of the `errors` of a 2xx answer."""
    entries = data.get("errors")
    found = []
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, Mapping):
            context = entry.get("context")
            context = context if isinstance(context, Mapping) else {}
            said = rejection_of({"correlationId": correlation_id, **entry}, names)
            ids = _texts(context.get("ids")) + _texts(context.get("id")) + _texts(context.get("fromObjectId"))
            found.append(RowError(said, _texts(context.get("objectWriteTraceId")), ids))
    return found


def correlation_of(reply: Reply) -> str:
    """The id by which HubSpot's support finds the request."""
    return _shaped(_CORRELATION, reply.headers.get("x-hubspot-correlation-id"))


def missing_scopes(data: Mapping[str, Any]) -> list[str]:
    """The scopes that a 403 asks for."""
    places = [data.get("context"), *(entry.get("context") for entry in mappings(data.get("errors")))]
    named = [name for place in mappings(places) for name in _texts(place.get("requiredGranularScopes"))]
    return sorted({name for name in named if _SCOPE.fullmatch(name)})


def _details(data: Mapping[str, Any], names: Collection[str]) -> Iterator[tuple[str, str]]:
    for entry in mappings(data.get("errors")):
        context = entry.get("context")
        named = _texts(context.get("propertyName")) if isinstance(context, Mapping) else ()
        yield _code(entry.get("code")), _known(named, names)
    for entry in mappings(_validation_result(data.get("message"))):
        yield _code(entry.get("error")), _known(_texts(entry.get("name")), names)


def _validation_result(message: Any) -> Any:
    """HubSpot writes the validation of property values as JSON into the message."""
    if not isinstance(message, str) or not message.startswith(_VALIDATION):
        return None
    try:
        return orjson.loads(message.removeprefix(_VALIDATION))
    except orjson.JSONDecodeError:
        return None


def _known(named: tuple[str, ...], names: Collection[str]) -> str:
    return next((name for name in named if name in names), "")


def _code(value: Any) -> str:
    return _shaped(_CODE, value)


def _shaped(shape: re.Pattern[str], value: Any) -> str:
    return value if isinstance(value, str) and shape.fullmatch(value) else ""


def _texts(value: Any) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    return tuple(str(item) for item in values if isinstance(item, str | int))


def mappings(value: Any) -> list[Mapping[str, Any]]:
    """Those entries of a list that are objects; nothing when it is no list."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []
