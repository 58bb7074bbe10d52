# SPDX-License-Identifier: LGPL-2.1-or-later
"""What other people's programs say about what we write: metrics, alert rules, manual pages, patches.

They are in a root of their own (roots.checks_root); tests/checks has the scripts that run there.
"""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Callable, Sequence

from . import chroot, kernelbuild, kernelcheck, roots
from .assets import Assets
from .errors import LabError
from .models import unpacked
from .project import checkout
from .results import Results
from .selection import selected

SUITE = "checks"
METRICS = "tests/unit-daemon/daemon-test-metrics"
RULES = "data/examples/cxlmem.rules.yml"


class Bench:
    """Where the checks are done: their root, the sources, the build and a directory for results."""

    def __init__(self, assets: Assets, place: Path):
        self.assets = assets
        self.place = place
        self.root = roots.checks_root(assets.cache, assets.apt)

    def run(self, *command: str, **more: tuple[Path, bool]) -> str:
        """Run a program in the root; raises with its output when it complains."""
        binds = {"/src": (checkout(), False), "/out": (self.place, True),
                 **{f"/{name}": bind for name, bind in more.items()}}
        return chroot.check(self.root, command, binds=binds)

    def write(self, name: str, text: str) -> str:
        """A file for a program; its path there."""
        path = self.place / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return f"/out/{name}"

    def metrics(self, form: str) -> str:
        """Metrics of a machine on which everything is there, as the unit test has them."""
        return self.assets.project.run_built("plain", [f"/build/plain/{METRICS}", form])


def openmetrics(bench: Bench) -> None:
    """Both formats are what the reference parsers take, and say the same."""
    bench.run("python3", "/src/tests/checks/openmetrics.py",
              bench.write("open.txt", bench.metrics("openmetrics")),
              bench.write("older.txt", bench.metrics("prometheus")))


def prometheus(bench: Bench) -> None:
    """Prometheus' own parser takes them, and its linter finds nothing to say."""
    # Only with timestamps does it make a data base of them.
    text = re.sub(r"^([^#].*)$", r"\1 1795428466", bench.metrics("openmetrics"), flags=re.MULTILINE)
    bench.run("promtool", "tsdb", "create-blocks-from", "openmetrics",
              bench.write("stamped.txt", text), "/out/blocks")
    older = bench.write("older.txt", bench.metrics("prometheus"))
    said = bench.run("sh", "-c", f"promtool check metrics < {older}")
    if said.strip():
        raise LabError(said)


def node_exporter(bench: Bench) -> None:
    """node_exporter's textfile collector reads the file, and exports all of it."""
    program = unpacked(bench.assets.cache, bench.assets.apt, "prometheus-node-exporter")
    bench.write("textfile/cxlmem.prom", bench.metrics("prometheus"))
    bench.run("python3", "/src/tests/checks/textfile.py", "/in/usr/bin/prometheus-node-exporter",
              "/out/textfile", **{"in": (program, False)})


def alert_rules(bench: Bench) -> None:
    """The example alerts make sense to promtool; each of them fires, and none without a reason."""
    bench.run("promtool", "check", "rules", "--lint-fatal", f"/src/{RULES}")
    bench.run("promtool", "test", "rules", "/src/tests/checks/rules.test.yml")
    tested = (checkout() / "tests/checks/rules.test.yml").read_text(encoding="utf-8")
    for name in re.findall(r"- alert: (\S+)", (checkout() / RULES).read_text(encoding="utf-8")):
        if not re.search(rf"alertname: {name}\n *eval_time: .*\n *exp_alerts:\n *- exp_labels", tested):
            raise LabError(f"nothing makes {name} fire in tests/checks/rules.test.yml")


def manual_pages(bench: Bench) -> None:
    """mandoc has nothing to say about any page; all metrics are on theirs, and no others."""
    bench.assets.project.unit_tests("plain")
    bench.run("sh", "-c", "mandoc -T lint -W warning /src/data/man/*.[1-8] /build/plain/data/*.[1-8]",
              build=bench.assets.project.build_trees())
    page = (checkout() / "data/man/cxlmemctl-status.1").read_text(encoding="utf-8")
    told = set(re.findall(r"^\.T[PQ]\n\.B (cxlmem_\w+)$", page, re.MULTILINE))
    there = set(re.findall(r"^# TYPE (\w+)", bench.metrics("prometheus"), re.MULTILINE))
    if told != there:
        raise LabError(f"only in cxlmemctl-status(1), or only in the metrics: {told ^ there}")


def kernel_series(bench: Bench) -> None:
    """Each patch of kernel/ builds alone; compiler, checkpatch and sparse have nothing new to say."""
    report: list[str] = []
    kernelcheck.check(bench.assets, kernelbuild.SOURCE, report.append)
    (bench.place / "report.txt").write_text("\n".join(report) + "\n", encoding="utf-8")


CHECKS: tuple[Callable[[Bench], None], ...] = (openmetrics, prometheus, node_exporter, alert_rules,
                                               manual_pages, kernel_series)


def names() -> list[tuple[str, str]]:
    """(name, about) of all of them."""
    return [(f"{SUITE}/{check.__name__}", (check.__doc__ or "").splitlines()[0]) for check in CHECKS]


def run_all(assets: Assets, patterns: Sequence[str], results: Results) -> None:
    """Run the chosen ones."""
    for check in CHECKS:
        name = f"{SUITE}/{check.__name__}"
        if not selected(name, patterns):
            continue
        start = time.monotonic()
        try:
            check(Bench(assets, results.place(name)))
            problem = ""
        except LabError as error:
            problem = str(error)
        results.add(name, "FAIL" if problem else "PASS", time.monotonic() - start, problem)
