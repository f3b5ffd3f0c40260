import shutil

import pytest
import yaml

from ennu_lib.errors import ConfigurationError
from ennu_lib.identity import load_identity_params
from tests.support.identity_params import DIRECTORY, PARAMS


@pytest.fixture
def directory(tmp_path):
    return shutil.copytree(DIRECTORY, tmp_path / "identity")


def change(path, edit):
    content = yaml.safe_load(path.read_text())
    edit(content)
    path.write_text(yaml.safe_dump(content))


def test_levels_are_numbered_from_missing_to_exact():
    assert PARAMS.levels["sex"] == ["missing", "disagree", "exact"]
    assert PARAMS.levels["phone"] == ["missing", "disagree", "edits 2", "edits 1", "exact"]


def test_a_short_name_stands_for_every_formal_name_that_lists_it():
    assert set(PARAMS.nicknames["alex"]) >= {"alexander", "alexandra"}
    assert PARAMS.nicknames["robert"][0] == "robert"


def test_all_mistakes_of_a_file_are_reported_at_once(directory):
    def spoil(content):
        content["comparisons"][0]["levels"] = ["exact", "sounds alike"]
        content["comparisons"][1]["household"] = "perhaps"
        content["colour"] = "blue"

    change(directory / "fields.yml", spoil)
    with pytest.raises(ConfigurationError) as caught:
        load_identity_params(directory)
    text = str(caught.value)
    assert "sounds alike" in text and "comparisons.1.household" in text and "colour" in text


def test_missing_and_broken_files_are_reported_together(directory):
    (directory / "blocking.yml").unlink()
    (directory / "survivorship.yml").write_text("a: [")
    (directory / "nicknames.csv").write_text("formal,short\nrobert,bob\n")
    with pytest.raises(ConfigurationError) as caught:
        load_identity_params(directory)
    assert len(caught.value.mistakes) == 3


def test_a_guard_on_an_unknown_level_is_refused(directory):
    change(directory / "thresholds.yml", lambda c: c["guards"][0]["when"].update(sex=["nearly"]))
    with pytest.raises(ConfigurationError, match="sex has no level nearly"):
        load_identity_params(directory)


def test_thresholds_out_of_order_are_refused(directory):
    change(directory / "thresholds.yml", lambda c: c["decision"].update(review=0.999))
    with pytest.raises(ConfigurationError, match="keep <= review <= auto_merge"):
        load_identity_params(directory)
