"""How a Synthea export is placed: the files of `params/synthea`, read, checked against the catalogue, refused whole.

One file per source file. Its `routes` are tried in order; the first whose condition holds takes the row. A route names
the tables that the row goes to, and for each column of a table a value:

    COLUMN                              the text of that source column
    {const: x}, true, 1                 the same for every row
    {text: COL, upper, drop, first}     text with characters dropped, upper-cased, cut
    {words: COL, which: last}           the last word, or `all_but_last`
    {join: [COL, COL], with: "; "}      texts that are there, joined
    {map: COL, values: {a: b}, other}   translated; `other` is `keep`, or the value for everything else
    {present: COL, then: x, else: y}    by whether the column holds anything
    {number: COL, minus: COL}           a number, less another column or number
    {date: COL}, {local: COL}, {local_date: COL}   a date; a UTC time in the time zone of the row's site; its date
    {id_of: table, in: COL}             key of the row of `table` that was made from this source id
    {row_of: name}                      key that the same source row got in another table of the route
    {group_of: name}                    key of the group of source rows (`one_per`) that this row belongs to
    {numbered: PREFIX, width: n}        the row's own key as a code
    {zone: site}                        the time zone itself
    {first_of: [value, …]}              the first value that is there
    {choose: [{when: …, value: …}, …]}  the first value whose condition holds
    {pick: COL, code: x}, {pairs: COL}, {count: rows}   in a group: one code's value, all as JSON, how many
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ennu_lib.catalog import Catalogue
from ennu_lib.config.yaml_model import load_yaml
from ennu_lib.errors import ConfigurationError

OPTIONS = {
    "from": set(),
    "const": set(),
    "text": {"upper", "drop", "first"},
    "words": {"which"},
    "join": {"with"},
    "map": {"values", "other"},
    "present": {"then", "else"},
    "number": {"minus"},
    "date": set(),
    "local": set(),
    "local_date": set(),
    "id_of": {"in"},
    "row_of": set(),
    "group_of": set(),
    "numbered": {"width"},
    "zone": set(),
    "first_of": set(),
    "choose": set(),
    "pick": {"code"},
    "pairs": set(),
    "count": set(),
}
NAMES_A_COLUMN = {"from", "text", "words", "map", "present", "number", "date", "local", "local_date", "pick", "pairs"}
FILE_KEYS = {"file", "required", "code", "per", "lookups", "zone_state", "nth", "derived", "routes", "no_home"}
ROUTE_KEYS = {"when", "tables"}
TABLE_KEYS = {"table", "as", "id", "source_id", "one_per", "when", "places", "columns"}
LOOKUP_KEYS = {"file", "reference", "by", "match", "take", "keep", "nth", "from"}
Condition = dict[str, Any]


@dataclass(frozen=True)
class Value:
    """One value of a target column: the operation, its argument, and its options."""

    op: str
    argument: Any
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def column(self) -> str | None:
        """The source column it reads, where that is a single one."""
        if self.op == "id_of":
            return self.options["in"]
        return self.argument if self.op in NAMES_A_COLUMN else None


@dataclass(frozen=True)
class TablePlan:
    """Rows of one target table made from the rows of a route."""

    table: str
    name: str
    id_column: str | None
    source_id: str | None
    one_per: tuple[str, ...]
    when: tuple[Condition, ...]
    places: bool
    columns: dict[str, Value]


@dataclass(frozen=True)
class Route:
    """Which rows it takes and where they go."""

    when: tuple[Condition, ...]
    tables: tuple[TablePlan, ...]


@dataclass(frozen=True)
class FilePlan:
    """How one source file is placed.

    `code` is the column by which rows without a home are told apart, `per` the column of which a large file is read
    in parts, `nth` numbers rows within groups,
    `derived` adds columns for conditions and values, `zone_state` is the column with the state whose time zone applies.
    """

    file: str
    required: bool
    code: str | None
    per: str | None
    lookups: tuple[dict[str, Any], ...]
    zone_state: str | None
    nth: dict[str, list[str]]
    derived: dict[str, Value]
    routes: tuple[Route, ...]
    no_home: str


@dataclass(frozen=True)
class ImportPlan:
    """The order of the files, the codes that the reference tables learn, and the plan of each file."""

    default_zone: str
    rows: dict[str, list[dict[str, Any]]]
    code_tables: list[dict[str, Any]]
    files: tuple[FilePlan, ...]


def load_import_plan(directory: Path, catalogue: Catalogue) -> ImportPlan:
    """Read `import.yml` and the files it lists below `directory` (params/synthea).

    Raises ConfigurationError with every mistake of every file: unknown keys and operations, tables and columns that
    the catalogue does not have, NOT NULL columns that no value is given for.
    """
    main, _ = load_yaml(directory / "import.yml")
    reading = _Reading(catalogue)
    plans = tuple(reading.file_plan(directory / f"{name}.yml") for name in main["files"])
    if reading.mistakes:
        raise ConfigurationError(str(directory), reading.mistakes)
    return ImportPlan(main["default_time_zone"], main.get("rows", {}), main.get("code_tables", []), plans)


class _Reading:
    """Turns parsed YAML into plans and gathers what is wrong with it."""

    def __init__(self, catalogue: Catalogue):
        self.mistakes: list[str] = []
        self._catalogue = catalogue

    def file_plan(self, path: Path) -> FilePlan:
        raw, _ = load_yaml(path)
        self._unknown(raw, FILE_KEYS, path.name)
        for lookup in raw.get("lookups", []):
            self._unknown(lookup, LOOKUP_KEYS, f"{path.name} lookups")
        routes = tuple(self._route(route, f"{path.name} route {n}") for n, route in enumerate(raw.get("routes", []), 1))
        return FilePlan(
            file=raw["file"],
            required=raw.get("required", False),
            code=raw.get("code"),
            per=raw.get("per"),
            lookups=tuple(raw.get("lookups", [])),
            zone_state=raw.get("zone_state"),
            nth=raw.get("nth", {}),
            derived={
                name: self._value(value, f"{path.name}, {name}") for name, value in raw.get("derived", {}).items()
            },
            routes=routes,
            no_home=raw.get("no_home", "no route takes such rows"),
        )

    def _route(self, raw: dict, where: str) -> Route:
        self._unknown(raw, ROUTE_KEYS, where)
        tables = tuple(
            self._table(table, f"{where}, {table.get('table')}", n == 0) for n, table in enumerate(raw["tables"])
        )
        if sum(table.places for table in tables) != 1:
            self.mistakes.append(f"{where}: exactly one table must decide whether a row is placed")
        return Route(_conditions(raw.get("when")), tables)

    def _table(self, raw: dict, where: str, first: bool) -> TablePlan:
        self._unknown(raw, TABLE_KEYS, where)
        columns = {name: self._value(value, f"{where}.{name}") for name, value in raw["columns"].items()}
        plan = TablePlan(
            table=raw["table"],
            name=raw.get("as", raw["table"]),
            id_column=raw.get("id"),
            source_id=raw.get("source_id"),
            one_per=tuple(raw.get("one_per", [])),
            when=_conditions(raw.get("when")),
            places=raw.get("places", first),
            columns=columns,
        )
        self._against_catalogue(plan, where)
        return plan

    def _value(self, raw: Any, where: str) -> Value:
        if isinstance(raw, str):
            return Value("from", raw)
        if not isinstance(raw, dict):
            return Value("const", raw)
        found = [op for op in OPTIONS if op in raw]
        if len(found) != 1:
            self.mistakes.append(f"{where}: a value has exactly one of {', '.join(OPTIONS)}")
            return Value("const", None)
        op = found[0]
        self._unknown(raw, OPTIONS[op] | {op}, where)
        options = {name: value for name, value in raw.items() if name != op}
        if op == "id_of" and "in" not in options:
            self.mistakes.append(f"{where}: id_of needs `in`, the column that holds the source id")
        if op == "first_of":
            return Value(op, [self._value(part, where) for part in raw[op]])
        if op == "choose":
            return Value(op, [(_conditions(part.get("when")), self._value(part["value"], where)) for part in raw[op]])
        return Value(op, raw[op], options)

    def _against_catalogue(self, plan: TablePlan, where: str) -> None:
        if plan.table not in self._catalogue:
            self.mistakes.append(f"{where}: the catalogue has no such table")
            return
        table = self._catalogue.table(plan.table)
        given = set(plan.columns) | ({plan.id_column} if plan.id_column else set())
        self.mistakes += [f"{where}: no column {name}" for name in sorted(given - set(table.column_names))]
        needed = {column.name for column in table.columns if not column.nullable}
        self.mistakes += [f"{where}: no value for {name}, which may not be NULL" for name in sorted(needed - given)]

    def _unknown(self, raw: dict, known: set[str], where: str) -> None:
        self.mistakes += [f"{where}: unknown key {name}" for name in raw if name not in known]


def _conditions(raw: Any) -> tuple[Condition, ...]:
    """Alternatives, each a mapping of column to what it must be; none means always."""
    if raw is None:
        return ()
    return tuple(raw) if isinstance(raw, list) else (raw,)
