# SPDX-License-Identifier: LGPL-2.1-or-later
"""The models of kernel/model, checked with SPIN in the tools root.

A model says in comments how it is run: "@holds NAME: MACROS" must be without error, and
"@fails NAME: MACROS" is a variant known to be wrong, in which SPIN must find an error.
"""

from __future__ import annotations

import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Sequence

from . import chroot
from .assets import Assets
from .cache import Cache
from .apt import Apt
from .errors import LabError
from .progress import Progress
from .project import checkout
from .results import Results
from .selection import selected

SUITE = "model"
RUN = re.compile(r"^ \* @(holds|fails) ([a-z0-9-]+):((?: [A-Z0-9_]+(?:=[0-9]+)?)+)$", re.MULTILINE)
# Without optimisation: compiling these programs with it takes longer than running them.
CHECKER = ("-O0", "-w", "-DSAFETY", "-DNOFAIR", "-DVECTORSZ=256", "-DMEMLIM=4000")
DEPTH = 100000
HASH_BITS = 23


@dataclass(frozen=True)
class Run:
    """One run of a model."""
    model: Path
    name: str
    holds: bool
    macros: tuple[str, ...]

    @property
    def full_name(self) -> str:
        """The test's name."""
        return f"{SUITE}/{self.model.stem}/{self.name}"


def parse(model: Path) -> list[Run]:
    """The runs that a model names."""
    text = model.read_text(encoding="utf-8")
    runs = [Run(model, name, kind == "holds", tuple(macros.split()))
            for kind, name, macros in RUN.findall(text)]
    told = len(re.findall(r"^ \* @(?:holds|fails) ", text, re.MULTILINE))
    if told != len(runs) or not runs:
        raise LabError(f"{model.name}: {told} lines begin with @holds or @fails, and {len(runs)} "
                       "of them can be read: write `@holds NAME: MACRO MACRO=NUMBER`")
    return runs


def runs() -> list[Run]:
    """The runs of all models."""
    return [run for model in sorted((checkout() / "kernel/model").glob("*.pml"))
            for run in parse(model)]


def verdict(run: Run, text: str) -> str:
    """What is wrong with the output of a checker; empty if it is as it must be."""
    found = re.search(r"errors: (\d+)$", text, re.MULTILINE)
    if not found or "search depth too small" in text or "out of memory" in text:
        return f"SPIN did not get to an end:\n{text[-3000:]}"
    if not run.holds and found[1] == "0":
        return "SPIN finds nothing wrong with a variant that is"
    if run.holds and found[1] != "0":
        return f"SPIN found an error:\n{text[-3000:]}"
    if run.holds and "Search not completed" in text:
        return f"SPIN did not look at everything:\n{text[-3000:]}"
    return ""


def unpacked(cache: Cache, apt: Apt, package: str) -> Path:
    """A package of which one program is used, unpacked: it needs the C library only."""
    known = apt.candidates(package)
    if not known:
        raise LabError(f"the mirror has no package {package}, which is used for checks")

    def build(entry: Path) -> None:
        with Progress(f"downloading {package}"):
            files = apt.download([f"{package}={known[0][0]}"], entry)
            done = subprocess.run(["dpkg-deb", "-x", str(files[0]), str(entry / "unpacked")],
                                  capture_output=True, text=True)
        if done.returncode != 0:
            raise LabError(f"{files[0].name} cannot be unpacked: {done.stderr.strip()}")

    return cache.step(package, known[0][0], build) / "unpacked"


def _check(tools: Path, program: Path, run: Run, place: Path) -> str:
    """Make the checker of a run and run it; its output."""
    binds = {"/in": (program, False), "/src": (run.model.parent, False), "/out": (place, True)}
    macros = [f"-D{macro}" for macro in run.macros]
    for command in (["/in/spin", *macros, "-a", f"/src/{run.model.name}"],
                    ["gcc", *CHECKER, "-o", "pan", "pan.c"]):
        chroot.check(tools, command, binds=binds, directory="/out")
    _, text = chroot.run(tools, ["./pan", f"-m{DEPTH}", f"-w{HASH_BITS}"], binds=binds,
                         directory="/out")
    if (place / f"{run.model.name}.trail").exists():
        _, steps = chroot.run(tools, ["/in/spin", *macros, "-t", "-p", "-g",
                                      "-k", f"{run.model.name}.trail",
                                      f"/src/{run.model.name}"], binds=binds, directory="/out")
        (place / "steps.txt").write_text(steps, encoding="utf-8")
    for path in place.glob("pan*"):
        path.unlink()
    (place / "output.txt").write_text(text, encoding="utf-8")
    return text


def run_all(assets: Assets, patterns: Sequence[str], results: Results) -> None:
    """Run the chosen ones."""
    chosen = [run for run in runs() if selected(run.full_name, patterns)]
    if not chosen:
        return
    tools, program = assets.tools(), unpacked(assets.cache, assets.apt, "spin") / "usr/bin"
    for run in chosen:
        start = time.monotonic()
        problem = verdict(run, _check(tools, program, run, results.place(run.full_name)))
        results.add(run.full_name, "FAIL" if problem else "PASS", time.monotonic() - start, problem)
