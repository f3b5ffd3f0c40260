"""Whose money it is, to the cent: calculations C04, C06, C13, C14 and C15, and the control totals that hold them."""

import polars as pl
import pytest

from ennu_lib.config import params_dir
from ennu_lib.evidence import Status
from ennu_lib.mapping import money
from ennu_lib.rules.control_totals import paid, totals_of
from ennu_lib.rules.control_totals_page import control_total_tables
from ennu_lib.rules.mutation import kill_rates
from ennu_lib.rules.mutation_plan import load_mutations
from tests.support.money import RULES, Books, charge, given, payment, refund, tables_of

TWO = {"1": "1", "2": "2"}


def balanced(books):
    """FIN-07 holds, which compares source, shares and Contacts."""
    result = books.run("FIN-07").results["FIN-07"]
    return (result.status, result.failing) == (Status.PASS, 0) and result.population > 0


def test_the_worked_case_of_the_billing_arithmetic():
    """Charge 250.00, lines 180.00 + 70.00, payments 100.00 + 75.00, adjustment 25.00, refund 10.00."""
    stored = {"payment_status": "Paid", "outstanding_balance": "60.00", "due_date": "2026-06-01"}
    line = {"billing_id": "b", "qty": "1", "discount": "0"}
    books = Books(
        people={"1": "1"},
        billing_records=[charge("b", "1", "250.00", **stored)],
        billing_line_items=[
            line | {"billing_line_id": "x", "price": "180.00"},
            line | {"billing_line_id": "y", "price": "70.00"},
        ],
        payments=[payment("p", "1", "100.00"), payment("q", "1", "75.00", type="insurance")],
        payment_allocations=[given("a", "p", "b", "100.00"), given("c", "q", "b", "75.00")],
        adjustments=[{"adjustment_id": "j", "billing_id": "b", "amount": "25.00"}],
        refunds=[refund("r", "p", "10.00", "b")],
    )
    assert books.value("1", "total_revenue") == books.value("1", "lifetime_value") == "165"
    assert books.value("1", "outstanding_balance") == "60"
    assert books.value("1", "average_transaction") == "250"
    assert books.value("1", "membership_lifetime_value") is None
    assert balanced(books)
    found = books.run("FIN-02", "FIN-03", "FIN-04")
    assert [found.results[id].failing for id in ("FIN-02", "FIN-03")] == [0, 0]
    assert found.issues.select("rule", "reason").rows() == [("FIN-04", "PAID_BUT_OPEN")]


def test_a_guarantor_pays_for_the_patient_whose_charge_it_is_and_keeps_the_rest_as_credit():
    books = Books(
        people=TWO,
        billing_records=[charge("b", "2", "80.00")],
        payments=[payment("p", "1", "100.00")],
        payment_allocations=[given("a", "p", "b", "80.00")],
        refunds=[refund("r", "p", "5.00", "b"), refund("s", "p", "1.00")],
    )
    assert [books.value(one, "total_revenue") for one in TWO] == ["19", "75"]
    assert [books.value(one, "outstanding_balance") for one in TWO] == ["-19", "5"]
    assert balanced(books)


def test_what_is_given_out_beyond_a_payment_is_taken_from_the_payer():
    books = Books(
        people=TWO,
        billing_records=[charge("b", "2", "80.00")],
        payments=[payment("p", "1", "50.00")],
        payment_allocations=[given("a", "p", "b", "80.00")],
    )
    assert [books.value(one, "total_revenue") for one in TWO] == ["-30", "80"]
    assert balanced(books)


@pytest.mark.parametrize(
    ("more", "counts"),
    [
        ({}, "40"),
        ({"status": "failed"}, None),
        ({"status": None}, None),
        ({"status": "Posted "}, "40"),
        ({"status": "reversed"}, None),
        ({"status": "reversed", "amount": "-40.00"}, "-40"),
        ({"type": "credit"}, None),
        ({"type": None}, "40"),
        ({"payment_date": "2026-06-30"}, "40"),
        ({"payment_date": "2026-07-01"}, None),
        ({"payment_date": "0000-00-00", "posted_date": "2026-07-01"}, None),
        ({"payment_date": "0000-00-00", "posted_date": "9999-12-31"}, "40"),
        ({"amount": "0.00"}, None),
        ({"amount": None}, None),
    ],
)
def test_what_counts_as_a_payment(more, counts):
    books = Books(people={"1": "1"}, payments=[payment("p", "1", "40.00") | more])
    assert books.value("1", "total_revenue") == counts
    assert balanced(books)


