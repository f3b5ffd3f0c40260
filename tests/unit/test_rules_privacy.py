"""What must not leave as agreed: card numbers wherever they stand in a text, and nobody subscribed against a word."""

import polars as pl
import pytest

from ennu_lib.rules.checks.revenue import holds_card
from tests.support.small_tables import found


@pytest.mark.parametrize(
    ("text", "card"),
    [
        ("4111111111111111", True),
        ("card 4111 1111 1111 1111 on file", True),
        ("4111-1111-1111-1111", True),
        ("4111 1111 1111 1111 12/27", True),  # the expiry behind it
        ("exp 12 4111 1111 1111 1111", True),
        ("order 1234567890123456, card 5500005555555559", True),  # not the first long number
        ("5500005555555559 and 4111111111111111", True),
        ("2223003122003222", True),  # Mastercard's second range
        ("378282246310005", True),  # American Express
        ("6011111111111117", True),
        ("6445644564456445", True),
        ("3530111333300000", True),  # JCB
        ("30569309025904", True),  # Diners Club
        ("6212345678901232", True),  # UnionPay
        ("4222222222222", True),  # Visa of thirteen figures
        ("4111111111111112", False),  # no check digit
        ("41111111111111", False),  # no length that Visa gives
        ("9111111111111111", False),
        ("X4111111111111111", False),  # part of a word
        ("41111111111111110000", False),  # twenty figures
        ("2024-01-01 12:00:00", False),
        ("813-229-1234 813-229-1235", False),
        ("", False),
        (None, False),
    ],
)
def test_a_card_number_is_found_wherever_it_stands(text, card):
    frame = pl.DataFrame({"t": [text, "nothing"]}, schema={"t": pl.String})
    assert frame.select(holds_card("t")).to_series().to_list() == [card, False]


def consent(status, on, **more):
    given = {"patient_id": 1, "consent_type": "marketing", "consent_status": status, "consent_date": on}
    return given | more


@pytest.mark.parametrize(
    ("consents", "subscribed"),
    [
        ([consent("granted", "2025-01-01")], True),
        ([consent("Granted", "01/31/2025")], True),
        ([consent("granted", None)], False),
        ([consent("granted", "2027-01-01")], False),  # lies ahead
        ([consent("granted", "2025-01-01", expires_date="2026-06-29")], False),
        ([consent("granted", "2025-01-01", expires_date="2026-06-30")], True),
        ([consent("granted", "2025-01-01"), consent("revoked", "2025-06-01")], False),
        ([consent("revoked", "2024-06-01"), consent("granted", "2025-01-01")], True),
        ([consent("granted", "2025-01-01"), consent("declined", "2025-01-01")], False),
        ([consent("granted", "2025-01-01"), consent("revoked", None)], False),
        ([consent("granted", "2025-01-01", consent_type="treatment")], False),
        ([], False),
    ],
)
def test_the_last_word_on_marketing_counts(consents, subscribed):
    rows = [row | {"consent_id": n} for n, row in enumerate(consents, start=1)]
    named = found(
        "PAT-15", patients=[{"patient_id": 1}], patient_consents=rows,
        patient_preferences=[{"preference_id": 1, "patient_id": 1, "marketing_opt_in": "Y"}],
    )  # fmt: skip
    assert named == (set() if subscribed else {("patient_preferences", "1", "NO_DATED_CONSENT")})
