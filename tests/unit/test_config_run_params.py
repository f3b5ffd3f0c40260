"""Run files: typed, every mistake at once with its line, no secret and nothing that could be a patient."""

import pytest

from ennu_lib.config import load_run, project_root, source_url
from ennu_lib.errors import ConfigurationError

GOOD = """\
name: demo
environment: rehearsal
today: 2026-06-30
source:
  url: sqlite:///{workspace}/clinic.sqlite
target:
  emulator: {state: portal.sqlite}
"""

# Named after the defect; each has the line and the words that its message must have.
DEFECTS = {
    "unknown_key": (GOOD + "colour: red\n", ["line 8: colour: unknown key"]),
    "unknown_nested_key": (GOOD.replace("state:", "stat:"), ["line 7: target.emulator.stat: unknown key"]),
    "missing_today": (GOOD.replace("today: 2026-06-30\n", ""), ["today: is required"]),
    "key_twice": (GOOD + "name: other\n", ["line 8: name: the key stands twice"]),
    "not_yaml": ("name: [\n", ["not valid YAML"]),
    "no_database_url": (GOOD.replace("sqlite:///{workspace}/clinic.sqlite", "clinic"), ["line 5: source.url"]),
    "password_in_url": (
        GOOD.replace("sqlite:///{workspace}/clinic.sqlite", "mysql://ennu:geheim@db/ennu"),
        ["line 5: source.url: holds a credential inside a URL"],
    ),
    "literal_token": (
        GOOD.replace("  emulator", "  token: pat-na1-1234567890ab\n  emulator"),
        ["line 7: target.token: holds an access token", "must be the NAME of an environment variable"],
    ),
    "patient_in_parameter": (
        GOOD.replace("name: demo", "name: jane.doe@mail.org"),
        ["line 1: name: holds an e-mail address"],
    ),
    "url_and_emulator": (GOOD.replace("  emulator", "  url: http://x\n  emulator"), ["either a url or an emulator"]),
    "production_with_emulator": (
        GOOD.replace("rehearsal", "production"),
        ["neither a synthetic clinic nor an emulator"],
    ),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_each_defect_is_named_with_its_line(defect, tmp_path):
    text, expected = DEFECTS[defect]
    path = tmp_path / f"{defect}.yml"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as raised:
        load_run(path)
    for words in expected:
        assert words in str(raised.value)


def test_all_mistakes_are_reported_at_once_and_in_order(tmp_path):
    path = tmp_path / "run.yml"
    path.write_text(
        GOOD.replace("name: demo", "name: Demo!").replace("state:", "stat:") + "colour: red\nkey: hunter2\n"
    )
    with pytest.raises(ConfigurationError) as raised:
        load_run(path)
    assert [int(m.split(":")[0].removeprefix("line ")) for m in raised.value.mistakes] == [1, 7, 8, 9]
    assert "hunter2" not in str(raised.value)


def test_no_message_repeats_a_value(tmp_path):
    path = tmp_path / "run.yml"
    path.write_text(GOOD.replace("name: demo", "name: 123-45-6789"))
    with pytest.raises(ConfigurationError) as raised:
        load_run(path)
    assert "123-45-6789" not in str(raised.value)


def test_a_database_user_is_no_mailbox(tmp_path):
    path = tmp_path / "run.yml"
    path.write_text(GOOD.replace("sqlite:///{workspace}/clinic.sqlite", "postgresql://ennu@db.clinic.org/ennu"))
    assert load_run(path).source.url.endswith("/ennu")


@pytest.mark.parametrize("path", sorted((project_root() / "params" / "runs").glob("*.yml")), ids=lambda p: p.stem)
def test_the_run_files_of_the_project_are_right(path):
    assert load_run(path).name


def test_the_workspace_stands_in_the_url(tmp_path, monkeypatch):
    monkeypatch.setenv("ENNU_WORKSPACE", "/private/here")
    path = tmp_path / "run.yml"
    path.write_text(GOOD)
    assert source_url(load_run(path)) == "sqlite:////private/here/clinic.sqlite"
