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


def line_of(path, text):
    return next(n for n, line in enumerate(path.read_text().splitlines(), 1) if text in line)


def spoil(path, before, after):
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))


def test_all_mistakes_of_all_files_are_reported_at_once_each_with_its_line(directory):
    spoil(directory / "fields.yml", "household: true", "household: perhaps")
    spoil(directory / "fields.yml", "levels: [exact, ", "levels: [exact, sounds alike, ")
    spoil(directory / "thresholds.yml", "  keep:", "  colour: blue\n  keep:")
    spoil(directory / "review.yml", "own_words_most: 300", "own_words_most: 3")
    (directory / "survivorship.yml").open("a").write("updated: x\n")
    with pytest.raises(ConfigurationError) as caught:
        load_identity_params(directory)
    found = caught.value.mistakes
    expected = {
        "fields.yml": ["perhaps", "sounds alike"], "thresholds.yml": ["colour: blue"], "review.yml": ["own_words_most"],
    }  # fmt: skip
    for name, texts in expected.items():
        for text in texts:
            line = line_of(directory / name, text)
            assert any(m.startswith(f"{name} line {line}: ") for m in found), (name, text, found)
    assert any(m.startswith("survivorship.yml line ") and "stands twice" in m for m in found)
    assert len(found) == 5


def test_missing_and_broken_files_are_reported_together(directory):
    (directory / "blocking.yml").unlink()
    (directory / "survivorship.yml").write_text("updated: x\nsource: [")
    (directory / "clinical.yml").write_text("")
    (directory / "nicknames.csv").write_text("name,nickname\nrobert\n")
    with pytest.raises(ConfigurationError) as caught:
        load_identity_params(directory)
    assert [m.split(":")[0] for m in caught.value.mistakes] == [
        "blocking.yml the file does not exist; check the path", "clinical.yml line 1", "survivorship.yml line 3",
        "nicknames.csv line 2",
    ]  # fmt: skip


def test_guards_on_unknown_levels_are_refused_each_with_its_line(directory):
    spoil(directory / "thresholds.yml", "when: {sex: [disagree]", "when: {sex: [nearly]")
    spoil(directory / "thresholds.yml", "suffix: [disagree]", "suffix: [nearly]")
    with pytest.raises(ConfigurationError) as caught:
        load_identity_params(directory)
    assert [m.rsplit(": ", 1)[1] for m in caught.value.mistakes] == [
        "suffix has no level nearly", "sex has no level nearly",
    ]  # fmt: skip
    line = line_of(directory / "thresholds.yml", "sex: [nearly]")
    assert caught.value.mistakes[1].startswith(f"thresholds.yml line {line}: guards.")


def test_a_field_compared_twice_and_an_identifier_in_a_parameter_are_refused(directory):
    spoil(directory / "fields.yml", "field: last_name", "field: first_name")
    spoil(directory / "placeholders.yml", "[none, nmn", "[123-45-6789, nmn")
    with pytest.raises(ConfigurationError) as caught:
        load_identity_params(directory)
    text = str(caught.value)
    assert "first_name is compared twice" in text and "a social security number" in text and "6789" not in text


def test_thresholds_out_of_order_are_refused(directory):
    change(directory / "thresholds.yml", lambda c: c["decision"].update(review=0.999))
    with pytest.raises(ConfigurationError, match="keep <= review <= auto_merge"):
        load_identity_params(directory)
