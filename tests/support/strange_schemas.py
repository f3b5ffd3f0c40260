"""The strangest database one can meet, as SQL for each of the three systems."""

from __future__ import annotations

RESERVED = ("order", "group", "select", "from", "table", "index", "range", "interval", "read", "use", "system", "position")


def quoted(name: str, dialect: str) -> str:
    """The name between the quotes of the system."""
    mark = "`" if dialect == "mysql" else '"'
    return f"{mark}{name.replace(mark, mark * 2)}{mark}"


def statements(dialect: str, tables: int, columns: int) -> list[str]:
    """CREATE, INSERT and VIEW statements for `sqlite`, `mysql` or `postgresql`.

    `tables` small tables beside the odd ones, and `columns` in the widest.
    """
    q = lambda name: quoted(name, dialect)  # noqa: E731
    blob = "BYTEA" if dialect == "postgresql" else "BLOB"
    stamp = "TIMESTAMP" if dialect == "postgresql" else "DATETIME"
    made = [
        f"CREATE TABLE {q('patients')} ({q('patient_id')} INTEGER PRIMARY KEY, {q('First Name')} VARCHAR(40), {q('DOB')} DATE)",
        f"CREATE TABLE {q('25 again')} ({q('1st')} INTEGER, {q('order')} INTEGER, {q('PatNum')} INTEGER, {q('ünïcode')} VARCHAR(20))",
        f"CREATE TABLE {q('Select')} ({', '.join(q(w) + ' VARCHAR(20)' for w in RESERVED)})",
        f"CREATE TABLE {q('MiXeD_CaSe')} ({q('Id')} INTEGER PRIMARY KEY, {q('parent_id')} INTEGER, {q('Note')} TEXT)",
        f"CREATE TABLE {q('empty_one')} ({q('id')} INTEGER PRIMARY KEY, {q('patient_id')} INTEGER, {q('d')} DATE)",
        f"CREATE TABLE {q('a')} ({q('a_id')} INTEGER PRIMARY KEY, {q('b_id')} INTEGER)",
        f"CREATE TABLE {q('b')} ({q('b_id')} INTEGER PRIMARY KEY, {q('c_id')} INTEGER)",
        f"CREATE TABLE {q('c')} ({q('c_id')} INTEGER PRIMARY KEY, {q('a_id')} INTEGER)",
        f"CREATE TABLE {q('all_null')} ({q('x')} VARCHAR(10), {q('y')} INTEGER, {q('z')} {stamp})",
        f"CREATE TABLE {q('blobs only')} ({q('payload')} {blob})",
        f"CREATE TABLE {q('one_column')} ({q('flag')} BOOLEAN)",
        f"CREATE TABLE {q('two_keys')} ({q('x')} INTEGER, {q('y')} INTEGER, {q('v')} FLOAT, PRIMARY KEY ({q('x')}, {q('y')}))",
        f"CREATE TABLE {q('user_sessions')} ({q('id')} INTEGER PRIMARY KEY, {q('data')} TEXT)",
        f"CREATE TABLE {q('long_text')} ({q('id')} INTEGER PRIMARY KEY, {q('body')} {'LONGTEXT' if dialect == 'mysql' else 'TEXT'})",
        f"CREATE TABLE {q('extremes')} ({q('id')} BIGINT PRIMARY KEY, {q('amount')} DECIMAL(30,10), {q('f')} DOUBLE PRECISION)",
        _generated(q, dialect),
        _wide(q, dialect, columns),
        *(_small(q, n) for n in range(tables)),
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


def _small(q, n: int) -> str:
    return "CREATE TABLE " + q(f"t{n:03}") + f" ({q('id')} INTEGER, " + q(f"ref_{n}") + f" INTEGER, {q('txt')} TEXT)"


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
            "INSERT INTO wrong_types VALUES (1, 'not a number', '0000-00-00'), (2, 3, 20240101), (3, NULL, '1900-01-01')",
            "CREATE TABLE bytes_in_text (t TEXT)",
            "INSERT INTO bytes_in_text VALUES (CAST(x'fffe41' AS TEXT)), ('fine')",
            'CREATE TABLE """quoted"" ; name" (" " INTEGER, "a\tb" TEXT)',
        ]
    if dialect == "mysql":
        return [
            "CREATE TABLE zero_dates (id INT PRIMARY KEY, d DATE NOT NULL, t DATETIME NOT NULL, b BIT(3), e ENUM('x','y')) "
            "ENGINE=MyISAM CHARSET=latin1",
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
