import polars as pl
import pytest

from ennu_lib.load.repair_plan import LINK_KEY, keep_before, repair_lines, write_repair
from ennu_lib.workspace import Workspace

LINK = ("contact_to_visit", None, "contacts", "A", "telehealth_sessions", "V")


def links(*rows):
    return pl.DataFrame(
        [dict(zip(LINK_KEY, row, strict=True)) for row in rows], schema=dict.fromkeys(LINK_KEY, pl.String)
    )


def contacts(*rows):
    schema = {c: pl.String for c in ("ennu_external_id", "firstname", "phone", "migration_batch_id")}
    return pl.DataFrame(rows, schema=schema, orient="row")


@pytest.fixture
def workspace(tmp_path):
    """A loaded person A of two rows; after the split B has the visit and the telephone."""
    workspace = Workspace("r1", tmp_path)
    workspace.write("targets/contacts", contacts(("A", "Ann", "1", "r1"), ("C", "Cy", None, "r1")))
    workspace.write("targets/links", links(LINK))
    keep_before(workspace)
    workspace.write(
        "targets/contacts", contacts(("A", "Ann", None, "r2"), ("B", "Anna", "1", "r2"), ("C", "Cyd", None, "r2"))
    )
    workspace.write("targets/links", links((*LINK[:3], "B", *LINK[4:])))
    return workspace


def test_the_repair_names_every_value_record_and_link_that_changes(workspace):
    records, changed = write_repair(workspace)
    assert records.drop("object").rows() == [
        ("B", "create", "firstname", None, "Anna"), ("B", "create", "phone", None, "1"),
        ("A", "update", "phone", "1", None), ("C", "update", "firstname", "Cy", "Cyd"),
    ]  # fmt: skip
    assert changed.select("action", "from_id").rows() == [("add", "B"), ("remove", "A")]


def test_several_decisions_make_one_repair_and_taking_all_back_makes_none(workspace):
    write_repair(workspace)
    workspace.write("targets/contacts", contacts(("A", "Ann", "1", "r3"), ("C", "Cy", None, "r3")))
    workspace.write("targets/links", links(LINK))
    keep_before(workspace)
    records, changed = write_repair(workspace)
    assert records.is_empty() and changed.is_empty()


def test_a_record_without_a_person_is_archived_whole(workspace):
    workspace.write("targets/contacts", contacts(("A", "Ann", "1", "r2")))
    records, _ = write_repair(workspace)
    assert records.select("external_id", "action", "property").rows() == [("C", "archive", None)]


def test_the_words_name_properties_and_no_values(workspace):
    said = "\n".join(repair_lines(*write_repair(workspace)))
    assert "update   contacts A: phone" in said
    assert "remove   contact_to_visit: contacts A - telehealth_sessions V" in said
    assert "Ann" not in said and "Cy" not in said
