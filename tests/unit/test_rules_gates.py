"""The gates over what is sent: each lets the clean payload through and stops what may never be sent."""

import datetime as dt

import polars as pl
import pytest

from ennu_lib.config import params_dir
from ennu_lib.evidence import Status
from ennu_lib.rules import Tables, load_rules, run_rules
from ennu_lib.rules.checks.revenue import holds_account

RULES = load_rules(params_dir() / "rules")
GATES = [rule for id, rule in RULES.items() if id.startswith("GAT") and rule.moment == "mapped"]


def files() -> dict[str, pl.DataFrame]:
    """Three Contacts; the second gave a dated consent and opted out of text messages later, the third is the first."""
    people = {"__key": ["1", "2", "3"], "patient_id": [1, 2, 3], "email_address": ["a@b.com", "c@d.com", "a@b.com"]}
    return {
        "source/patients": pl.DataFrame(people | {"deceased_date": pl.Series([None] * 3, dtype=pl.String)}),
        "source/patient_consents": pl.DataFrame(
            {"__key": ["1", "2"], "patient_id": [3, 2], "consent_type": "marketing", "consent_status": "granted"}
        ).with_columns(consent_date=pl.lit("2025-01-01"), expires_date=pl.lit(None, dtype=pl.String)),
        "source/sms_messages": pl.DataFrame({"__key": ["9"], "PatNum": [2], "opt_out": ["Y"]}),
        "source/deleted_records": pl.DataFrame({"__key": ["1"], "table": ["clinical_notes"], "key": ["70"]}),
        "identity/members": pl.DataFrame({"patient_id": ["1", "2", "3"], "golden_id": ["1", "2", "1"]}),
        "clean/issues": pl.DataFrame({"rule": ["CLN-20"], "table": ["clinical_notes"], "key": ["71"]}),
        "accounts/clinical_notes": pl.DataFrame({"key": ["70", "71"], "account": ["excluded", "archived"]}),
        "targets/contacts": pl.DataFrame(
            {
                "ennu_external_id": ["e1", "e2"],
                "legacy_patient_id": ["P-1", "P-2"],
                "source_pk": ["1", "2"],
                "email": ["a@b.com", None],
                "phone": ["+18132291234", "+442071838750"],
                "address": ["1 Main St", None],
            }
        ),
    }


def found(**changed: pl.DataFrame):
    frames = files() | {name.replace("__", "/"): frame for name, frame in changed.items()}
    tables = Tables(lambda n: frames[n].lazy() if n in frames else None, dt.date(2026, 6, 30), params_dir())
    run = run_rules(GATES, tables)
    return {id: result.status for id, result in run.results.items()}, run.issues


def contacts(**columns):
    return files()["targets/contacts"].with_columns(**{name: pl.Series(values) for name, values in columns.items()})


def test_a_clean_payload_passes_every_gate():
    statuses, issues = found()
    assert set(statuses.values()) == {Status.PASS}
    assert issues.is_empty()


@pytest.mark.parametrize(
    ("gate", "changed", "named"),
    [
        # The first gave consent as patient 3, whom phase 03 merged; the second opted out, which wins.
        ("GAT-01", {"targets__contacts": contacts(hs_legal_basis=["consent", "consent"])}, ["2"]),
        ("GAT-02", {"accounts__clinical_notes": pl.DataFrame({"key": ["71"], "account": ["derived"]})}, ["71"]),
        ("GAT-03", {"targets__contacts": contacts(address=["4111 1111 1111 1111", None])}, ["e1"]),
        ("GAT-03", {"targets__contacts": contacts(address=["routing 021000021 account 60220194", ""])}, ["e1"]),
        ("GAT-04", {"targets__contacts": contacts(email=["a@b.com", "A@B.com "])}, ["1", "2"]),
        ("GAT-05", {"accounts__clinical_notes": pl.DataFrame({"key": ["70"], "account": ["loaded"]})}, ["70"]),
        ("GAT-06", {"targets__contacts": contacts(phone=["+1813229", None])}, ["P-1"]),
        (
            "GAT-06",
            {"targets__contacts": contacts(phone=["+18139110142", "+18132290142"])},
            ["P-1"],
        ),  # N11 is a service
        ("GAT-06", {"targets__contacts": contacts(email=["a" * 65 + "@b.com", "a" * 64 + "@b.com"])}, ["P-1"]),
    ],
)
def test_what_may_never_be_sent_is_stopped_and_named(gate, changed, named):
    statuses, issues = found(**changed)
    assert statuses[gate] is Status.FAIL
    assert issues.filter(pl.col("rule") == gate)["key"].unique().sort().to_list() == named


def test_a_gate_over_nothing_is_not_applicable():
    run = run_rules(GATES, Tables(lambda _: None, dt.date(2026, 6, 30), params_dir()))
    assert {result.status for result in run.results.values()} == {Status.NOT_APPLICABLE}


@pytest.mark.parametrize(
    ("text", "bank"),
    [
        ("ACH: routing 021000021, account 60220194", True),
        ("bank 021000021 60220194", True),
        ("routing 021000022, account 60220194", False),  # no check digit
        ("021000021 60220194", False),  # speaks of no bank
        ("bank 021000021", False),  # no account beside it
        ("account 000000000 12345", False),
        ("", False),
        (None, False),
    ],
)
def test_a_bank_account_is_a_routing_number_beside_another_number(text, bank):
    frame = pl.DataFrame({"t": [text, "nothing"]}, schema={"t": pl.String})
    assert frame.select(holds_account("t")).to_series().to_list() == [bank, False]
