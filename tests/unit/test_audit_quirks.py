"""Quirks on the page and as a check: what endangers the copy is a finding, the rest is told."""

from ennu_lib.audit import quirk_findings, quirk_frame
from ennu_lib.audit.blocks import quirk_table
from ennu_lib.evidence import Status
from ennu_lib.source import QUIRKS, Oddity, Quirk, Quirks

HARMLESS = (Oddity("visits", Quirk.ENUM, ("kind", "state")), Oddity("labs", Quirk.NO_KEY))
RISKY = (Oddity("old", Quirk.NO_SNAPSHOT, (), "MyISAM"), Oddity("closed", Quirk.HIDDEN_ROWS))


def test_every_quirk_says_what_it_means():
    assert set(QUIRKS) == set(Quirk)


def test_what_endangers_the_copy_is_a_finding_and_the_rest_is_none():
    (fine,) = quirk_findings(quirk_frame(Quirks(found=HARMLESS)), 4)
    assert (fine.status, fine.numerator) == (Status.PASS, 0)
    (bad,) = quirk_findings(quirk_frame(Quirks(found=RISKY + HARMLESS)), 4)
    assert (bad.status, bad.numerator, bad.denominator) == (Status.FAIL, 2, 4)
    assert bad.note == "old (no snapshot), closed (hidden rows)"


def test_the_table_begins_with_what_endangers_and_says_what_was_not_told():
    drawn = quirk_table(quirk_frame(Quirks(found=HARMLESS + RISKY)), ["triggers"]).text
    assert drawn.index("no snapshot") < drawn.index("hidden rows") < drawn.index("enum")
    assert "may not ask the server for: triggers." in drawn


def test_a_database_without_quirks_has_an_empty_table():
    assert "Nothing to list." in quirk_table(quirk_frame(Quirks())).text
