"""Billing to the cent, with the agreed worked case, and the limits of every comparison."""

import pytest

from ennu_lib.rules.checks.ledger import true_status
from tests.support.small_tables import found, outcome, small_tables


def billing(*, status="Partial", outstanding="60.00", refund="10.00", paid=("100.00", "75.00"), **charge):
    """Charge 250.00 of lines 180.00 and 70.00, paid 100.00 and 75.00, adjusted 25.00, refunded 10.00."""
    given = {
        "billing_id": 1, "patient_id": 9, "service_amount": "250.00", "outstanding_balance": outstanding,
        "payment_status": status, "is_void": "N", "transaction_type": "Charge", "due_date": "2026-07-31",
    }  # fmt: skip
    payments = [{"payment_id": n, "patient_id": 9, "amount": a, "status": "posted"} for n, a in enumerate(paid, 1)]
    back = [{"refund_id": 1, "payment_id": 1, "billing_id": 1, "amount": refund}] if refund else []
    return {
        "billing_records": [given | charge],
        "billing_line_items": [
            {"billing_line_id": 1, "billing_id": 1, "qty": "2", "price": "95.00", "discount": "10.00", "tax": "0"},
            {"billing_line_id": 2, "billing_id": 1, "qty": "1", "price": "70.00"},
        ],
        "payments": payments,
        "payment_allocations": [
            {"allocation_id": n, "payment_id": n, "billing_id": 1, "amount": a} for n, a in enumerate(paid, 1)
        ],
        "adjustments": [{"adjustment_id": 1, "billing_id": 1, "amount": "25.00"}],
        "refunds": back,
        "patient_balances": [{"balance_id": 1, "patient_id": 9, "current_balance": outstanding}],
    }


def reasons(rule, rows):
    return {reason for _, _, reason in found(rule, **rows)}


def test_the_worked_case():
    for rule in ("FIN-02", "FIN-03", "FIN-04", "FIN-05"):
        result, named = outcome(rule, **billing())
        assert (str(result.status), named) == ("pass", set()), rule
    assert reasons("FIN-04", billing(status="Paid")) == {"PAID_BUT_OPEN"}


@pytest.mark.parametrize(
    ("amount", "wrong"), [("250.00", False), ("250.01", False), ("249.99", False), ("250.02", True), (None, True)]
)
def test_a_header_is_its_lines_to_a_cent(amount, wrong):
    assert bool(reasons("FIN-02", billing(service_amount=amount))) is wrong


def test_lines_are_multiplied_without_floating_point():
    rows = billing(service_amount="0.30") | {
        "billing_line_items": [
            {"billing_line_id": n, "billing_id": 1, "qty": "0.10", "price": "1.01"} for n in range(3)
        ]
    }  # fmt: skip  # 0.303: three tenths of a cent apart
    assert not reasons("FIN-02", rows)


@pytest.mark.parametrize(
    ("stored", "wrong"),
    [
        ("60.00", set()),
        ("60.01", set()),
        ("60.02", {"NOT_RECOMPUTED"}),
        ("60.07", {"NOT_RECOMPUTED", "NOT_SUM_OF_CHARGES", "TOTAL_DIFFERS"}),
        (None, {"NOT_RECOMPUTED", "NOT_SUM_OF_CHARGES", "TOTAL_DIFFERS"}),
    ],
)
def test_a_balance_is_recomputed_per_charge_per_patient_and_in_total(stored, wrong):
    assert reasons("FIN-03", billing(outstanding=stored)) == wrong


def test_a_patients_balance_is_held_against_the_recomputed_one_not_the_stored_one():
    rows = billing(outstanding="100.00")
    assert "NOT_SUM_OF_CHARGES" in reasons("FIN-03", rows)


@pytest.mark.parametrize(
    ("given_back", "balance", "wrong"),
    [("0", "20.00", set()), ("0", "60.00", {"NOT_SUM_OF_CHARGES"}), ("15.00", "35.00", set())],
)
def test_what_was_paid_on_no_charge_lowers_the_balance_of_the_patient(given_back, balance, wrong):
    rows = billing()
    rows["payments"].append({"payment_id": 8, "patient_id": 9, "amount": "40.00", "status": "posted"})
    rows["payments"].append({"payment_id": 7, "patient_id": 9, "amount": "40.00", "status": "failed"})
    rows["refunds"].append({"refund_id": 2, "payment_id": 8, "amount": given_back})
    rows["patient_balances"][0]["current_balance"] = balance
    assert reasons("FIN-03", rows) == wrong


def test_a_refund_of_a_payment_that_was_never_posted_opens_nothing():
    rows = billing(outstanding="150.00")  # 250 - 75 - 25
    rows["payments"][0]["status"] = "failed"
    assert not reasons("FIN-03", rows)


