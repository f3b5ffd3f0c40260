"""The command line says one line for every failure, the unforeseen ones too, and never a value."""

import errno

import pytest

from ennu_lib import cli
from ennu_lib.errors import GateFailed

SECRET = "Jane Roe, born 1970-02-03"


def end_of(monkeypatch, capsys, error):
    def app(**_):
        raise error

    monkeypatch.setattr(cli, "app", app)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code, capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (GateFailed("01_audit: X did not pass"), 18, "01_audit: X did not pass"),
        (KeyboardInterrupt(), 130, "run again with the same --run-id"),
        (OSError(errno.ENOSPC, SECRET), 20, "no space left on device"),
        (OSError(errno.EIO, SECRET), 31, "the workbook failed with OSError"),
        (ValueError(SECRET), 31, "the workbook failed with ValueError"),
    ],
)
def test_one_line_and_the_exit_code_of_its_cause(monkeypatch, capsys, workspace_folder, error, code, says):
    ended, said = end_of(monkeypatch, capsys, error)
    assert ended == code
    assert says in said
    assert said.count("\n") == 1
    assert SECRET not in said


def test_the_traceback_of_an_unforeseen_failure_is_kept_in_private(monkeypatch, capsys, workspace_folder):
    end_of(monkeypatch, capsys, ValueError(SECRET))
    (kept,) = (workspace_folder / "crashes").iterdir()
    assert SECRET in kept.read_text()
    assert kept.stat().st_mode & 0o077 == kept.parent.stat().st_mode & 0o077 == 0
