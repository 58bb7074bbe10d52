# SPDX-License-Identifier: LGPL-2.1-or-later
"""`lab run`: a guest, a command or a script, and its status."""

from __future__ import annotations

import argparse
import importlib.util
import shlex
import sys
import time
import traceback
from pathlib import Path
from types import ModuleType

from .assets import Assets
from .errors import LabError
from .guest import Guest, Options
from .progress import say


def guest_options(options: argparse.Namespace) -> Options:
    """The guest that the command line asks for."""
    return Options(kernel=options.kernel, topology=options.topology, build=options.build,
                   bare=options.bare, kernel_arguments=tuple(options.append), boot=options.boot,
                   image=options.image)


def load_script(path: Path) -> ModuleType:
    """Import a Python file by its path."""
    if not path.is_file():
        raise LabError(f"there is no script {path}")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def stream(data: bytes, is_err: bool) -> None:
    """Hand a guest's output on as it comes."""
    target = sys.stderr.buffer if is_err else sys.stdout.buffer
    target.write(data)
    target.flush()


def run_script(guest: Guest, path: Path) -> int:
    """Call main(guest) of a script; an exception is a failure."""
    module = load_script(path)
    if not hasattr(module, "main"):
        raise LabError(f"{path} has no main(guest)")
    try:
        result = module.main(guest)
    except Exception:
        traceback.print_exc()
        return 1
    return result if isinstance(result, int) and not isinstance(result, bool) else 0


def run_command(guest: Guest, command: list[str]) -> int:
    """Run a command and stream its output."""
    text = command[0] if len(command) == 1 else shlex.join(command)
    return guest.run_async(text, sink=stream).wait()


def run(options: argparse.Namespace) -> int:
    """The verb."""
    command = options.command
    if command[:1] == ["--"]:
        command = command[1:]
    if not command and not options.script:
        raise LabError("nothing to run: give --script FILE.py, or -- COMMAND")
    if options.script and not options.script.is_file():
        raise LabError(f"there is no script {options.script}")
    with Assets() as assets:
        start = time.monotonic()
        with Guest(assets, guest_options(options)) as guest:
            say(f"guest ready after {time.monotonic() - start:.1f} s "
                f"({options.kernel}, {options.topology})")
            status = 0
            if options.script:
                status = run_script(guest, options.script)
            if command and status == 0:
                status = run_command(guest, command)
            return status
