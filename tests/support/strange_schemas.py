"""The strangest database one can meet, as SQL for each of the three systems."""

from __future__ import annotations

RESERVED = (
    "order",
    "group",
    "select",
    "from",
    "table",
    "index",
    "range",
    "interval",
    "read",
    "use",
    "system",
    "position",
)

# Columns are `name:type`; a part without a type names the primary key.
ODD_TABLES = {
    "patients": "patient_id:INTEGER|First Name:VARCHAR(40)|DOB:DATE|patient_id",
    "25 again": "1st:INTEGER|order:INTEGER|PatNum:INTEGER|ünïcode:VARCHAR(20)",
    "MiXeD_CaSe": "Id:INTEGER|parent_id:INTEGER|Note:TEXT|Id",
    "empty_one": "id:INTEGER|patient_id:INTEGER|d:DATE|id",
    "a": "a_id:INTEGER|b_id:INTEGER|a_id",
    "b": "b_id:INTEGER|c_id:INTEGER|b_id",
    "c": "c_id:INTEGER|a_id:INTEGER|c_id",
    "all_null": "x:VARCHAR(10)|y:INTEGER|z:moment",
    "blobs only": "payload:bytes",
    "one_column": "flag:BOOLEAN",
    "two_keys": "x:INTEGER|y:INTEGER|v:FLOAT|x and y",
    "user_sessions": "id:INTEGER|data:TEXT|id",
    "long_text": "id:INTEGER|body:long|id",
    "extremes": "id:BIGINT|amount:DECIMAL(30,10)|f:DOUBLE PRECISION|id",
}
KINDS = {
    "sqlite": {"moment": "DATETIME", "bytes": "BLOB", "long": "TEXT"},
    "mysql": {"moment": "DATETIME", "bytes": "BLOB", "long": "LONGTEXT"},
    "postgresql": {"moment": "TIMESTAMP", "bytes": "BYTEA", "long": "TEXT"},
}


def quoted(name: str, dialect: str) -> str:
    """The name between the quotes of the system."""
    mark = "`" if dialect == "mysql" else '"'
    return f"{mark}{name.replace(mark, mark * 2)}{mark}"


def statements(dialect: str, tables: int, columns: int) -> list[str]:
    """CREATE, INSERT and VIEW statements for `sqlite`, `mysql` or `postgresql`.

    `tables` small tables beside the odd ones, and `columns` in the widest.
    """
    q = lambda name: quoted(name, dialect)  # noqa: E731
    kinds = KINDS[dialect]
    made = [
        *(_create(q, name, columns, kinds) for name, columns in ODD_TABLES.items()),
        _create(q, "Select", "|".join(f"{word}:VARCHAR(20)" for word in RESERVED), kinds),
        *(_create(q, f"t{n:03}", f"id:INTEGER|ref_{n}:INTEGER|txt:TEXT", kinds) for n in range(tables)),
        _generated(q, dialect),
        _wide(q, dialect, columns),
        f"CREATE VIEW {q('a view')} AS SELECT {q('patient_id')} FROM {q('patients')}",
    ]
    filled = [
        *(f"INSERT INTO {q('patients')} VALUES ({n}, 'Ann {n}', '19{n % 90 + 10}-02-03')" for n in range(1, 41)),
        *(f"INSERT INTO {q('25 again')} VALUES ({n}, {n % 4}, {n % 40 + 1}, 'Zoë {n}')" for n in range(60)),
        *(f"INSERT INTO {q('Select')} VALUES ({', '.join(repr(w + str(n % 3)) for w in RESERVED)})" for n in range(15)),
        *(f"INSERT INTO {q('MiXeD_CaSe')} VALUES ({n}, {max(1, n // 2)}, 'note {n}')" for n in range(1, 20)),
        *(f"INSERT INTO {q(x)} VALUES ({n}, {n % 12 + 1})" for x in "abc" for n in range(1, 13)),
        *(f"INSERT INTO {q('all_null')} VALUES (NULL, NULL, NULL)" for _ in range(5)),
        f"INSERT INTO {q('blobs only')} VALUES (NULL)",
        f"INSERT INTO {q('one_column')} VALUES ({'TRUE' if dialect != 'sqlite' else 1})",
        *(f"INSERT INTO {q('two_keys')} VALUES ({n}, {m}, 0.5)" for n in range(4) for m in range(4)),
        f"INSERT INTO {q('user_sessions')} VALUES (1, 'open sesame 91')",
        f"INSERT INTO {q('long_text')} VALUES (1, '{'x' * 70_000}')",
        f"INSERT INTO {q('long_text')} VALUES (2, '   ')",
        f"INSERT INTO {q('extremes')} VALUES (9223372036854775807, 12345678901234567890.0123456789, 1e308)",
        f"INSERT INTO {q('extremes')} VALUES (-9223372036854775808, -0.0000000001, -1e-308)",
        f"INSERT INTO {q('generated')} ({q('a')}, {q('b')}) VALUES (1, 2)",
        *(f"INSERT INTO {q('wide')} ({q('c0')}, {q('c1')}) VALUES ({n}, {n})" for n in range(30)),
        *("INSERT INTO " + q(f"t{n:03}") + f" VALUES (1, {n}, 'v')" for n in range(0, tables, 3)),
    ]
    return made + filled + _own_oddities(q, dialect)


