"""Whatever is allocated to whatever, not a cent is lost: Contacts and what was kept back are what was paid."""

from hypothesis import given, settings
from hypothesis import strategies as st

from ennu_lib.evidence import Status
from tests.support import money

PEOPLE = {"1": "1", "2": "1", "3": "3", "4": "4"}
CENTS = st.integers(-20_000, 20_000).map(
    lambda cents: f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02d}"
)
PATIENT = st.sampled_from(["1", "2", "3", "4", "nowhere", None])
NUMBER = st.sampled_from([str(n) for n in range(5)] + ["nowhere", None])
DAYS = st.sampled_from(["2026-05-01", "2026-06-30", "2026-07-01", "0000-00-00", "2025-12-31", None])
STATUS = st.sampled_from(["posted", "posted", "Posted", "reversed", "failed", None])
KIND = st.sampled_from(["patient", "insurance", "membership", "product", "credit", None])


def rows(key, most, **columns):
    """Up to `most` rows with keys of their own."""
    listed = st.lists(st.fixed_dictionaries(columns), max_size=most)
    return listed.map(lambda found: [row | {key: str(n)} for n, row in enumerate(found)])


BOOKS = st.builds(
    money.Books,
    people=st.just(PEOPLE),
    excluded=st.sampled_from([[], ["4"], ["1", "4"]]),
    held=st.fixed_dictionaries(
        {
            name: st.dictionaries(st.sampled_from("01"), st.sampled_from(["FIN-01", "GEN-01"]), max_size=1)
            for name in ("payments", "refunds", "payment_allocations", "billing_records")
        }
    ),
    billing_records=rows(
        "billing_id", 5, patient_id=PATIENT, service_amount=CENTS, is_void=st.sampled_from(["N", "N", "Y"])
    ),
    payments=rows("payment_id", 5, patient_id=PATIENT, amount=CENTS, status=STATUS, type=KIND, payment_date=DAYS),
    payment_allocations=rows("allocation_id", 8, payment_id=NUMBER, billing_id=NUMBER, amount=CENTS),
    refunds=rows("refund_id", 4, payment_id=NUMBER, billing_id=NUMBER, amount=CENTS, refund_date=DAYS),
)  # fmt: skip


@settings(max_examples=25)
@given(BOOKS)
def test_contacts_and_what_was_kept_back_are_what_was_paid(books):
    run = books.run("FIN-07")
    assert run.results["FIN-07"].status in (Status.PASS, Status.NOT_APPLICABLE)
    assert run.issues.is_empty()