@pytest.mark.parametrize(
    ("case", "wrong"),
    [
        ({"status": "refunded", "refund": "175.00"}, set()),
        ({"status": "refunded", "refund": "174.99"}, {"REFUNDED_BUT_NOT"}),
        ({"status": "partial", "refund": "175.00", "paid": ("175.00",)}, {"PARTIAL_BUT_NOT"}),  # net nothing
        ({"status": "pending", "refund": None, "paid": ()}, set()),
        ({"status": "pending", "refund": None, "paid": (), "due_date": "2026-06-29"}, {"PENDING_BUT_PAID"}),
        ({"status": "overdue", "due_date": "2026-06-29"}, set()),
        ({"status": "overdue", "due_date": "2026-06-30"}, {"OVERDUE_BUT_NOT"}),
        ({"status": "paid", "refund": None, "paid": ("225.00",)}, set()),
        ({"status": "void"}, {"VOID_BUT_NOT"}),
        ({"status": "paid", "refund": None, "paid": ("225.00",), "is_void": "Y"}, {"NOT_VOID_BUT_IS"}),
        ({"status": None}, {"NO_STATUS"}),
    ],
)
def test_a_status_says_what_the_money_says_net_of_refunds(case, wrong):
    assert reasons("FIN-04", billing(**case)) == wrong


@pytest.mark.parametrize(
    ("case", "says"),
    [
        ({"status": "paid"}, "partial"),  # the worked case: net 165.00 of 250.00
        ({"status": "partial"}, None),  # true, so it stays
        ({"status": "paid", "refund": None, "paid": (), "due_date": "2026-06-29"}, "overdue"),
        ({"status": "paid", "refund": None, "paid": ()}, "pending"),
        ({"status": "overdue", "refund": None, "paid": ("225.00",)}, "paid"),
        ({"status": "partial", "refund": "175.00", "paid": ("175.00",)}, "refunded"),
        ({"status": "paid", "refund": None, "paid": ("225.00",), "is_void": "Y"}, "void"),
        ({"status": None, "service_amount": None}, None),  # nobody can say
    ],
)
def test_what_the_money_says_instead_of_a_status_that_is_not_true(case, says):
    tables = small_tables(billing(**case))
    assert [status for _, status in true_status(tables).collect().iter_rows()] == ([says] if says else [])


def test_a_void_charge_is_in_no_sum():
    assert not reasons("FIN-03", billing(outstanding="0.00", status="Void", is_void="Y"))


@pytest.mark.parametrize(
    ("amount", "wrong"),
    [("100000", set()), ("100000.01", {"TOO_LARGE"}), ("-1.00", {"NEGATIVE"}), ("1.005", {"NOT_CENTS"}),
     ("1.500", set()), ("ten", {"NOT_A_NUMBER"}), (None, {"NO_AMOUNT"})],
)  # fmt: skip
def test_an_amount_is_money(amount, wrong):
    row = {"billing_id": 1, "service_amount": amount, "currency": "USD", "transaction_type": "Charge"}
    assert reasons("FIN-01", {"billing_records": [row]}) == wrong
    paid = {"payment_id": 1, "amount": amount, "currency": "usd", "status": "posted"}
    assert reasons("FIN-01", {"payments": [paid]}) == wrong


def test_only_what_takes_back_is_below_nothing():
    row = {"billing_id": 1, "service_amount": "-5.00", "currency": "USD", "transaction_type": "Refund"}
    assert not reasons("FIN-01", {"billing_records": [row]})
    assert reasons("FIN-01", {"billing_records": [row | {"currency": "MXN"}]}) == {"NOT_USD"}
    assert reasons("FIN-01", {"billing_records": [row | {"currency": None}]}) == {"NO_CURRENCY"}


@pytest.mark.parametrize(("kept", "wrong"), [("25.00", set()), ("25.01", set()), ("0.00", {"NOT_THE_REST"})])
def test_the_rest_of_a_payment_is_credit(kept, wrong):
    payment = {"payment_id": 1, "patient_id": 9, "amount": "100.00", "unallocated_amount": kept, "status": "posted"}
    given = {"allocation_id": 1, "payment_id": 1, "billing_id": 1, "amount": "75.00"}
    rows = {
        "payments": [payment],
        "payment_allocations": [given],
        "billing_records": [{"billing_id": 1, "patient_id": 9}],
    }
    assert reasons("FIN-05", rows) == wrong


def test_a_payment_given_out_beyond_its_amount_is_named_though_nothing_else_is_wrong():
    payment = {"payment_id": 1, "amount": "100.00", "status": "failed"}
    given = {"allocation_id": 1, "payment_id": 1, "amount": "100.02"}
    assert reasons("FIN-05", {"payments": [payment], "payment_allocations": [given]}) == {"OVER_ALLOCATED"}


CLAIM = {"claim_id": 1, "billed_amount": "50.00", "allowed_amount": "0", "paid_amount": "0", "status": "Paid"}
LINE = {"claim_line_id": 1, "claim_id": 1, "billing_id": 7, "billed_amount": "50.00"}


