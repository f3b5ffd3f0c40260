"""Keys of several columns: minimal ones, in tables without a key, and none that only chance makes."""

import polars as pl
import pytest

from ennu_lib.audit import key_findings
from ennu_lib.audit.blocks import keyless_table
from ennu_lib.audit.composites import composite_keys
from ennu_lib.audit.params import load_audit_params
from ennu_lib.audit.scan import scan
from tests.support.audited import PARAMS, TODAY, copied, sqlite_of

N = 400
USERS, ROLES = 40, 20
GRANTS = pl.DataFrame(
    {
        # Every user has ten roles: neither column is a key, both together are; the note has no two alike within a role.
        "user_id": [n // 10 + 1 for n in range(N)],
        "role_id": [n % 10 + n // 10 % 2 + 1 for n in range(N)],
        "granted": [f"2024-0{n % 9 + 1}-0{n % 7 + 1}" for n in range(N)],
        "amount": [n / 7 for n in range(N)],
    }
)
TABLES = {
    "users": pl.DataFrame({"user_id": range(1, USERS + 1), "login": [f"u{n}" for n in range(USERS)]}),
    "roles": pl.DataFrame({"role_id": range(1, ROLES + 1), "title": [f"role {n}" for n in range(ROLES)]}),
    "grants": GRANTS,
    # Only user, role and day together tell these apart.
    "uses": pl.DataFrame(
        {
            "user_id": [n // 20 % 20 + 1 for n in range(N)],
            "role_id": [n % 4 + 1 for n in range(N)],
            "used_on": [f"2024-01-0{n // 4 % 5 + 1}" for n in range(N)],
        }
    ),
    "repeated": pl.concat([GRANTS, GRANTS.head(1)]),
    "holey": GRANTS.with_columns(pl.when(pl.col("role_id") < 11).then("role_id").alias("role_id")),
    "few": GRANTS.head(20),
    "keyed": GRANTS.with_row_index("grant_id").cast({"grant_id": pl.Int64}),
    "unkeyed": GRANTS.with_row_index("grant_id").cast({"grant_id": pl.Int64}),
}


@pytest.fixture(scope="module")
def looked_at(tmp_path_factory):
    folder = tmp_path_factory.mktemp("composites")
    keys = {"users": "user_id", "roles": "role_id", "keyed": "grant_id"}
    extracted, workspace = copied(sqlite_of(folder / "s.sqlite", TABLES, keys), folder)
    params = load_audit_params(PARAMS)
    return scan(extracted, workspace, params, TODAY), extracted, workspace, params


def proposed(frame, table):
    return [set(key) for key in frame.filter(pl.col("table") == table)["columns"].to_list()]


def test_two_columns_that_point_elsewhere_are_the_first_key(looked_at):
    assert proposed(looked_at[0].composites, "grants")[0] == {"user_id", "role_id"}


def test_a_third_column_only_where_two_are_not_enough(looked_at):
    assert proposed(looked_at[0].composites, "uses") == [{"user_id", "role_id", "used_on"}]
    keys = proposed(looked_at[0].composites, "grants")
    assert not any(a < b for a in keys for b in keys)


@pytest.mark.parametrize("table", ["repeated", "few", "keyed", "unkeyed"])
def test_tables_with_a_key_with_few_rows_or_with_repeated_ones_have_none(looked_at, table):
    assert proposed(looked_at[0].composites, table) == []


def test_a_column_with_gaps_is_in_no_key(looked_at):
    assert all("role_id" not in key for key in proposed(looked_at[0].composites, "holey"))


def test_numbers_with_decimals_are_in_no_key(looked_at):
    assert not any("amount" in key for key in looked_at[0].composites["columns"].to_list())


def test_the_work_is_bounded(looked_at):
    found, extracted, workspace, params = looked_at

    def within(**limits):
        profile = params.profile
        composite = profile.composite_keys.model_copy(update=limits)
        bounded = type(params)(
            profile.model_copy(update={"composite_keys": composite}),
            params.relations, params.tables, params.personal, params.defects,
        )  # fmt: skip
        keys = composite_keys(found.columns, found.keys, found.relations, extracted, workspace, bounded)
        return set(keys["table"])

    assert "uses" not in within(of=2) and "grants" in within(of=2)
    assert "grants" in within(checks=1), "columns that point elsewhere are tried first"
    assert within(most_rows=N - 1) == set()
    assert "few" in within(least_rows=5)


def test_the_page_and_the_check_name_tables_whose_rows_nothing_tells_apart(looked_at):
    found, extracted, *_ = looked_at
    (finding,) = key_findings(found, extracted)
    assert (finding.numerator, finding.denominator) == (2, 6)
    assert finding.note == "few, repeated"
    assert "user_id + role_id" in keyless_table(found, extracted).text
