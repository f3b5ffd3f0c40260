"""Building the source of a rehearsal: never into a real database, never instead of what was asked for."""

from types import SimpleNamespace

import pytest
import yaml

from ennu_lib.config import load_run
from ennu_lib.errors import UsageError
from ennu_lib.run import rehearsal
from ennu_lib.run.rehearsal import build_source


@pytest.fixture
def params(tmp_path):
    def made(**changes):
        data = {
            "name": "tiny",
            "environment": "rehearsal",
            "today": "2026-06-30",
            "source": {"url": f"sqlite:///{tmp_path}/clinic.sqlite"},
            "target": {"url": "http://127.0.0.1:1"},
        }
        file = tmp_path / "run.yml"
        file.write_text(yaml.safe_dump(data | changes))
        return load_run(file)

    return made


def test_a_production_run_builds_nothing(params):
    with pytest.raises(UsageError, match="only a rehearsal"):
        build_source(params(environment="production"), from_synthea=None, replace=False, say=print)


def test_a_clinic_that_is_there_is_kept_and_never_passed_off_as_an_import(params, tmp_path):
    (tmp_path / "clinic.sqlite").touch()
    said = []
    build_source(params(), from_synthea=None, replace=False, say=said.append)
    assert said == ["clinic: there already, kept"]
    with pytest.raises(UsageError, match="--replace"):
        build_source(params(), from_synthea=tmp_path, replace=False, say=said.append)


def test_what_was_decided_about_the_people_of_a_clinic_goes_aside_with_it_and_loudly(
    params, tmp_path, workspace_folder, monkeypatch
):
    (tmp_path / "clinic.sqlite").touch()
    decided = workspace_folder / "people/tiny/decisions.jsonl"
    decided.parent.mkdir(parents=True)
    decided.touch()
    monkeypatch.setattr(rehearsal, "build_clinic", lambda *_, **__: SimpleNamespace(tables=189, rows=0))
    said, small = [], params(clinic={"patients": 15, "seed": 1})
    build_source(small, from_synthea=None, replace=False, say=said.append)
    assert decided.is_file()
    build_source(small, from_synthea=None, replace=True, say=said.append)
    (aside,) = workspace_folder.glob("people/tiny.before-*")
    assert (aside / "decisions.jsonl").is_file() and not decided.exists()
    assert any(str(aside) in line for line in said)
