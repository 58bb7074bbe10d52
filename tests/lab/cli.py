# SPDX-License-Identifier: LGPL-2.1-or-later
"""The verbs of ./lab."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

from . import kernelbuild, kernelcheck, kernels, listing, run, runner, shell, topologies
from .assets import Assets, IMAGES
from .cache import Cache
from .errors import LabError
from .guest import Options
from .progress import say
from .project import VARIANTS, checkout

DEMO_TOPOLOGY = "two-bridges"
BENCH_TOPOLOGY = "one"


def _add_guest_options(parser: argparse.ArgumentParser, topology: str) -> None:
    parser.add_argument("--kernel", default=kernels.DEFAULT, metavar="NAME",
                        help=f"kernel to boot (default {kernels.DEFAULT})")
    parser.add_argument("--topology", default=topology, metavar="NAME",
                        help=f"machine to emulate (default {topology})")
    parser.add_argument("--build", default="plain", choices=tuple(VARIANTS),
                        help="which build of the project the guest gets")
    parser.add_argument("--bare", action="store_true", help="a guest without the project")
    parser.add_argument("--image", default=Options.image, choices=tuple(IMAGES),
                        help="which Debian the guest is (plain: nothing the project needs)")
    parser.add_argument("--append", action="append", default=[], metavar="ARGUMENT",
                        help="add an argument to the kernel command line")
    parser.add_argument("--boot", action="store_true", help="boot, whatever snapshots there are")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./lab", description="Run and test cxlmem on an emulated machine (docs/lab.md).")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    run_verb = verbs.add_parser("run", help="start a guest, run a command or a script in it")
    _add_guest_options(run_verb, topologies.DEFAULT)
    run_verb.add_argument("--script", type=Path, metavar="FILE.py",
                     help="Python file whose main(guest) is called")
    run_verb.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND",
                     help="command to run as root in the guest")
    shell_verb = verbs.add_parser("shell", help="interactive root shell in a guest")
    _add_guest_options(shell_verb, topologies.DEFAULT)
    test = verbs.add_parser("test", help="run all tests, or those that match NAME")
    test.add_argument("names", nargs="*", metavar="NAME",
                      help="suite, file, test or glob, as `./lab list` shows them")
    test.add_argument("--jobs", type=int, default=2, metavar="N",
                      help="guests side by side (default 2)")
    verbs.add_parser("list", help="kernels, topologies, suites and tests")
    kernel = verbs.add_parser("kernel", help="kernels with and without the series of kernel/")
    kernel_verbs = kernel.add_subparsers(dest="kernel_verb", metavar="VERB", required=True)
    build = kernel_verbs.add_parser("build", help="build a kernel, if it is not in the cache")
    build.add_argument("name", metavar="NAME", choices=tuple(kernels.REGISTRY),
                       help=", ".join(kernels.REGISTRY))
    check = kernel_verbs.add_parser("check", help="build each patch alone, checkpatch, sparse")
    check.add_argument("--source", default=kernelbuild.SOURCE, metavar="PACKAGE",
                       help=f"Debian's source package (default {kernelbuild.SOURCE})")
    verbs.add_parser("package", help="build Debian's and Fedora's packages")
    clean = verbs.add_parser("clean", help="remove what was not used for a week")
    clean.add_argument("--all", action="store_true", help="remove everything the lab keeps")
    demo = verbs.add_parser("demo", help="the main job on an emulated machine")
    _add_guest_options(demo, DEMO_TOPOLOGY)
    bench = verbs.add_parser("bench", help="run the measurements of tests/bench")
    _add_guest_options(bench, BENCH_TOPOLOGY)
    bench.add_argument("names", nargs="*", metavar="NAME",
                       help="tests/bench/NAME.py (default: all of them)")
    return parser


def _terminate(*_) -> None:
    raise KeyboardInterrupt


def _demo(options: argparse.Namespace) -> int:
    options.script = checkout() / "tests/demo/demo.py"
    options.command = []
    return run.run(options)


def _bench(options: argparse.Namespace) -> int:
    directory = checkout() / "tests/bench"
    scripts = sorted(path for path in directory.glob("*.py") if not path.name.startswith("_"))
    if options.names:
        scripts = [path for path in scripts if path.stem in options.names]
    if not scripts:
        raise LabError(f"there is no such measurement in {directory}")
    options.command = []
    for path in scripts:
        options.script = path
        status = run.run(options)
        if status != 0:
            return status
    return 0


def _kernel(options: argparse.Namespace) -> int:
    if options.kernel_verb == "check":
        kernelcheck.run(options.source)
        return 0
    with Assets() as assets:
        kernel = assets.kernel(options.name)
    print(f"{kernel.name} is Linux {kernel.version}: {kernel.vmlinux.parent}")
    return 0


def _package(_options: argparse.Namespace) -> int:
    with Assets() as assets:
        for built in (assets.packages.debs(), assets.packages.rpms()):
            print(f"{built.directory}:")
            for path in [*built.files("*.dsc"), *built.files("*.tar.xz"), *built.files("*.deb"),
                         *built.files("*.rpm")]:
                print(f"  {path.stat().st_size >> 10:>6} KiB  {path.name}")
    return 0


def _clean(options: argparse.Namespace) -> int:
    removed = Cache().clean(everything=options.all)
    for name in removed:
        print(f"removed {name}")
    if not removed:
        print("nothing to remove")
    return 0


VERBS = {"run": run.run, "shell": shell.shell, "test": runner.test, "list": listing.show,
         "clean": _clean, "kernel": _kernel, "package": _package, "demo": _demo, "bench": _bench}


def main(arguments: list[str]) -> int:
    """Run a verb; returns the exit status."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _terminate)
    try:
        return VERBS[options.verb](options)
    except LabError as error:
        say(str(error))
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        say("interrupted")
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
