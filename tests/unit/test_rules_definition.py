"""The rules as data: all of them are there, and a file with three mistakes names all three."""

import shutil

import pytest

from ennu_lib.config import params_dir
from ennu_lib.errors import ConfigurationError
from ennu_lib.rules import load_rules
from ennu_lib.rules.labels import load_detection
from ennu_lib.rules.mutation_plan import load_mutations
from ennu_lib.rules.quarantine import load_releases

FOLDER = params_dir() / "rules"


def test_there_are_65_rules_and_eight_gates_and_each_has_its_check():
    rules = load_rules(FOLDER)
    assert (len(rules), len([id for id in rules if id.startswith("GAT")])) == (73, 8)
    assert {len([id for id in rules if id.startswith(p)]) for p in ("PAT", "CLN", "FIN", "GEN")} == {16, 22, 14, 9}


def test_every_rule_can_be_acted_upon():
    for rule in load_rules(FOLDER).values():
        assert rule.staff and rule.data_team and rule.population, rule.id


def test_a_rule_file_with_three_mistakes_names_all_three(tmp_path):
    folder = tmp_path / "rules"
    shutil.copytree(FOLDER, folder)
    path = folder / "office.yml"
    text = path.read_text()
    text = text.replace("severity: warn", "severity: gentle", 1).replace(
        "repaired_by: front desk", "repaired_by: nobody", 1
    )
    path.write_text(text.replace("tolerated: 0.001", "tolerated: 5", 1))
    with pytest.raises(ConfigurationError) as caught:
        load_rules(folder)
    assert [part.split(": ")[2].split(".")[-1] for part in caught.value.mistakes] == [
        "severity",
        "repaired_by",
        "tolerated",
    ]


def test_a_rule_without_a_check_is_refused(tmp_path):
    folder = tmp_path / "rules"
    shutil.copytree(FOLDER, folder)
    path = folder / "office.yml"
    path.write_text(path.read_text().replace("id: STF-02", "id: STF-09"))
    with pytest.raises(ConfigurationError, match="STF-09 has no check"):
        load_rules(folder)


def test_files_about_rules_name_rules_that_exist(tmp_path):
    rules = load_rules(FOLDER)
    detection, plan = (
        load_detection(FOLDER / "detection.yml", set(rules)),
        load_mutations(FOLDER / "mutations.yml", rules),
    )
    assert len(detection.kinds) > 40 and len(plan.mutations) > 80
    wrong = tmp_path / "detection.yml"
    wrong.write_text((FOLDER / "detection.yml").read_text().replace("CLN-21 SECONDS", "CLN-99 SECONDS"))
    with pytest.raises(ConfigurationError, match="CLN-99 is no rule"):
        load_detection(wrong, set(rules))


def test_a_release_needs_a_name_and_a_reason(tmp_path):
    path = tmp_path / "releases.yml"
    path.write_text("releases:\n  - {row: '0123', rule: CLN-01, who: x, why: because, released: 2026-11-28}\n")
    with pytest.raises(ConfigurationError) as caught:
        load_releases(path)
    assert len(caught.value.mistakes) == 3