@pytest.mark.parametrize(
    ("more", "paid", "counts"),
    [
        ({}, {}, "30"),
        ({"refund_date": "2026-07-01"}, {}, "40"),
        ({}, {"status": "failed"}, None),
        ({}, {"status": "reversed"}, None),
        ({"payment_id": "nobody"}, {}, "40"),
    ],
)
def test_what_counts_as_a_refund(more, paid, counts):
    books = Books(
        people={"1": "1"},
        payments=[payment("p", "1", "40.00") | paid],
        refunds=[refund("r", "p", "10.00") | more],
    )
    assert books.value("1", "total_revenue") == counts
    assert books.kept_back() == ({money.UNKNOWN_PAYMENT: -1000} if more.get("payment_id") else {})
    assert balanced(books)


@pytest.mark.parametrize("lost", ["void", "unknown", "quarantined", "nobody's"])
def test_an_allocation_to_no_posted_charge_is_credit_of_the_payer(lost):
    billed = charge("b", "nowhere" if lost == "nobody's" else "2", "80.00")
    books = Books(
        people=TWO,
        held={"billing_records": {"b": "FIN-01"}} if lost == "quarantined" else {},
        billing_records=[] if lost == "unknown" else [billed | ({"is_void": "Y"} if lost == "void" else {})],
        payments=[payment("p", "1", "80.00")],
        payment_allocations=[given("a", "p", "b", "80.00")],
        refunds=[refund("r", "p", "30.00", "b")],
    )
    assert [books.value(one, "total_revenue") for one in TWO] == ["50", None]
    assert books.value("1", "outstanding_balance") == "-50"
    assert balanced(books)


def test_the_survivor_has_what_all_merged_rows_brought():
    books = Books(
        people={"1": "1", "2": "1", "3": "1"},
        billing_records=[charge("b", "3", "20.00")],
        payments=[payment("p", "1", "10.00"), payment("q", "2", "20.00"), payment("r", "3", "0.01")],
        payment_allocations=[given("a", "q", "b", "15.00")],
    )
    assert books.contacts.select("golden_id", "total_revenue", "outstanding_balance").rows() == [
        ("1", "30.01", "-10.01")
    ]
    assert balanced(books)


def test_what_no_contact_gets_is_kept_back_by_name():
    books = Books(
        people=TWO | {"3": "3"},
        excluded=["3"],
        held={"payments": {"held": "FIN-01"}, "refunds": {"bad": "FIN-09"}, "payment_allocations": {"odd": "GEN-01"}},
        billing_records=[charge("b", "2", "100.00"), charge("c", "3", "100.00")],
        payments=[
            payment("mine", "1", "10.00"),
            payment("held", "1", "1000.00"),
            payment("lost", "nowhere", "100.00"),
            payment("nobody", None, "7.00"),
            payment("gone", "3", "5.00"),
        ],
        payment_allocations=[
            given("odd", "mine", "b", "10.00"),  # the row is in quarantine: not believed
            given("a", "held", "b", "1000.00"),
            given("d", "nobody", "b", "4.00"),
            given("e", "gone", "b", "2.00"),
            given("f", "mine", "c", "1.00"),
        ],
        refunds=[refund("bad", "mine", "3.00"), refund("s", "held", "50.00", "b"), refund("t", "gone", "0.50", "c")],
    )
    assert [books.value(one, "total_revenue") for one in TWO] == ["9", "6"]
    assert books.kept_back() == {
        "FIN-01": 95_000,
        "FIN-09": -300,
        "NO_PATIENT": 300,
        "ORPHAN_PATIENT": 10_000,
        "PATIENT_EXCLUDED": 350,
    }
    assert balanced(books)


