"""The page of a phase: everything in it, nothing private in it, the same bytes, fit for a screen reader."""

from __future__ import annotations

import copy
import hashlib
import os
import re
import runpy
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

from ennu_lib.errors import GateFailed
from ennu_lib.report.html import Html
from ennu_lib.report.outputs import draw_output
from ennu_lib.report.pagecheck import problems
from ennu_lib.report.render import render_phase
from ennu_lib.report.theme import page_css

GOLDEN = Path(__file__).parents[1] / "golden" / "report"
SAMPLE = SimpleNamespace(**runpy.run_path(str(GOLDEN / "sample.py")))


def rendered(folder: Path, notebook=None, evidence=None, **options) -> str:
    path = folder / "03_dedupe.ipynb"
    nbformat.write(notebook or SAMPLE.notebook(), path)
    out = folder / "page.html"
    render_phase(path, SAMPLE.EVIDENCE if evidence is None else evidence, SAMPLE.PROVENANCE, out, **options)
    return out.read_text(encoding="utf-8")


def steady(page: str) -> str:
    """The page without the parts that may differ from run to run."""
    return re.sub(r"<!--run-->.*?<!--/run-->", "<!--run-->", page, flags=re.DOTALL)


def test_the_page_is_as_it_was_agreed(tmp_path):
    page = steady(rendered(tmp_path)).replace(page_css(), "/* page_css() */\n")
    page = re.sub(r"(<div class=\"ennu-plate\">).*?(</div>)", r"\1drawing\2", page, flags=re.DOTALL)
    golden = GOLDEN / "page.html"
    if os.environ.get("ENNU_UPDATE_GOLDEN"):
        golden.write_text(page, encoding="utf-8")
    assert page == golden.read_text(encoding="utf-8")


def test_the_digest_is_that_of_the_file(tmp_path):
    path, out = tmp_path / "a.ipynb", tmp_path / "a.html"
    nbformat.write(SAMPLE.notebook(), path)
    digest = render_phase(path, SAMPLE.EVIDENCE, {}, out)
    assert digest == hashlib.sha256(out.read_bytes()).hexdigest()
    assert out.stat().st_mode & 0o077 == 0


def test_a_page_comes_in_the_order_a_reviewer_reads(tmp_path):
    page = rendered(tmp_path)
    order = [
        "Duplicate patients</h1>",
        "<span>Failed</span>",
        "21,840 patient rows describe",
        "What did not pass",
        "Provenance",
        'aria-label="Contents"',
        '<h2 id="checks">',
        '<h2 id="rules">',
        "What was not done or not checked</h2>",
        "Files</h2>",
        "SHA-256 of that notebook",
    ]
    assert sorted(order, key=page.index) == order


@pytest.mark.parametrize("audience", ["internal", "distributable"])
def test_every_output_of_the_notebook_has_its_place(tmp_path, audience):
    notebook = SAMPLE.notebook()
    numbers = [n for n, c in enumerate((c for c in notebook.cells if c.cell_type == "code"), 1) for _ in c.outputs]
    expected = [f"{n}.1" for n in numbers]
    page = rendered(tmp_path, notebook, audience=audience)
    assert re.findall(r'data-output="([^"]*)"', page) == expected
    shown = re.findall(r'<div class="output" data-output="[^"]*">(.)', page)
    assert len(shown) == len(expected) - 1, "only the style sheet leaves no mark"


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ({"output_type": "stream", "name": "stdout", "text": "a\x1b[31m<b>\n"}, "<pre>a&lt;b&gt;\n</pre>"),
        (
            {"output_type": "stream", "name": "stderr", "text": ["a", "b"]},
            '<p class="origin">Messages</p><pre>ab</pre>',
        ),
        ({"output_type": "execute_result", "data": {"text/plain": "15"}, "metadata": {}}, "<pre>15</pre>"),
        (
            {"output_type": "display_data", "data": {"text/html": "<table>", "text/plain": "Jo"}},
            "not made by the report",
        ),
        ({"output_type": "display_data", "data": {"application/json": {}}}, "an output of type application/json"),
        ({"output_type": "display_data", "data": {"image/png": "AA==\n"}}, 'alt="A picture without a description."'),
        (
            {"output_type": "display_data", "data": {"image/png": "AA=="}, "metadata": {"image/png": {"alt": "A"}}},
            '<img src="data:image/png;base64,AA==" alt="A">',
        ),
        ({"output_type": "display_data", "data": {"image/svg+xml": "<svg/>"}}, "data:image/svg+xml;utf8,%3Csvg/%3E"),
        ({"output_type": "error", "ename": "KeyError", "evalue": "Jo", "traceback": ["Jo"]}, "<code>KeyError</code>"),
        (
            {"output_type": "error", "ename": "DataLost", "evalue": "Jo", "traceback": []},
            "(exit code 19). Rows or records",
        ),
    ],
)
def test_every_kind_of_output_leaves_a_trace_and_no_value(output, said):
    drawn = draw_output(output).markup
    assert said in drawn
    assert "Jo" not in drawn


