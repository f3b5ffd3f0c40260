"""Every way a run can end badly: one class and one exit code per cause.

A message says what is wrong, where, and what to do. It never holds a value from a patient record or text that a
remote system sent: both end up in logs and in reports.
"""


class EnnuError(Exception):
    """A failure that the workbook foresaw; shown as one line, without a traceback."""

    exit_code = 1


class UsageError(EnnuError):
    """The command line asks for something that does not exist."""

    exit_code = 2


class ConfigurationError(EnnuError):
    """A parameter, catalogue, mapping or rule file is wrong; every mistake found is in the message."""

    exit_code = 10

    def __init__(self, where: str, mistakes: list[str]):
        self.where = where
        self.mistakes = list(mistakes)
        super().__init__(f"{where}: " + "; ".join(self.mistakes))


class SecretMissing(EnnuError):
    """A secret that a parameter file names is not to be found."""

    exit_code = 11


class SourceUnreachable(EnnuError):
    """The source database does not answer, or no driver for it is installed."""

    exit_code = 12


class SourceRefused(EnnuError):
    """The source database refuses the user or the password."""

    exit_code = 13


class SourceChanged(EnnuError):
    """A table or a column that the run needs is not there any more."""

    exit_code = 14


class TargetUnreachable(EnnuError):
    """The HubSpot portal does not answer."""

    exit_code = 15


class TargetRefused(EnnuError):
    """The HubSpot portal refuses the token, a scope, the tier or the schema."""

    exit_code = 16


class OutOfOrder(EnnuError):
    """A phase was started before the phases it builds on had finished, or their files have changed since."""

    exit_code = 17


class GateFailed(EnnuError):
    """A check that must pass before the run may go on did not pass."""

    exit_code = 18


class DataLost(EnnuError):
    """Rows or records are unaccounted for."""

    exit_code = 19


class StorageFull(EnnuError):
    """The disk is full or may not be written."""

    exit_code = 20


class AlreadyRunning(EnnuError):
    """Another process holds the lock of this run."""

    exit_code = 21


class OutsideWindow(EnnuError):
    """The source database may not be read at this hour; the run goes on when it is started in an allowed one."""

    exit_code = 22


class PhaseFailed(EnnuError):
    """A notebook ended in a way the workbook did not foresee; its page says in which cell."""

    exit_code = 30


class Unforeseen(EnnuError):
    """The workbook itself failed in a way that nobody foresaw; the traceback is in the private workspace."""

    exit_code = 31


class Interrupted(EnnuError):
    """The run was stopped by the operator or by a signal."""

    exit_code = 130


def exit_codes() -> dict[str, tuple[int, str]]:
    """Class name to exit code and meaning, for the README and the test that holds both together."""
    found: dict[str, tuple[int, str]] = {}
    pending = [EnnuError]
    while pending:
        cls = pending.pop(0)
        found[cls.__name__] = (cls.exit_code, (cls.__doc__ or "").strip().splitlines()[0])
        pending.extend(cls.__subclasses__())
    return found
