"""Given and family name in each other's column: what speaks for it, and what against."""

import polars as pl
import pytest

from ennu_lib.config import params_dir
from ennu_lib.rules.name_order import EVIDENCE, count_words, folded, load_name_words, with_evidence

SETTINGS = load_name_words(params_dir())
NICKNAMES = params_dir() / "identity" / "nicknames.csv"
PATIENTS = pl.LazyFrame(
    {"first_name": ["Mary"] * 9 + ["José"] * 4 + [None], "last_name": ["Smith"] * 9 + ["de la Cruz"] * 4 + ["Smith"]}
)
CONTACTS = pl.LazyFrame({"contact_name": ["Anna Smith", "Luz de la Cruz", "Prince", None]})


def words():
    return count_words({"patients": PATIENTS, "patient_emergency_contacts": CONTACTS}.get, SETTINGS, NICKNAMES)


def evidence(first, last, email=None, contact=None):
    frame = pl.LazyFrame(
        {"f": [first], "l": [last], "e": [email], "c": [contact]}, schema=dict.fromkeys("flec", pl.String)
    )
    return with_evidence(frame, words(), SETTINGS, "f", "l", "e", "c").select(EVIDENCE).collect().item()


def test_words_are_counted_where_names_are_written_in_order():
    counted = {w: (g, f) for w, g, f in words().iter_rows()}
    assert counted["smith"] == (0, 11)
    assert counted["de la cruz"] == (0, 5)
    assert counted["mary"] == (9 + SETTINGS.nicknames, 0)
    assert counted["anna"][0] == 1 + SETTINGS.nicknames
    assert "prince" not in counted


def test_swapped_names_are_sure_and_names_in_order_are_not():
    assert evidence("Smith", "Mary") > SETTINGS.sure
    assert evidence("DE LA CRUZ", "jose") > SETTINGS.sure
    assert evidence("Mary", "Smith") < -SETTINGS.sure


@pytest.mark.parametrize(("first", "last"), [("", "Smith"), (None, "Mary"), ("Lee", "lee"), ("?", "7")])
def test_without_two_different_names_there_is_no_evidence(first, last):
    assert evidence(first, last) is None


def test_a_row_is_no_witness_for_itself():
    alone = count_words({"patients": pl.LazyFrame({"first_name": ["Xyl"], "last_name": ["Qua"]})}.get, SETTINGS)
    frame = pl.LazyFrame({"f": ["Xyl"], "l": ["Qua"]})
    assert with_evidence(frame, alone, SETTINGS, "f", "l").select(EVIDENCE).collect().item() == 0


def test_mailbox_and_relative_decide_what_words_cannot():
    assert evidence("Xyl", "Qua") == 0
    assert evidence("Xyl", "Qua", email="qua.xyl9@mail.com") == SETTINGS.mailbox
    assert evidence("Xyl", "Qua", email="qxyl@mail.com") == SETTINGS.mailbox
    assert evidence("Xyl", "Qua", email="xyl_qua@mail.com") == -SETTINGS.mailbox
    assert evidence("Xyl", "Qua", contact="Anna Xyl") == SETTINGS.relative
    assert evidence("Xyl", "Qua", email="qua.xyl@x.com", contact="Tom Qua") == SETTINGS.mailbox - SETTINGS.relative


@pytest.mark.parametrize("text", ["\x00", "‮txet", "x" * 70_000, "😀", "محمد", "   ", "José-María O'Neil"])
def test_any_text_folds_without_a_crash(text):
    found = evidence(text, "Smith", email=text, contact=text)
    assert found is None or abs(found) < 50
    folds = pl.DataFrame({"t": [text]}).select(folded("t")).item()
    assert folds is None or folds == folds.strip().lower()


def test_nothing_is_known_without_tables():
    assert count_words(lambda _: None, SETTINGS).is_empty()
