"""One exit code per cause, and the README says the same as the code."""

import re

from ennu_lib.config import project_root
from ennu_lib.errors import exit_codes


def test_every_cause_has_its_own_code_and_one_sentence():
    codes = exit_codes()
    assert len({code for code, _ in codes.values()}) == len(codes)
    assert all(meaning.endswith(".") for _, meaning in codes.values())


def test_the_readme_lists_them():
    rows = re.findall(r"^\| (\d+) \| (\w+) \| (.+) \|$", (project_root() / "README.md").read_text(), re.M)
    assert {name: (int(code), meaning) for code, name, meaning in rows} == exit_codes()
