"""The value rules of each property type, with HubSpot's codes and wordings.

A rule takes a JSON value that is neither null nor empty and returns the text that is stored and given back. Rules
are compiled once per definition: the upsert path calls them for every property of every record.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

from ennu_lib.emulator.errors import bad_request
from ennu_lib.emulator.model import Property
from ennu_lib.emulator.settings import STRING_CHARACTERS
from ennu_lib.emulator.times import DAY_MS, day, iso, parse_day, parse_instant

Rule = Callable[[Any], str]

LAST_MS = 253_402_300_799_999
_NUMBER = re.compile(r"-?(\d+\.?\d*|\.\d+)", re.ASCII)
_EPOCH = re.compile(r"-?\d{1,18}", re.ASCII)
_PLAIN_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_PLAIN_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d\d[1-9])?Z", re.ASCII)
_EMAIL = re.compile(r"[^@\s,;<>()\[\]\"]+@([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}", re.ASCII)


class BadValue(Exception):
    """A value that its property does not take."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code
        self.message = message


def as_text(value: Any) -> str:
    """A JSON scalar as the text HubSpot stores; lists and objects are no property values."""
    if type(value) is str:
        return value
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f")
    raise bad_request("Invalid input JSON: a property value must be a string, a number, a boolean or null")


def _string(value: Any) -> str:
    text = value if type(value) is str else as_text(value)
    if len(text) > STRING_CHARACTERS:
        raise BadValue("VALUE_TOO_LONG", f"Property value is too long. The maximum is {STRING_CHARACTERS} characters")
    return text


def _email(value: Any) -> str:
    text = _string(value).strip().lower()
    if not _EMAIL.fullmatch(text) or ".." in text:
        raise BadValue("INVALID_EMAIL", f"Email address {value} is invalid")
    return text


def _number(value: Any) -> str:
    return _number_text(as_text(value).strip())


@lru_cache(maxsize=65_536)
def _number_text(text: str) -> str:
    if not _NUMBER.fullmatch(text):
        raise BadValue("INVALID_INTEGER", f"{text} was not a valid number.")
    return text


def _boolean(value: Any) -> str:
    text = as_text(value).strip()
    if text not in ("true", "false"):
        raise BadValue("INVALID_OPTION", f"{text} was not one of the allowed options: [true, false]")
    return text


def _date(value: Any) -> str:
    return _date_text(as_text(value).strip())


@lru_cache(maxsize=65_536)
def _date_text(text: str) -> str:
    try:
        if _PLAIN_DAY.fullmatch(text):
            date.fromisoformat(text)
            return text
        ms = int(text) if _EPOCH.fullmatch(text) else parse_instant(text)
        if ms % DAY_MS:
            seconds, fraction = divmod(ms % DAY_MS, 1000)
            clock = f"{seconds // 3600}:{seconds // 60 % 60}:{seconds % 60}.{fraction}"
            raise BadValue("INVALID_DATE", f"{text} is at {clock} UTC, not midnight!")
        return day(ms)
    except (ValueError, OverflowError):
        raise BadValue("INVALID_DATE", f"{text} was not a valid date.") from None


def _datetime(value: Any) -> str:
    text = as_text(value).strip()
    try:
        if _PLAIN_INSTANT.fullmatch(text):
            _date_text(text[:10])
            return text
        if _EPOCH.fullmatch(text):
            ms = int(text)
        else:
            ms = parse_day(text) if _PLAIN_DAY.fullmatch(text) else parse_instant(text)
        if ms > LAST_MS:
            raise ValueError
        return iso(ms)
    except (ValueError, OverflowError, BadValue):
        raise BadValue("INVALID_LONG", f"{text} was not a valid long.") from None


def _not_an_option(text: str, allowed: dict[str, None]) -> BadValue:
    return BadValue("INVALID_OPTION", f"{text} was not one of the allowed options: [{', '.join(allowed)}]")


def _one_of(allowed: dict[str, None]) -> Rule:
    def rule(value: Any) -> str:
        text = value if type(value) is str else as_text(value)
        if text not in allowed:
            raise _not_an_option(text, allowed)
        return text

    return rule


def _some_of(allowed: dict[str, None]) -> Rule:
    def rule(value: Any) -> str:
        text = as_text(value)
        for part in text.removeprefix(";").split(";"):
            if part not in allowed:
                raise _not_an_option(part, allowed)
        return text

    return rule


def _owner(owners: Callable[[str], bool]) -> Rule:
    def rule(value: Any) -> str:
        text = as_text(value).strip()
        if not owners(text):
            raise BadValue("INVALID_OWNER_ID", f"Owner {text} does not exist")
        return text

    return rule


def compile_rule(definition: Property, owners: Callable[[str], bool]) -> Rule:
    """The rule of one property; `owners` tells whether an owner id exists."""
    if definition.referenced_object_type == "OWNER":
        return _owner(owners)
    if definition.type == "enumeration":
        allowed = dict.fromkeys(option["value"] for option in definition.options)
        return _some_of(allowed) if definition.multiple else _one_of(allowed)
    if definition.name == "email" and definition.hubspot_defined:
        return _email
    return {"number": _number, "bool": _boolean, "date": _date, "datetime": _datetime}.get(definition.type, _string)


def append_options(present: str | None, addition: str) -> str:
    """A multi-select value after `;b` was sent: what was there, and what is new."""
    parts = present.split(";") if present else []
    return ";".join(parts + [part for part in addition[1:].split(";") if part not in parts])