def test_the_distributable_page_holds_no_plain_output():
    drawn = draw_output({"output_type": "execute_result", "data": {"text/plain": "15"}}, "distributable")
    assert "15" not in drawn.markup and "Withheld from this rendering" in drawn.markup


@pytest.mark.parametrize("audience", ["internal", "distributable"])
def test_the_page_is_fit_for_the_archive_and_for_a_screen_reader(tmp_path, audience):
    assert problems(rendered(tmp_path, audience=audience)) == []
    assert problems(rendered(tmp_path, SAMPLE.failed_notebook(), audience=audience)) == []


def test_times_and_run_identity_stand_in_marked_parts_only(tmp_path):
    later = {**SAMPLE.EVIDENCE, "run_id": "2026-04-01-other", "started": "2026-04-01T07:00:00+00:00"}
    later["provenance"] = {**SAMPLE.EVIDENCE["provenance"], "operator": "m.roe"}
    notebook = SAMPLE.notebook(seconds=99.9)
    for cell in notebook.cells:
        cell.source = cell.source.replace(SAMPLE.RUN_ID, "2026-04-01-other")
    first, second = rendered(tmp_path), rendered(tmp_path, notebook, later)
    assert first != second
    assert steady(first) == steady(second)
    assert SAMPLE.RUN_ID not in steady(first)


def test_the_same_run_renders_to_the_same_bytes(tmp_path):
    assert rendered(tmp_path) == rendered(tmp_path)


def test_code_is_folded_and_coloured_and_given_parameters_stand_with_the_provenance(tmp_path):
    page = rendered(tmp_path)
    assert '<details class="code"><summary>Code of cell 1</summary>' in page
    assert "Code of cell 2<" not in page, "the injected cell is no cell of the notebook's author"
    provenance = page[page.index("Provenance") : page.index('aria-label="Contents"')]
    assert f"run_id = &quot;{SAMPLE.RUN_ID}&quot;" in provenance or f'run_id = "{SAMPLE.RUN_ID}"' in provenance
    assert "cell 4 12 s, cell 6 3.1 s" in provenance
    assert "2 files, listed at the end" in provenance and "1 file, listed" in provenance


def test_headings_of_the_notebook_become_sections_with_distinct_anchors(tmp_path):
    notebook = SAMPLE.notebook()
    notebook.cells[4].source = "## Rules\n\n## Rules\n\n##### Deep\n\n```\n## no heading\n```"
    page = rendered(tmp_path, notebook)
    assert '<h2 id="what-this-phase-does">What this phase does</h2>' in page
    assert '<h2 id="rules">Rules</h2>' in page and '<h2 id="rules-2">Rules</h2>' in page
    assert '<h3 id="deep">Deep</h3>' in page
    assert '<a href="#rules-2">Rules</a>' in page
    assert problems(page) == []


def test_the_failed_phase_gets_its_page_with_the_cell_and_the_class_only(tmp_path):
    page = rendered(tmp_path, SAMPLE.failed_notebook(), {**SAMPLE.EVIDENCE, "verdict": "pass"})
    assert "<title>03 Duplicate patients · Ended in an error · ENNU migration</title>" in page
    assert '<a href="#cell-6">code cell 6</a> with <code>DataLost</code> (exit code 19). Rows or records' in page
    assert "Zebediah" not in page
    assert SAMPLE.EVIDENCE["headline"] not in page


def test_the_runners_word_on_a_failure_is_believed(tmp_path):
    notebook = SAMPLE.notebook()
    notebook.metadata["ennu"] = {"ok": False, "error": "PhaseFailed", "cell": 9}
    page = rendered(tmp_path, notebook, {"phase": "07_load", "run_id": "r"})
    assert '<span class="number">07</span>Load</h1>' in page
    assert "code cell 9</a> with <code>PhaseFailed</code> (exit code 30)" in page


def test_a_cell_that_never_ran_is_a_failure_whatever_the_evidence_says(tmp_path):
    notebook = SAMPLE.notebook()
    notebook.cells[-1].execution_count = None
    assert "Ended in an error" in rendered(tmp_path, notebook, {**SAMPLE.EVIDENCE, "verdict": "pass"})


