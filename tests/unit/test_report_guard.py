"""The guard in a real kernel: what the saved notebook, and the exception outside it, give away."""

from __future__ import annotations

import logging
import sys
import warnings
from pathlib import Path

import nbformat
import papermill
import polars as pl
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_notebook

from ennu_lib.errors import DataLost
from ennu_lib.report import install_guard
from ennu_lib.report.guard import described, safe_message, told
from ennu_lib.report.masking import scan_file

CANARY = "Zebediah Quillfeather"
SETUP = """\
import logging, threading, warnings
import polars as pl
from ennu_lib.errors import DataLost
from ennu_lib.report import install_guard, note
name = "rehtaeflliuQ haidebeZ"[::-1]
frame = pl.DataFrame({"n": [name]})
install_guard()"""

DISPLAYS = [
    "frame",
    "frame.to_pandas()",
    "frame['n']",
    "frame.lazy()",
    "list(frame['n'])",
    "name",
    "{name: 1}",
    "display(frame)",
    "warnings.warn(name)",
    "logging.getLogger('remote').warning(name)",
    "t = threading.Thread(target=lambda: {}[name]); t.start(); t.join()",
    "from IPython.display import HTML, Markdown\ndisplay(HTML(name), Markdown(name))",
    "class Bad:\n    def _repr_html_(self):\n        raise ValueError(name)\nBad()",
    "note('ok')",
    "3",
]

FAILURES = {
    "with a cause": "try:\n    {}[name]\nexcept KeyError as e:\n    raise RuntimeError(name) from e",
    "several at once": "raise ExceptionGroup(name, [ValueError(name)])",
    "a library's": "pl.Series([name]).str.to_integer()",
    "an exit": "raise SystemExit(name)",
    "ours with a record": "raise DataLost(name.replace(' ', '@') + '.example')",
}


def document(*cells: str) -> nbformat.NotebookNode:
    made = new_notebook(cells=[new_code_cell(source) for source in (SETUP, *cells)])
    made.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return made


def outputs(executed: nbformat.NotebookNode) -> list[list[dict]]:
    """The outputs of every code cell after the set-up."""
    return [cell.outputs for cell in executed.cells if cell.cell_type == "code"][1:]


@pytest.fixture(scope="module")
def executed(tmp_path_factory) -> tuple[nbformat.NotebookNode, Path]:
    """All displays and all failures, in one kernel that goes on after an error."""
    made = document(*DISPLAYS, *FAILURES.values())
    NotebookClient(made, allow_errors=True).execute()
    saved = tmp_path_factory.mktemp("guard") / "out.ipynb"
    nbformat.write(made, saved)
    return made, saved


def test_nothing_that_was_saved_holds_the_value(executed):
    assert scan_file(executed[1], {"n": CANARY}) == []


def test_displays_are_replaced_by_a_notice(executed):
    cells = outputs(executed[0])[: len(DISPLAYS)]
    shown = [output["data"]["text/plain"] for cell in cells for output in cell if "data" in output]
    assert shown[0].startswith("Not shown: a frame of 1 rows and 1 columns.")
    assert len([text for text in shown if text.startswith("Not shown")]) == 11
    assert shown[-2].startswith("Html of") and shown[-1] == "3"


def test_side_channels_tell_what_happened_and_not_to_whom(executed):
    cells = outputs(executed[0])[: len(DISPLAYS)]
    printed = "".join(output["text"] for cell in cells for output in cell if output["output_type"] == "stream")
    assert "UserWarning at " in printed and "WARNING from remote (text withheld)" in printed
    assert "KeyError: the message is withheld" in printed


@pytest.mark.parametrize("name", FAILURES)
def test_an_exception_keeps_its_class_and_place_and_loses_its_message(executed, name):
    cell = outputs(executed[0])[len(DISPLAYS) + list(FAILURES).index(name)]
    (error,) = [output for output in cell if output["output_type"] == "error"]
    assert error["evalue"] == "the message is withheld, it may quote a record"
    assert error["ename"] in error["traceback"][0]
    assert any("a cell, line" in line for line in error["traceback"])


def run_by_papermill(folder: Path, source: str) -> tuple[nbformat.NotebookNode, str]:
    path, saved = folder / "in.ipynb", folder / "out.ipynb"
    nbformat.write(document(source), path)
    with pytest.raises(papermill.PapermillExecutionError) as raised:
        papermill.execute_notebook(str(path), str(saved), progress_bar=False, log_output=False)
    return nbformat.read(saved, as_version=4), str(raised.value)


def test_the_exception_that_reaches_the_runner_holds_no_value():
    with pytest.raises(CellExecutionError) as raised:
        NotebookClient(document("pl.Series([name]).str.to_integer()")).execute()
    assert CANARY not in str(raised.value) and CANARY not in raised.value.evalue
    assert "the message is withheld" in str(raised.value)


def test_the_message_of_a_foreseen_failure_is_kept(tmp_path):
    saved, text = run_by_papermill(tmp_path, "raise DataLost('3 rows of visits are unaccounted for; run 07 again')")
    ((output,),) = outputs(saved)
    assert output["ename"] == "DataLost"
    assert output["evalue"] == "3 rows of visits are unaccounted for; run 07 again"
    assert "DataLost (exit code 19): Rows or records are unaccounted for." in output["traceback"]
    assert "run 07 again" in text


def test_outside_a_kernel_nothing_is_changed():
    before = (sys.excepthook, warnings.showwarning, logging.lastResort)
    assert install_guard().markup.startswith('<style data-ennu="style">')
    assert (sys.excepthook, warnings.showwarning, logging.lastResort) == before


def test_values_are_described_by_type_and_size():
    assert described(pl.DataFrame({"a": [1, 2]})) == "a frame of 2 rows and 1 columns"
    assert described(["x"]) == "a list of 1 items"
    assert described(object()) == "a object"


def test_places_are_told_within_the_library_only():
    try:
        from ennu_lib.report.html import element

        element("p", **{"class_": type("Bad", (), {"__str__": lambda self: 1 / 0})()})
    except ZeroDivisionError as error:
        lines = told(type(error), error, error.__traceback__)
    assert lines[0] == "ZeroDivisionError: the message is withheld, it may quote a record"
    assert all(line.startswith("  at ennu_lib/report/html.py:") for line in lines[1:])
    assert len(lines) > 1


def test_a_message_with_the_shape_of_personal_data_is_withheld_after_all():
    assert safe_message(DataLost("3 rows")) == "3 rows"
    assert "withheld" in safe_message(DataLost("zeb@quill.example"))
    assert "withheld" in safe_message(ValueError("3 rows"))
