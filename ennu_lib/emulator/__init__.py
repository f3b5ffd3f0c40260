"""A HubSpot portal that tells the truth: a server for rehearsals and tests, on the loopback interface only.

docs/emulator.md lists every behaviour and says of each whether it is documented, recorded or assumed.
"""

from ennu_lib.emulator.app import DEFAULT_TOKEN, create_app
from ennu_lib.emulator.process import running
from ennu_lib.emulator.settings import AdminRule, EmulatorSettings

__all__ = ["DEFAULT_TOKEN", "AdminRule", "EmulatorSettings", "create_app", "running"]
