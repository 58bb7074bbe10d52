# SPDX-License-Identifier: LGPL-2.1-or-later
"""The verbs of ./lab."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from . import kernels, topologies
from .errors import GuestError, LabError
from .progress import say


def _add_guest_options(parser: argparse.ArgumentParser, topology: str) -> None:
    parser.add_argument("--kernel", default=kernels.DEFAULT, metavar="NAME",
                        help=f"kernel to boot (default {kernels.DEFAULT})")
    parser.add_argument("--topology", default=topology, metavar="NAME",
                        help=f"machine to emulate (default {topology})")
    parser.add_argument("--build", default="plain", choices=("plain", "asan"),
                        help="which build of the project the guest gets")
    parser.add_argument("--bare", action="store_true", help="a guest without the project")
    parser.add_argument("--append", action="append", default=[], metavar="ARGUMENT",
                        help="add an argument to the kernel command line")
    parser.add_argument("--boot", action="store_true", help="boot, whatever snapshots there are")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./lab", description="Run and test cxlmem on an emulated machine (docs/lab.md).")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    run = verbs.add_parser("run", help="start a guest, run a command or a script in it")
    _add_guest_options(run, topologies.DEFAULT)
    run.add_argument("--script", type=Path, metavar="FILE.py",
                     help="Python file whose main(guest) is called")
    run.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND",
                     help="command to run as root in the guest")
    return parser


def _terminate(*_) -> None:
    raise KeyboardInterrupt


def main(arguments: list[str]) -> int:
    """Run a verb; returns the exit status."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _terminate)
    try:
        from . import run
        return run.run(options)
    except LabError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("interrupted")
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