def test_what_memberships_brought():
    books = Books(
        people={"1": "1"},
        billing_records=[
            charge("dues", "1", "50.00", service_type="Member Fee"),
            charge("billed", "1", "60.00"),
            charge("visit", "1", "0.00"),
        ],
        fees=[{"member_billing_id": "m", "billing_id": "billed"}, {"member_billing_id": "n", "billing_id": "billed"}],
        payments=[
            payment("p", "1", "120.00"), payment("q", "1", "9.00", type="membership"), payment("r", "1", "1.00"),
        ],
        payment_allocations=[given("a", "p", "dues", "50.00"), given("c", "p", "billed", "60.00")],
        refunds=[refund("r", "p", "20.00", "dues")],
    )  # fmt: skip
    assert books.value("1", "membership_lifetime_value") == "99"
    assert books.value("1", "total_revenue") == "110"
    assert books.value("1", "average_transaction") == "55"
    assert balanced(books)


def test_half_a_cent_of_an_average_goes_up_and_free_services_are_no_transactions():
    rows = [charge(str(n), "1", amount) for n, amount in enumerate(["0.01", "0.02", "0.00", "-5.00"])]
    assert Books(people={"1": "1"}, billing_records=rows).value("1", "average_transaction") == "0.02"
    assert Books(people={"1": "1"}, billing_records=rows[2:]).value("1", "average_transaction") is None


def test_cents_as_hubspot_takes_them():
    cents = [0, 5, -5, 50, 16_500, -123_456, None, 10**15 + 1]
    made = pl.DataFrame({"v": pl.Series(cents, dtype=pl.Int64)}).select(money.dollars(pl.col("v")))
    assert made.to_series().to_list() == ["0", "0.05", "-0.05", "0.5", "165", "-1234.56", None, "10000000000000.01"]


@pytest.fixture(scope="module")
def books():
    return Books(
        people=TWO,
        billing_records=[charge("b", "2", "80.00")],
        payments=[payment("p", "1", "100.00"), payment("q", "2", "30.00", type="insurance")],
        payment_allocations=[given("a", "p", "b", "80.00")],
        refunds=[refund("r", "q", "5.00", "b")],
    )


