"""The catalogue as SQLAlchemy tables, for SQLite, MariaDB and PostgreSQL.

Every identifier is quoted: names begin with digits, mix cases, and are reserved words. MariaDB compares text by its
bytes (utf8mb4_bin), so that codes that differ only in case stay two keys. PostgreSQL pads char(n), so longer fixed
width columns are varchar there.
"""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.sql.elements import quoted_name

from ennu_lib.catalog import Catalogue, Column, ColumnType, Table

MARIADB = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}
MARIADB_NAMES = ("mysql", "mariadb")

_TYPES: dict[str, Callable[[ColumnType], sa.types.TypeEngine]] = {
    "integer": lambda _: sa.Integer(),
    "bigint": lambda _: sa.BigInteger(),
    "smallint": lambda _: sa.SmallInteger(),
    "boolean": lambda _: sa.Boolean(),
    "decimal": lambda t: sa.Numeric(t.precision, t.scale),
    "float": lambda _: sa.Double(),
    "varchar": lambda t: sa.String(t.length),
    "char": lambda t: sa.CHAR(t.length).with_variant(postgresql.VARCHAR(t.length), "postgresql"),
    "enum": lambda t: sa.String(max(map(len, t.values))).with_variant(mysql.ENUM(*t.values), *MARIADB_NAMES),
    "text": lambda _: sa.Text().with_variant(mysql.MEDIUMTEXT(), *MARIADB_NAMES),
    "longtext": lambda _: sa.Text().with_variant(mysql.LONGTEXT(), *MARIADB_NAMES),
    "date": lambda _: sa.Date(),
    "datetime": lambda _: sa.DateTime(),
    "time": lambda _: sa.Time(),
    "blob": lambda _: sa.LargeBinary().with_variant(mysql.LONGBLOB(), *MARIADB_NAMES),
}


def metadata_of(catalogue: Catalogue) -> sa.MetaData:
    """All tables of the catalogue with their primary keys, unique columns and declared foreign keys."""
    metadata = sa.MetaData()
    for table in catalogue.tables:
        _add(metadata, table)
    return metadata


def _add(metadata: sa.MetaData, table: Table) -> sa.Table:
    constraints = [_foreign_key(table, column) for column in table.columns if column.declared]
    columns = [_column(column) for column in table.columns]
    return sa.Table(_quoted(table.name), metadata, *columns, *constraints, **MARIADB)


def _column(column: Column) -> sa.Column:
    return sa.Column(
        _quoted(column.name),
        _TYPES[column.type.kind](column.type),
        primary_key=column.primary_key,
        unique=column.unique or None,
        nullable=column.nullable,
        autoincrement=False,
    )


def _foreign_key(table: Table, column: Column) -> sa.ForeignKeyConstraint:
    parent, key = column.references
    name = f"fk_{table.no}_{column.name}"
    return sa.ForeignKeyConstraint([column.name], [f"{parent}.{key}"], name=name, use_alter=False)


def _quoted(name: str) -> quoted_name:
    return quoted_name(name, quote=True)
