"""The catalogue of the 189 source tables: what each holds, how large it is, where it goes."""

from ennu_lib.catalog.columns import Column, ColumnType
from ennu_lib.catalog.tables import Catalogue, Table, load_catalogue

__all__ = ["Catalogue", "Column", "ColumnType", "Table", "load_catalogue"]