def test_a_paid_claim_has_a_remittance_even_when_it_says_that_nothing_was_paid():
    assert reasons("FIN-08", {"claims": [CLAIM], "claim_lines": [LINE]}) == {"PAID_WITHOUT_REMITTANCE"}
    sent = [{"remittance_line_id": 1, "claim_line_id": 1, "paid_amount": "1.00"}]
    assert not reasons("FIN-08", {"claims": [CLAIM], "claim_lines": [LINE], "remittance_lines": sent})


@pytest.mark.parametrize(("says", "wrong"), [("denied", set()), ("Paid", {"NOT_THE_CLAIM"}), (None, {"NOT_THE_CLAIM"})])
def test_a_charge_says_of_its_claim_what_the_latest_says(says, wrong):
    first = CLAIM | {"status": "Submitted", "submitted_date": "2026-06-01", "paid_amount": None}
    latest = {"claim_id": 2, "billed_amount": "50.00", "status": "Denied", "denial_reason_code": "CO-16",
              "submitted_date": "2026-06-10"}  # fmt: skip
    lines = [LINE, LINE | {"claim_line_id": 2, "claim_id": 2}]
    rows = {"claims": [first, latest], "claim_lines": lines,
            "billing_records": [{"billing_id": 7, "insurance_claim": says}]}  # fmt: skip
    assert reasons("FIN-08", rows) == wrong


def test_credits_without_a_ledger_are_credits_of_nobody():
    member = {"member_id": 1, "package_credits": 5}
    assert reasons("FIN-11", {"25againmembers": [member]}) == {"NOT_LEDGER"}
    entries = [("grant", 8), ("use", 2), ("expire", 1)]
    ledger = [{"credit_entry_id": n, "member_id": 1, "entry_type": k, "credits": c} for n, (k, c) in enumerate(entries)]
    assert not reasons("FIN-11", {"25againmembers": [member], "25againpackagecredits": ledger})


MEMBER = {"member_id": 1, "patient_id": 9, "membership_status": "Active", "membership_type": "Premium",
          "auto_renew": "Y", "start_date": "2025-01-01", "renewal_date": "2026-12-31"}  # fmt: skip


def test_a_membership_has_a_level_and_a_status_of_the_list():
    assert not reasons("FIN-12", {"25againmembers": [MEMBER]})
    assert reasons("FIN-12", {"25againmembers": [MEMBER | {"membership_type": "Platinum Elite"}]}) == {"UNKNOWN_LEVEL"}
    assert reasons("FIN-12", {"25againmembers": [MEMBER | {"membership_status": None}]}) == {"UNKNOWN_STATUS"}


def test_a_membership_that_renews_by_itself_needs_a_method_that_can_be_charged():
    assert reasons("FIN-10", {"25againmembers": [MEMBER]}) == {"MEMBERSHIP_WITHOUT_METHOD"}
    card = {"payment_method_id": 1, "patient_id": 9, "type": "Credit Card", "token": "t", "expires_on": "2027-01-31",
            "is_active": "Y"}  # fmt: skip
    assert not reasons("FIN-10", {"25againmembers": [MEMBER], "payment_methods": [card]})
    old = card | {"expires_on": "2026-05-31"}
    assert reasons("FIN-10", {"25againmembers": [MEMBER], "payment_methods": [old]}) == {"MEMBERSHIP_WITHOUT_METHOD"}
    assert not reasons("FIN-10", {"25againmembers": [MEMBER | {"payment_method": "Invoice"}]})


def charges(*months, kind="consult"):
    return [{"billing_id": n, "service_date": f"{m}-05", "service_amount": "10", "service_type": kind}
            for n, m in enumerate(months)]  # fmt: skip


def test_months_of_payments_are_looked_at_and_revenue_has_a_kind():
    paid = [{"payment_id": n, "payment_date": f"{m}-05", "amount": "10", "status": "posted"}
            for n, m in enumerate(("2025-01", "2025-03"))]  # fmt: skip
    assert found("FIN-13", payments=paid) == {("payments", "2025-03-01", "MONTH_MISSING")}
    assert reasons("FIN-13", {"billing_records": charges("2025-01", kind=None)}) == {"REVENUE_OF_NO_KIND"}
    assert not reasons("FIN-13", {"billing_records": charges("2025-01", "2025-02")})


def test_a_service_charged_twice_need_not_bear_the_same_procedure_code():
    row = {
        "patient_id": 9,
        "provider_id": 3,
        "service_date": "2025-01-05",
        "service_type": "consult",
        "service_amount": 10,
    }
    rows = [row | {"billing_id": 1, "procedure_code": "99213"}, row | {"billing_id": 2, "procedure_code": "99214"}]
    assert found("FIN-14", billing_records=rows) == {("billing_records", "2", "CHARGED_TWICE")}
    assert not found("FIN-14", billing_records=[rows[0], rows[1] | {"payment_status": "Void"}])