FIRST, SECOND = ("contacts", "P-1", "DIFFERS_FROM_PAYMENTS"), ("contacts", "P-2", "DIFFERS_FROM_PAYMENTS")
TOTAL, INSURANCE = ("contacts", "total", "TOTAL_DIFFERS"), ("payments", "2026-05 insurance", "MONTH_DIFFERS")
BREAKS = {
    "a cent too much": (
        "targets/contacts", lambda f: f.with_columns(total_revenue=pl.Series(["20.01", "105"])), {FIRST, TOTAL},
    ),
    "two Contacts exchanged": (
        "targets/contacts", lambda f: f.with_columns(total_revenue=pl.Series(["105", "20"])), {FIRST, SECOND},
    ),
    "a Contact lost": ("targets/contacts", lambda f: f.head(1), {SECOND, TOTAL}),
    "a Contact twice": ("targets/contacts", lambda f: pl.concat([f, f.head(1)]), {TOTAL}),
    "a share in another month": (
        "money/refunds", lambda f: f.with_columns(month=pl.lit("2026-04")),
        {("payments", "2026-04 insurance", "MONTH_DIFFERS"), INSURANCE},
    ),
    "a share of another kind": (
        "money/refunds", lambda f: f.with_columns(kind=pl.lit("product")),
        {INSURANCE, ("payments", "2026-05 product", "MONTH_DIFFERS")},
    ),
    "a payment that the mapping never saw": (
        "money/payments", lambda f: f.filter(pl.col("__key") != "q"),
        {("payments", "q", "NOT_SUM_OF_SHARES"), INSURANCE, SECOND},
    ),
    "a refund that the source does not have": (
        "source/refunds", lambda f: f.clear(), {("refunds", "r", "NOT_SUM_OF_SHARES"), INSURANCE, TOTAL},
    ),
    "a share kept back though its Contact has it": (
        "money/payments", lambda f: f.with_columns(why=pl.when(pl.col("__key") == "q").then(pl.lit("FIN-01"))),
        {SECOND, TOTAL},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BREAKS)
def test_a_difference_of_a_cent_is_found_where_it_is(books, name):
    assert balanced(books)
    file, change, expected = BREAKS[name]
    files = books.files()
    run = books.run("FIN-07", files=files | {file: change(files[file])})
    assert run.results["FIN-07"].status is Status.FAIL
    assert set(run.issues.select("table", "key", "reason").iter_rows()) == expected


@pytest.mark.parametrize(
    ("typed", "money"),
    [
        ("1.00", 100), (" $1,250.5 ", 125_050), ("(3.00)", -300), ("$(3)", -300), ("-$3.00", -300), ("3.00-", -300),
        (".5 USD", 50), ("1.005", 101), ("-1.005", -101), ("0.0049", 0), ("12 and 30", 0), ("none", 0), ("1e999", 0),
    ],
)  # fmt: skip
def test_the_source_is_counted_whichever_way_an_amount_was_typed(typed, money):
    books = Books(people={"1": "1"}, payments=[payment("p", "1", typed, status="posted")])
    counted = paid(tables_of(books.files()), RULES["FIN-07"].settings).collect()
    assert counted["cents"].to_list() == ([money] if money else [])


def test_what_is_planted_into_a_shadow_copy_is_found():
    people = {str(n): str(n - n % 2) for n in range(2, 62)}
    status = ["posted", "posted", "failed", "posted"]
    listed = [payment(str(n), one, f"{n}.25", status=status[n % 4]) for n, one in enumerate(people)]
    books = Books(
        people=people,
        billing_records=[charge("b", "7", "5.00")],
        payments=[*listed, payment("odd", "9", "-3.00", status="reversed")],
        payment_allocations=[given("a", "0", "b", "0.20")],
        refunds=[refund(str(n), str(4 * n), "1.10") for n in range(1, 12)],
    )
    assert balanced(books)
    plan = load_mutations(params_dir() / "rules" / "mutations.yml", RULES)
    only = {"FIN-07": RULES["FIN-07"]}
    found = kill_rates(tables_of(books.files()), only, plan, "mapped", seed=7)
    assert found.height == sum(m.times for m in plan.mutations if m.rule == "FIN-07") == 21
    assert found["what"].n_unique() == 5
    assert found["killed"].all()


@pytest.mark.parametrize(
    ("listed", "words"),
    [
        ([], "No payment counts"),
        ([payment("p", "1", "5.00", status="failed")], "No payment counts"),
        ([payment("p", None, "5.00"), payment("q", "nowhere", "7.00", type="insurance")], "ORPHAN_PATIENT"),
    ],
)
def test_a_clinic_without_payments_has_a_page(listed, words):
    books = Books(people={"1": "1"}, payments=listed)
    page = control_total_tables(totals_of(tables_of(books.files()), RULES["FIN-07"].settings))
    assert words in page.markup
    assert balanced(books)


def test_the_page_shows_every_sum_inside_and_withholds_what_few_people_paid_outside():
    people = {str(n): str(n) for n in range(1, 41)}
    listed = [payment(str(n), one, "1.50", type="patient" if n < 25 else "product") for n, one in enumerate(people)]
    listed += [payment("i", "1", "77.77", type="insurance"), payment("x", "40", "900.00")]
    books = Books(people=people, excluded=["40"], payments=listed)
    totals = totals_of(tables_of(books.files()), RULES["FIN-07"].settings)
    assert totals.kinds["kind"].to_list() == ["insurance", "patient", "product", "all"]
    assert totals.kinds.row(3) == ("all", 103_777, 103_777, 13_627, 90_150, 0)
    page = control_total_tables(totals)
    inside, outside = page.markup, page.distributable
    assert "77.77" in inside and "900.00" in inside and "1,037.77" in inside
    for amount in ("77.77", "901.50", "900.00", "136.27", "115.27"):
        assert amount not in outside
    assert "Withheld" in outside and "0.00" in outside