def test_a_phase_without_a_run_notebook_still_gets_a_page(tmp_path):
    out = tmp_path / "page.html"
    render_phase(tmp_path / "missing.ipynb", {"phase": "02_remediation", "verdict": "error"}, {}, out)
    page = out.read_text(encoding="utf-8")
    assert "The run notebook was not written" in page and "Ended in an error" in page
    assert problems(page) == []
    render_phase(tmp_path / "missing.ipynb", {"phase": "02_remediation", "verdict": "not_run"}, {}, out)
    assert "Not run" in out.read_text(encoding="utf-8")


def test_banners_of_papermill_are_left_out(tmp_path):
    notebook = SAMPLE.failed_notebook()
    banner = nbformat.v4.new_markdown_cell(
        "An Exception was encountered", metadata={"tags": ["papermill-error-cell-tag"]}
    )
    notebook.cells.insert(0, banner)
    page = rendered(tmp_path, notebook)
    assert "An Exception was encountered" not in page and "#cell-6" in page


@pytest.mark.parametrize("place", ["output", "code", "text", "evidence", "parameters"])
def test_personal_data_never_reaches_the_page_and_the_run_cannot_pass_over_it(tmp_path, place):
    notebook, evidence = SAMPLE.notebook(), copy.deepcopy(SAMPLE.EVIDENCE)
    leak = "zeb.quill@quill.example"
    if place == "output":
        notebook.cells[-2].outputs[0]["data"] = {"text/plain": leak}
    elif place == "evidence":
        evidence["findings"][1]["note"] = leak
    else:
        notebook.cells[{"code": -1, "text": 4, "parameters": 2}[place]].source = f"# {leak}"
    with pytest.raises(GateFailed, match="email in") as refused:
        rendered(tmp_path, notebook, evidence)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert leak not in page and leak not in str(refused.value)
    assert "Ended in an error" in page and "does not count as passed" in page


def test_planted_values_are_withheld_by_their_label(tmp_path):
    notebook = SAMPLE.notebook()
    notebook.cells[-3].outputs[0]["text"] = "Quillfeather,\nZEBEDIAH\n"
    with pytest.raises(GateFailed, match=r"patients\.name in code cell 8, output 1"):
        rendered(tmp_path, notebook, planted={"patients.name": "Quillfeather Zebediah"})
    assert "Quillfeather" not in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_the_operator_may_sign_with_an_address(tmp_path):
    evidence = {**SAMPLE.EVIDENCE, "provenance": {"operator": "ops@clinic.example"}}
    assert "ops@clinic.example" in rendered(tmp_path, evidence=evidence)


def test_the_distributable_page_shows_no_count_of_one_to_ten(tmp_path):
    page = rendered(tmp_path, audience="distributable")
    assert "Distributable: small counts withheld" in page
    assert "describe 20,225 patients; 10 or fewer pairs of twins were merged" in page
    text = Html(page[page.index("<main>") :]).text
    assert "3 of 120" not in text and "* of 120" in text
    assert "10 or fewer pairs of twins" in text and "3 pairs of twins" not in text
    cells = re.findall(r'<td class="right">(\d+)</td>', page)
    assert not [c for c in cells if 1 <= int(c) <= 10]


def test_sentences_written_for_the_distributable_page_are_used(tmp_path):
    evidence = {**SAMPLE.EVIDENCE, "headline_distributable": "Some twins were merged."}
    assert "Some twins were merged." in rendered(tmp_path, evidence=evidence, audience="distributable")


def test_an_unknown_audience_is_refused(tmp_path):
    with pytest.raises(ValueError, match="internal, distributable"):
        rendered(tmp_path, audience="public")


def test_blocks_that_the_notebook_shows_are_not_repeated(tmp_path):
    notebook = SAMPLE.notebook()
    notebook.cells.append(SAMPLE.code("findings_table(f)", SAMPLE.output_of(SAMPLE.checks()), number=10))
    assert rendered(tmp_path, notebook).count('data-ennu="findings"') == 1
    assert rendered(tmp_path).count('data-ennu="findings"') == 1


def test_tables_of_the_same_name_are_told_apart(tmp_path):
    notebook = SAMPLE.notebook()
    notebook.cells.append(SAMPLE.code("again", notebook.cells[10].outputs[0], number=10))
    page = rendered(tmp_path, notebook)
    assert 'aria-label="Table: patients to Contact (2)"' in page
    assert problems(page) == []


def test_production_is_named_in_the_masthead(tmp_path):
    page = rendered(tmp_path, evidence={**SAMPLE.EVIDENCE, "environment": "production"})
    assert '<span class="production">Production</span>' in page
