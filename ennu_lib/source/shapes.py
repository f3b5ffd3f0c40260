"""The shape of a database as it really is: tables, columns, keys, reflected and not assumed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy import exc, types

from ennu_lib.source.connect import reaching

# MySQL's own binary types share no public base class in SQLAlchemy.
OTHER_BYTES = frozenset({"BIT", "VARBINARY", "BINARY", "TINYBLOB", "MEDIUMBLOB", "LONGBLOB"})


class Kind(StrEnum):
    """How a column's values are kept in Parquet."""

    INTEGER = "integer"
    DECIMAL = "decimal"
    FLOAT = "float"
    BOOLEAN = "boolean"
    TEXT = "text"
    MOMENT = "moment"
    BYTES = "bytes"
    OTHER = "other"


@dataclass(frozen=True)
class ColumnShape:
    """One column. `declared` is the type as the database names it."""

    name: str
    kind: Kind
    declared: str
    nullable: bool = True
    scale: int = 0


@dataclass(frozen=True)
class Relation:
    """A declared foreign key."""

    columns: tuple[str, ...]
    table: str
    referred: tuple[str, ...]


@dataclass(frozen=True)
class TableShape:
    """One table. `key` is empty when the table has no primary key."""

    name: str
    columns: tuple[ColumnShape, ...]
    key: tuple[str, ...] = ()
    relations: tuple[Relation, ...] = ()
    schema: str | None = None

    def selectable(self) -> sa.TableClause:
        """The table for use in a SELECT, with every name quoted."""
        columns = [sa.column(sa.sql.quoted_name(c.name, True)) for c in self.columns]
        return sa.table(sa.sql.quoted_name(self.name, True), *columns, schema=self.schema)


def reflect(engine: sa.Engine, schema: str | None = None, views: Iterable[str] = ()) -> dict[str, TableShape]:
    """All tables of the database by name, sorted, and those of its views that `views` names.

    A view that is broken or forbidden has no columns here; the extraction says why it cannot be read.
    """
    with reaching(engine), engine.connect() as connection:
        inspector = sa.inspect(connection)
        columns = {**inspector.get_multi_columns(schema=schema), **_views(inspector, schema, views)}
        keys = inspector.get_multi_pk_constraint(schema=schema)
        relations = inspector.get_multi_foreign_keys(schema=schema)
    shapes = {}
    for at, described in columns.items():
        name = at[1]
        shapes[name] = TableShape(
            name=name,
            columns=tuple(_column(c) for c in described),
            key=tuple((keys.get(at) or {}).get("constrained_columns") or ()),
            relations=tuple(
                Relation(tuple(r["constrained_columns"]), r["referred_table"], tuple(r["referred_columns"]))
                for r in relations.get(at) or []
            ),
            schema=schema,
        )
    return dict(sorted(shapes.items()))


def _views(inspector: sa.Inspector, schema: str | None, views: Iterable[str]) -> dict[tuple, list]:
    found = {}
    for name in views:
        try:
            found[schema, name] = inspector.get_columns(name, schema)
        except (exc.NoSuchTableError, exc.UnreflectableTableError, exc.DBAPIError) as error:
            if getattr(error, "connection_invalidated", False):
                raise
            found[schema, name] = []
    return found


def _column(described: dict) -> ColumnShape:
    declared = described["type"]
    return ColumnShape(
        name=described["name"],
        kind=_kind(declared),
        declared=_name(declared),
        nullable=bool(described.get("nullable", True)),
        scale=int(getattr(declared, "scale", 0) or 0),
    )


def _kind(declared: types.TypeEngine) -> Kind:
    if isinstance(declared, types.Boolean):
        return Kind.BOOLEAN
    if isinstance(declared, types.Integer):
        return Kind.INTEGER
    if isinstance(declared, (types.Float, types.REAL, types.Double)):
        return Kind.FLOAT
    if isinstance(declared, types.Numeric):
        return Kind.DECIMAL
    if isinstance(declared, (types.Date, types.DateTime, types.Time, types.Interval)):
        return Kind.MOMENT
    if isinstance(declared, types.LargeBinary) or type(declared).__name__.upper() in OTHER_BYTES:
        return Kind.BYTES
    return Kind.TEXT if isinstance(declared, types.String) else Kind.OTHER


def _name(declared: types.TypeEngine) -> str:
    try:
        return str(declared)
    except exc.CompileError:
        return type(declared).__name__.upper()
