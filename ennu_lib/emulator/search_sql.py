"""Search filters as SQL conditions over the stored JSON."""

from __future__ import annotations

import re
import sqlite3
from typing import Any, NamedTuple

from ennu_lib.emulator.errors import bad_request
from ennu_lib.emulator.model import ObjectType, Property
from ennu_lib.emulator.times import parse_day, parse_instant

COMPARISONS = {"EQ": "=", "LT": "<", "LTE": "<=", "GT": ">", "GTE": ">="}
OPERATORS = (
    *COMPARISONS, "NEQ", "BETWEEN", "IN", "NOT_IN", "HAS_PROPERTY", "NOT_HAS_PROPERTY", "CONTAINS_TOKEN",
    "NOT_CONTAINS_TOKEN",
)  # fmt: skip
_WORD = re.compile(r"[\w@.+-]+")


class Condition(NamedTuple):
    """A piece of SQL with the values of its question marks."""

    sql: str
    values: list[Any]


def prepare(connection: sqlite3.Connection) -> sqlite3.Connection:
    """Give a connection the functions that the conditions call."""
    connection.create_function("instant", 1, _instant, deterministic=True)
    connection.create_function("has_token", 2, _has_token, deterministic=True)
    return connection


def _instant(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return parse_day(text) if len(text) == 10 else parse_instant(text)
    except ValueError:
        return None


def _has_token(text: str | None, pattern: str) -> bool:
    if text is None:
        return False
    wanted = re.compile(".*".join(map(re.escape, pattern.split("*"))))
    return any(wanted.fullmatch(word) for word in [*_WORD.findall(text.lower()), text.lower()])


def visible_sql(kind: ObjectType, horizon: int | None) -> Condition:
    """What the index knows: records that have not changed since `horizon` (ms), and old images of those that have."""
    table, columns = f"records_{kind.number}", "id, created, updated, body"
    if horizon is None:
        return Condition(f"SELECT {columns} FROM {table} WHERE archived IS NULL", [])
    old = f"unindexed_{kind.number}"
    return Condition(
        f"SELECT {columns} FROM {table} WHERE archived IS NULL AND updated <= ? UNION ALL "
        f"SELECT o.id, o.created, o.updated, o.body FROM {old} AS o JOIN {table} AS r ON r.id = o.id "
        "WHERE r.archived IS NULL AND r.updated > ? AND o.updated <= ?",
        [horizon, horizon, horizon],
    )


def find_searchable(kind: ObjectType, name: str) -> Property:
    """The definition of a property in a search. Raises a 400 for unknown and for highly sensitive ones."""
    definition = kind.properties.get(name)
    if definition is None:
        raise bad_request(f"There was a problem with the request: property '{name}' does not exist")
    if definition.data_sensitivity == "highly_sensitive":
        raise bad_request(f"Property '{name}' is highly sensitive and cannot be searched")
    return definition


def field_sql(kind: ObjectType, name: str) -> Condition:
    """The value of a property in a comparable form: a number, milliseconds, or lower-case text."""
    definition = find_searchable(kind, name)
    columns = {"hs_object_id": "id", kind.created_property: "created", kind.modified_property: "updated"}
    if name in columns:
        return Condition(columns[name], [])
    text = "json_extract(CAST(body AS TEXT), ?)"
    path = f'$."{name}"'
    if definition.type == "number":
        return Condition(f"CAST({text} AS REAL)", [path])
    if definition.type in ("date", "datetime"):
        return Condition(f"instant({text})", [path])
    return Condition(f"lower({text})", [path])


def _operand(definition: Property, value: Any) -> Any:
    text = str(value).strip()
    if definition.type == "number":
        try:
            return float(text)
        except ValueError:
            raise bad_request(f"Invalid value for number property '{definition.name}'") from None
    if definition.type in ("date", "datetime"):
        found = int(text) if text.lstrip("-").isdigit() else _instant(text)
        if found is None:
            raise bad_request(f"Invalid value for date property '{definition.name}'")
        return found
    return text.lower()


def condition_of(kind: ObjectType, item: dict[str, Any]) -> Condition:
    """One filter. Raises a 400 for an unknown operator or property, or a value that is missing."""
    operator, name = item.get("operator"), str(item.get("propertyName"))
    if operator not in OPERATORS:
        raise bad_request(f"Invalid operator '{operator}': it must be one of {', '.join(OPERATORS)}")
    definition = find_searchable(kind, name)
    field = field_sql(kind, name)
    if operator in ("HAS_PROPERTY", "NOT_HAS_PROPERTY"):
        return Condition(f"{field.sql} IS {'NOT ' if operator == 'HAS_PROPERTY' else ''}NULL", field.values)
    if operator in ("IN", "NOT_IN"):
        return _membership(definition, field, operator, item.get("values"))
    if item.get("value") is None:
        raise bad_request(f"Filter on '{name}' needs a value")
    if operator == "EQ" and definition.identifies:
        sql = f"id IN (SELECT id FROM unique_{kind.number} WHERE property = ? AND value = ?)"
        return Condition(sql, [definition.number, definition.spelled(str(item["value"]))])
    return _comparison(definition, field, operator, item)


def _membership(definition: Property, field: Condition, operator: str, values: Any) -> Condition:
    if not isinstance(values, list) or not values:
        raise bad_request(f"Filter on '{definition.name}' needs values")
    marks = ", ".join("?" * len(values))
    operands = [_operand(definition, value) for value in values]
    return Condition(f"{field.sql} {operator.replace('_', ' ')} ({marks})", [*field.values, *operands])


def _comparison(definition: Property, field: Condition, operator: str, item: dict[str, Any]) -> Condition:
    value = _operand(definition, item["value"])
    if operator == "BETWEEN":
        if item.get("highValue") is None:
            raise bad_request(f"Filter on '{definition.name}' needs a highValue")
        return Condition(
            f"{field.sql} BETWEEN ? AND ?", [*field.values, value, _operand(definition, item["highValue"])]
        )
    if operator in ("CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"):
        negation = "NOT " if operator.startswith("NOT") else ""
        return Condition(f"{negation}has_token({field.sql}, ?)", [*field.values, str(item["value"]).lower()])
    if operator in ("EQ", "NEQ") and definition.multiple:
        found = f"instr(';' || coalesce({field.sql}, '') || ';', ?) {'>' if operator == 'EQ' else '='} 0"
        return Condition(found, [*field.values, f";{value};"])
    if operator == "NEQ":
        return Condition(f"{field.sql} IS NOT ?", [*field.values, value])
    return Condition(f"{field.sql} {COMPARISONS[operator]} ?", [*field.values, value])


def query_condition(kind: ObjectType, text: str) -> Condition:
    """Every word of a query in some searchable property."""
    fields = [field_sql(kind, name) for name in kind.searchable if name in kind.properties] or [Condition("''", [])]
    parts, values = [], []
    for word in text.lower().split():
        parts.append("(" + " OR ".join(f"instr(coalesce({field.sql}, ''), ?) > 0" for field in fields) + ")")
        values += [value for field in fields for value in (*field.values, word)]
    return Condition(" AND ".join(parts), values)