def _create(q, name: str, columns: str, kinds: dict[str, str]) -> str:
    parts = [column.rsplit(":", 1) for column in columns.split("|") if ":" in column]
    keys = [column for column in columns.split("|") if ":" not in column]
    described = [f"{q(column)} {kinds.get(kind, kind)}" for column, kind in parts]
    described += [f"PRIMARY KEY ({', '.join(q(k) for k in key.split(' and '))})" for key in keys]
    return f"CREATE TABLE {q(name)} ({', '.join(described)})"


def _generated(q, dialect: str) -> str:
    return (
        f"CREATE TABLE {q('generated')} ({q('a')} INTEGER, {q('b')} INTEGER, "
        f"{q('total')} INTEGER GENERATED ALWAYS AS ({q('a')} + {q('b')}) STORED)"
    )


def _wide(q, dialect: str, columns: int) -> str:
    """As many columns as were met: MariaDB holds so many in its older engine only."""
    engine = " ENGINE=MyISAM" if dialect == "mysql" else ""
    return f"CREATE TABLE {q('wide')} ({', '.join(q(f'c{n}') + ' SMALLINT' for n in range(columns))}){engine}"


def _own_oddities(q, dialect: str) -> list[str]:
    if dialect == "sqlite":
        return [
            "CREATE TABLE untyped (a, b, c)",
            "INSERT INTO untyped VALUES (1, 'x', x'00ff'), ('y', 2.5, NULL), (NULL, NULL, 'z')",
            "CREATE TABLE wrong_types (id INTEGER PRIMARY KEY, n INTEGER, d DATE)",
            "INSERT INTO wrong_types VALUES (1, 'not a number', '0000-00-00'), (2, 3, 20240101), "
            "(3, NULL, '1900-01-01')",
            "CREATE TABLE bytes_in_text (t TEXT)",
            "INSERT INTO bytes_in_text VALUES (CAST(x'fffe41' AS TEXT)), ('fine')",
            'CREATE TABLE """quoted"" ; name" (" " INTEGER, "a\tb" TEXT)',
        ]
    if dialect == "mysql":
        return [
            "CREATE TABLE zero_dates (id INT PRIMARY KEY, d DATE NOT NULL, t DATETIME NOT NULL, "
            "b BIT(3), e ENUM('x','y')) ENGINE=MyISAM CHARSET=latin1",
            "INSERT INTO zero_dates VALUES (1, '0000-00-00', '0000-00-00 00:00:00', b'101', 'x'), "
            "(2, '2020-01-02', '2020-01-02 03:04:05', b'000', 'y')",
            "CREATE TABLE spans (id INT PRIMARY KEY, t TIME, y YEAR, j JSON, s SET('a','b')) CHARSET=utf8mb3",
            "INSERT INTO spans VALUES (1, '838:59:59', 2020, '{\"a\": 1}', 'a,b'), (2, '-01:00:00', 1901, NULL, '')",
        ]
    return [
        "CREATE TABLE spans (id INT PRIMARY KEY, i INTERVAL, a INT[], j JSONB, u UUID, n INET, r INT4RANGE)",
        "INSERT INTO spans VALUES (1, '1 day', '{1,2}', '{\"a\": 1}', gen_random_uuid(), '10.0.0.1', '[1,5)')",
        "CREATE TABLE ends (id INT PRIMARY KEY, d DATE, t TIMESTAMPTZ, m MONEY)",
        "INSERT INTO ends VALUES (1, 'infinity', '-infinity', 12), (2, '4713-01-01 BC', now(), NULL)",
    ]
