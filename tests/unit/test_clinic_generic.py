"""Tables filled from the content column."""

from pathlib import Path

import polars as pl
import pytest

from ennu_lib.clinic.generic import fill_table
from ennu_lib.clinic.words import load_words
from tests.support.small_catalogue import AS_OF, chunk_of, table

WORDS = load_words(Path(__file__).parents[2] / "params" / "clinic" / "words.yml")
PK = {"key": "pk"}

VISIT = table(
    "visit",
    44_000,
    ("visit_id", "integer", "seq", PK),
    ("patient_id", "integer", "fk", {"references": "patients.patient_id"}),
    ("begun", "datetime", "datetime:as_of-800..as_of"),
    ("ended", "datetime", "after:begun+5..60m", {"nulls": 0.3}),
    ("status", "varchar(9)", "choice:done=9|open=1"),
)
NOTE = table(
    "note",
    88_000,
    ("note_id", "integer", "seq", PK),
    ("visit", "integer", "each", {"references": "visit.visit_id"}),
    ("line", "smallint", "nth:visit"),
    ("patient", "integer", "via:visit.patient_id", {"references": "patients.patient_id"}),
    ("written", "date", "after:visit.begun+0..400d"),
    ("due", "date", "due:written+100..200d"),
    ("text", "text", "note:30"),
)

