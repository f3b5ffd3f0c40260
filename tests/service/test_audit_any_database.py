"""`ennu audit --url` on the strangest databases, on every system: a page, audit.json, and nobody's values."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa

from ennu_lib.audit.any_database import DATA, PAGE, audit_database
from ennu_lib.report.pagecheck import problems
from ennu_lib.source import connect
from tests.support.audited import TODAY
from tests.support.strange_schemas import statements

# Few and narrow in the default run; as many as were met in real systems in the slow one.
SIZES = [pytest.param((3, 40), id="small"), pytest.param((480, 1227), id="large", marks=pytest.mark.slow)]


@pytest.fixture(params=SIZES)
def strange(request, database_url):
    engine = connect(database_url)
    with engine.begin() as database:
        if engine.dialect.name == "mysql":
            database.exec_driver_sql("SET SESSION sql_mode = ''")
        for statement in statements(engine.dialect.name, *request.param):
            database.execute(sa.text(statement.replace(":", r"\:")))
    engine.dispose()
    return database_url, request.param


def test_a_strange_database_ends_with_a_page(strange, tmp_path):
    url, (small, columns) = strange
    data = audit_database(url, tmp_path / "out", today=TODAY)
    page = (tmp_path / "out" / PAGE).read_text(encoding="utf-8")
    assert problems(page) == []
    assert json.loads((tmp_path / "out" / DATA).read_text(encoding="utf-8"))["patients"] == "patients"
    tables = {t["table"]: t for t in data["tables"]}
    assert len(tables) >= 17 + small
    assert tables["wide"]["columns"] == columns
    assert tables["empty_one"]["rows"] == 0
    assert tables["user_sessions"]["identifiers"] is None, "tables of secrets are counted and never read"
    assert "a view" not in tables
    relations = {(r["table"], r["column"]): r["parent"] for r in data["relations"]}
    assert relations["25 again", "PatNum"] == "patients"
    assert {relations[x, f"{y}_id"] for x, y in ("ab", "bc", "ca")} == {"a", "b", "c"}
    assert [c["table"] for c in data["cuts"] if c["table"] in "abc"] == ["a"], "one relation of the cycle is cut"
    assert relations["MiXeD_CaSe", "parent_id"] == "MiXeD_CaSe"
    quirks = {(q["table"], q["quirk"]): q for q in data["quirks"]}
    assert quirks["Select", "reserved_name"]["columns"][:2] == ["order", "group"]
    assert quirks["generated", "generated"]["columns"] == ["total"]
    assert quirks["a view", "view"]["endangers"] is False
    assert ("wide", "no_snapshot") in quirks or not url.startswith("mysql")
    assert all(table["stored"] for table in data["tables"])
    assert "Quirks: no primary key; reserved name (" in page
    for value in ("Ann 7", "1917-02-03", "open sesame"):
        assert value not in page and value not in json.dumps(data)


def test_a_database_without_tables_ends_with_a_page(database_url, tmp_path):
    data = audit_database(database_url, tmp_path / "out", today=TODAY)
    assert data["tables"] == []
    assert problems((tmp_path / "out" / PAGE).read_text(encoding="utf-8")) == []
