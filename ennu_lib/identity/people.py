"""The comparable form of a table of people: one integer code per value, in key order."""

from dataclasses import dataclass, field

import polars as pl

from ennu_lib.errors import ConfigurationError, SourceChanged
from ennu_lib.identity.params import FIELDS, IdentityParams, Placeholder
from ennu_lib.identity.standard import STANDARD, suffix

NAMES = ("first_name", "last_name", "middle_name", "preferred_name")  # one dictionary, so that swaps are seen
SEVERAL = ("phone",)  # fields of which a record may have several values at once


@dataclass(frozen=True)
class People:
    """Records as codes. Row i of `codes` belongs to `keys[i]`; a code is a position in the sorted `values`.

    `codes` has one UInt32 column per field (null: not known); a field with several values has `<field>_1`, `<field>_2`
    and so on. `columns` says which. `not_known` counts, per field, what was nulled and why.
    """

    keys: pl.Series
    codes: pl.DataFrame
    values: dict[str, pl.Series]
    columns: dict[str, list[str]]
    absent: list[str] = field(default_factory=list)
    not_known: pl.DataFrame = field(default_factory=pl.DataFrame)

    def __len__(self) -> int:
        return len(self.keys)

    def dictionary(self, column: str) -> pl.Series:
        """The distinct values that the codes of a column point into, sorted."""
        return self.values[_domain(_field_of(column))]


def standardize_people(
    table: pl.LazyFrame | pl.DataFrame, columns: dict[str, str | list[str]], params: IdentityParams, key: str
) -> People:
    """Bring a table of people into comparable form.

    `columns` maps a field (first_name, birth_date ...) to its column or columns; what the table lacks is listed in
    `absent`. Raises SourceChanged when the key or every compared field is missing, ConfigurationError when keys are
    empty or repeat.
    """
    lazy = table.lazy()
    present = set(lazy.collect_schema().names())
    order, keys = _key_order(lazy, key, present)
    used = {f: [c for c in _listed(columns.get(f)) if c in present] for f in FIELDS}
    absent = [f for f in FIELDS if not used[f]]
    compared = [c.field for c in params.comparisons if used[c.field]]
    if len(compared) < 2:
        raise SourceChanged(f"fewer than two columns of people to compare; name the columns of {', '.join(absent)}")

    readings = []
    for name in FIELDS:
        readings += _read_field(lazy, name, used, order, params.placeholders.get(name, Placeholder()))
    values, codes = _encode(readings)
    codes, shared = _null_shared(codes, params.placeholders)
    found = {f: [c for c in codes.columns if _field_of(c) == f] for f in FIELDS}
    counted = [row for r in readings for row in r.not_known] + shared
    schema = {"field": pl.String, "reason": pl.String, "records": pl.Int64}
    not_known = pl.DataFrame(counted, schema=schema, orient="row").filter(pl.col("records") > 0)
    not_known = not_known.group_by("field", "reason", maintain_order=True).agg(pl.col("records").sum())
    return People(keys, codes, values, {f: c for f, c in found.items() if c}, absent, not_known)


@dataclass(frozen=True)
class _Reading:
    """One column of the table: its raw rows, and what each distinct raw value stands for."""

    column: str
    rows: pl.Series
    meaning: pl.DataFrame  # raw, value
    not_known: list[tuple[str, str, int]]


def _key_order(lazy: pl.LazyFrame, key: str, present: set[str]) -> tuple[pl.Series, pl.Series]:
    if key not in present:
        raise SourceChanged(f"the key column {key!r} is not in the table of people")
    keys = lazy.select(key).collect()[key]
    mistakes = []
    if keys.null_count():
        mistakes.append(f"{keys.null_count()} rows have no key")
    if keys.n_unique() < len(keys):
        mistakes.append(f"{len(keys) - keys.n_unique()} keys are there more than once")
    if mistakes:
        raise ConfigurationError(f"column {key!r}", mistakes)
    order = _natural(keys)
    return order, keys.gather(order)


def _natural(keys: pl.Series) -> pl.Series:
    """The order of keys by number, then as text: the same whether a file gave them as numbers or as text."""
    if keys.dtype.is_integer():
        return keys.arg_sort()
    text = keys.cast(pl.String)
    number = text.str.strip_suffix(".0").cast(pl.Int64, strict=False)
    both = pl.DataFrame({"number": number, "text": text})
    return both.select(pl.arg_sort_by("number", "text", nulls_last=True)).to_series()


