"""The emulator as a process of its own: started, announced, and stopped with the one that started it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from ennu_lib.emulator.app import DEFAULT_TOKEN
from ennu_lib.emulator.settings import EmulatorSettings
from ennu_lib.emulator.wire import OpenProtocol
from ennu_lib.errors import TargetUnreachable, UsageError

HOST = "127.0.0.1"
ANNOUNCEMENT = "listening on "
BACKLOG = 1024
STOP_SECONDS = 10


def serve(app: Starlette, port: int, stop_with_stdin: bool = False) -> None:
    """Serve `app` on the loopback interface until a signal, or until standard input closes.

    Raises UsageError when the port is taken.
    """
    listener = _listener(port)
    config = uvicorn.Config(
        app, loop="auto", http=OpenProtocol, lifespan="on", access_log=False,
        proxy_headers=False, log_level="warning",
        timeout_graceful_shutdown=1, timeout_keep_alive=75,
    )  # fmt: skip
    server = uvicorn.Server(config)
    if stop_with_stdin:
        threading.Thread(target=_stop_at_end_of_input, args=(server,), daemon=True).start()
    print(f"{ANNOUNCEMENT}http://{HOST}:{listener.getsockname()[1]}", flush=True)
    server.run(sockets=[listener])


def _listener(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError:
        listener.close()
        raise UsageError(f"port {port} of {HOST} is taken; choose another with --port (0 picks a free one)") from None
    listener.listen(BACKLOG)
    return listener


def _stop_at_end_of_input(server: uvicorn.Server) -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    server.should_exit = True


@contextmanager
def running(
    state: Path | str,
    *,
    token: str = DEFAULT_TOKEN,
    settings: EmulatorSettings | None = None,
    virtual_clock: bool = False,
) -> Iterator[str]:
    """Start an emulator on a free port, yield its base URL, stop it. Raises TargetUnreachable when it does not start.

    The child ends when its standard input closes, so it does not outlive a parent that was killed.
    """
    with tempfile.TemporaryDirectory(prefix="ennu-emulator-") as folder:
        command = [sys.executable, "-m", "ennu_lib.emulator", "--port", "0", "--state", str(state), "--stop-with-stdin"]
        if settings is not None:
            file = Path(folder) / "settings.json"
            file.write_text(settings.model_dump_json(), encoding="utf-8")
            command += ["--settings", str(file)]
        if virtual_clock:
            command.append("--virtual-clock")
        environment = {**os.environ, "ENNU_EMULATOR_TOKEN": token}
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        try:
            yield _announced(child)
        finally:
            _stop(child)


def _announced(child: subprocess.Popen[bytes]) -> str:
    line = child.stdout.readline().decode() if child.stdout else ""
    if not line.startswith(ANNOUNCEMENT):
        raise TargetUnreachable(
            f"the emulator did not start (exit code {child.poll()}); run `python -m ennu_lib.emulator` to see why"
        )
    return line.removeprefix(ANNOUNCEMENT).strip()


def _stop(child: subprocess.Popen[bytes]) -> None:
    if child.stdin:
        child.stdin.close()
    try:
        child.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    if child.stdout:
        child.stdout.close()