TEXTS = {
    "code:AB-##?": ("varchar(20)", r"^AB-\d\d[A-Z]$"),
    "hex:32": ("char(32)", r"^[0-9a-f]{32}$"),
    "uuid": ("varchar(36)", r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$"),
    "email": ("varchar(90)", r"^[a-z.]+\d\d@[a-z]+\.example$"),
    "phone": ("varchar(20)", r"^\(\d{3}\) 555-01\d\d$"),
    "ip": ("varchar(20)", r"^\d+\.\d+\.\d+\.\d+$"),
    "json": ("text", r'^\{"q1": \d, .*\}$'),
    "sentence": ("text", r"^[A-Z].*\.$"),
    "xml:20": ("text", r"^<\?xml .*</ClinicalDocument>$"),
    "hash": ("varchar(60)", r"^\$2y\$10\$[0-9a-f]{53}$"),
    "flag:0.5": ("char(1)", r"^[YN]$"),
    "int:1..3": ("varchar(9)", r"^[123]$"),
    "const:x": ("varchar(9)", r"^x$"),
    "name": ("varchar(40)", r"^\w.* \w"),
    "words:3": ("varchar(40)", r"^[A-Z][a-z]+ [a-z]+ [a-z]+$"),
}


@pytest.fixture
def filled():
    chunk = chunk_of(VISIT, NOTE)
    for each in (VISIT, NOTE):
        chunk.frames[each.name] = fill_table(chunk, each, WORDS)
    return chunk


def test_volumes_follow_the_catalogue(filled):
    assert filled.frames["visit"].height == 2_000
    assert filled.frames["note"].height == 4_000


def test_keys_run_on_over_chunks_and_no_row_is_lost():
    first, second = chunk_of(VISIT, patients=333), chunk_of(VISIT, patients=334, index=1, first=334)
    second.keys = first.keys
    a, b = (fill_table(chunk, VISIT, WORDS)["visit_id"] for chunk in (first, second))
    assert pl.concat([a, b]).to_list() == list(range(1, 2 * 667 + 1))


def test_first_chunk_of_a_rare_table_is_not_empty():
    rare = table("rare", 1, ("id", "integer", "seq", PK))
    assert chunk_of(rare, patients=50).rows_for("rare") == 1
    assert chunk_of(rare, patients=50, index=1, first=51).rows_for("rare") == 0


def test_fixed_tables_keep_their_size_down_to_a_floor():
    small = table("small", 62, ("id", "integer", "seq", PK), growth="fixed")
    large = table("large", 22_000, ("id", "integer", "seq", PK), growth="fixed")
    chunk = chunk_of(small, large, patients=200, fixed_table_floor=100)
    assert (chunk.rows_for("small"), chunk.rows_for("large")) == (62, 200)
    assert chunk_of(large, patients=10, fixed_table_floor=100).rows_for("large") == 100


def test_references_hold_and_values_come_from_the_referenced_row(filled):
    joined = filled.frames["note"].join(filled.frames["visit"], left_on="visit", right_on="visit_id", how="left")
    assert joined["patient_id"].null_count() == 0
    assert (joined["patient"] == joined["patient_id"]).all()
    assert set(filled.frames["visit"]["patient_id"]) <= set(filled.frames["patients"]["patient_id"])


def test_each_cycles_over_all_parents_and_nth_counts_within_one(filled):
    counted = filled.frames["note"].group_by("visit").agg(pl.col("line").sort())
    assert counted.height == 2_000
    assert counted["line"].to_list() == [[1, 2]] * 2_000


def test_after_is_later_but_never_in_the_future_and_due_may_be(filled):
    visits = filled.frames["visit"].filter(pl.col("ended").is_not_null())
    minutes = (visits["ended"] - visits["begun"]).dt.total_minutes()
    assert (minutes.min(), minutes.max()) == (5, 59)
    notes = filled.frames["note"].join(filled.frames["visit"], left_on="visit", right_on="visit_id")
    assert notes["written"].max() == AS_OF
    assert (notes["written"] >= notes["begun"].dt.date()).all()
    assert notes["due"].max() > AS_OF


def test_null_share_is_kept(filled):
    share = filled.frames["visit"]["ended"].null_count() / 2_000
    assert 0.25 < share < 0.35


def test_weights_are_kept(filled):
    done = (filled.frames["visit"]["status"] == "done").mean()
    assert 0.87 < done < 0.93


def test_same_seed_same_rows_and_another_seed_others(filled):
    again, other = chunk_of(VISIT), chunk_of(VISIT, seed=8)
    assert fill_table(again, VISIT, WORDS).equals(filled.frames["visit"])
    assert not fill_table(other, VISIT, WORDS).equals(filled.frames["visit"])


def test_without_parents_no_children():
    chunk = chunk_of(VISIT, NOTE)
    chunk.frames["visit"] = pl.DataFrame(schema={"visit_id": pl.Int64, "begun": pl.Datetime("us")})
    assert fill_table(chunk, NOTE, WORDS).is_empty()


@pytest.mark.parametrize("content", TEXTS)
def test_text_has_its_form(content):
    kind, pattern = TEXTS[content]
    one = table("one", 2_200, ("value", kind, content))
    values = fill_table(chunk_of(one), one, WORDS)["value"]
    assert values.len() == 100
    assert values.str.contains(f"(?s){pattern}").all()


@pytest.mark.parametrize("content", sorted(TEXTS))
def test_no_rows_are_made_for_a_table_without_parents(content):
    child = table("child", 22, ("visit", "integer", "fk", {"references": "visit.visit_id"}), ("value", "text", content))
    chunk = chunk_of(VISIT, child)
    chunk.frames["visit"] = pl.DataFrame(schema={"visit_id": pl.Int64})
    assert fill_table(chunk, child, WORDS).is_empty()


def test_codes_of_a_unique_column_never_repeat():
    one = table("one", 22_000, ("code", "varchar(9)", "code:?###", PK))
    assert fill_table(chunk_of(one), one, WORDS)["code"].n_unique() == 1_000


def test_bytes_have_about_the_length_asked_for():
    one = table("one", 22_000, ("file", "blob", "blob:400"))
    sizes = fill_table(chunk_of(one), one, WORDS)["file"].bin.size()
    assert sizes.min() >= 200 and sizes.max() <= 600 and 380 < sizes.mean() < 420


def test_a_bespoke_table_that_nobody_made_is_not_made_up():
    one = table("one", 22_000, ("one_id", "integer", "bespoke"))
    with pytest.raises(LookupError, match=r"one\.one_id is bespoke"):
        fill_table(chunk_of(one), one, WORDS)