def _read_field(
    lazy: pl.LazyFrame, name: str, used: dict[str, list[str]], order: pl.Series, placeholder: Placeholder
) -> list[_Reading]:
    texts = [pl.col(c).cast(pl.String).str.strip_chars() for c in used[name]]
    standard = STANDARD[name]
    if name == "suffix":
        # Many tables have the generation only at the end of the family name.
        tails = [pl.col(c).cast(pl.String).str.extract(r"(?i)[\s,]+(\S+)\s*$") for c in used["last_name"]]
        texts, standard = [pl.coalesce([suffix(t) for t in [*texts, *tails]])] if texts or tails else [], suffix
    if not texts:
        return []
    if name in SEVERAL:
        expressions = {f"{name}_{n}": text for n, text in enumerate(texts, 1)}
    else:
        expressions = {name: pl.coalesce([pl.when(text != "").then(text) for text in texts])}
    return [
        _reading(column, lazy.select(raw=text).collect()["raw"].gather(order), standard, placeholder)
        for column, text in expressions.items()
    ]


def _reading(column: str, rows: pl.Series, standard, placeholder: Placeholder) -> _Reading:
    counts = rows.drop_nulls().value_counts(name="rows")
    value = pl.col("value")
    meaning = counts.with_columns(value=standard(pl.col("raw"))).with_columns(hit=_is_placeholder(value, placeholder))
    unreadable = meaning.filter(value.is_null() & (pl.col("raw") != ""))["rows"].sum()
    not_known = [
        (_field_of(column), "placeholder", meaning.filter("hit")["rows"].sum()),
        (_field_of(column), "not readable", unreadable),
    ]
    meaning = meaning.select("raw", value=pl.when(~pl.col("hit")).then(value)).drop_nulls()
    return _Reading(column, rows, meaning, not_known)


def _is_placeholder(value: pl.Expr, placeholder: Placeholder) -> pl.Expr:
    hit = value.is_in(placeholder.values)
    for pattern in placeholder.patterns:
        hit = hit | value.str.contains(pattern)
    return hit.fill_null(False)


def says_nothing(columns: dict[str, str | list[str]], params: IdentityParams) -> dict[str, pl.Expr]:
    """Per column of the table, where its value is empty, unreadable or a placeholder."""
    tests = {}
    for name, listed in columns.items():
        for column in _listed(listed):
            value = STANDARD[name](pl.col(column).cast(pl.String).str.strip_chars())
            tests[column] = value.is_null() | _is_placeholder(value, params.placeholders.get(name, Placeholder()))
    return tests


def _encode(readings: list[_Reading]) -> tuple[dict[str, pl.Series], pl.DataFrame]:
    values, codes = {}, {}
    for domain in dict.fromkeys(_domain(_field_of(r.column)) for r in readings):
        members = [r for r in readings if _domain(_field_of(r.column)) == domain]
        distinct = pl.concat([r.meaning["value"] for r in members]).unique().sort()
        values[domain] = distinct
        numbered = distinct.to_frame("value").with_row_index("code")
        for r in members:
            coded = r.meaning.join(numbered, on="value").select("raw", "code")
            rows = r.rows.to_frame("raw").join(coded, on="raw", how="left", maintain_order="left")
            codes[r.column] = rows["code"].cast(pl.UInt32)
    in_order = [r.column for r in readings]
    return values, pl.DataFrame({c: codes[c] for c in in_order})


def _null_shared(codes: pl.DataFrame, placeholders: dict[str, Placeholder]):
    """Null the values that more records have than one person or home can; a front-desk phone is nobody's."""
    counted = []
    for column in codes.columns:
        most = placeholders.get(_field_of(column), Placeholder()).shared_by_more_than
        if most is None:
            continue
        shared = codes[column].value_counts().filter((pl.col("count") > most) & pl.col(column).is_not_null())
        if len(shared):
            keep = pl.when(~pl.col(column).is_in(shared[column].implode())).then(pl.col(column))
            codes = codes.with_columns(keep.alias(column))
            counted.append((_field_of(column), f"shared by more than {most} records", int(shared["count"].sum())))
    return codes, counted


def _field_of(column: str) -> str:
    return column.rsplit("_", 1)[0] if column[-1].isdigit() else column


def _domain(name: str) -> str:
    return "name" if name in NAMES else name


def _listed(columns: str | list[str] | None) -> list[str]:
    return [columns] if isinstance(columns, str) else list(columns or [])
