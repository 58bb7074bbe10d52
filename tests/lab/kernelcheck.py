# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks of the series that need no guest: each patch alone, checkpatch, sparse.

The patches are applied one after the other to a copy of Debian's kernel source. After each, what
the series touches is built with W=1, with ZONE_DEVICE and without, and is compared with what the
unpatched source says: a warning is an error when it is new.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Callable

from . import chroot, kernelbuild
from .apt import Apt
from .assets import Assets
from .cache import Cache
from .errors import LabError
from .progress import Progress

# What the series touches or is used by: directories, and objects of mm/.
TARGETS = ("drivers/dax/", "drivers/pci/hotplug/", "mm/mm_init.o", "mm/memory-failure.o",
           "mm/swap.o", "mm/gup.o", "mm/memory.o")
ZONE_DEVICE_TARGETS = ("mm/memremap.o", "mm/pgmap_folio.o", "mm/tests/pgmap_folio_kunit.o")
NO_ZONE_DEVICE = "# CONFIG_ZONE_DEVICE is not set\n"
# The sparse of trixie is too old for 7.3 (scripts/checker-valid.sh).
SPARSE_SUITE = "forky"


class Tree:
    """A copy of a kernel source that patches are applied to, and its builds."""

    def __init__(self, root: Path, source: Path, place: Path, sparse: Path):
        self.root = root
        self.place = place
        self.tree = place / "tree"
        self.sparse = sparse
        subprocess.run(["cp", "-al", str(source), str(self.tree)], check=True)

    def run(self, build: str, *command: str) -> tuple[int, str]:
        """Run a command in the build root with the tree at /src and a build at /build."""
        work = self.place / build
        work.mkdir(exist_ok=True)
        return chroot.run(self.root, ["nice", "-n", "19", *command],
                          binds={"/src": (self.tree, False), "/build": (work, True),
                                 "/in": (self.sparse, False)})

    def make(self, build: str, *arguments: str) -> str:
        """Run make for a build; returns what it printed."""
        status, output = self.run(build, "make", "-s", "-C", "/src", "O=/build",
                                  f"-j{kernelbuild.JOBS}", *arguments)
        if status != 0:
            tail = "\n".join(output.splitlines()[-30:])
            raise LabError(f"`make {' '.join(arguments)}` failed ({build}):\n{tail}")
        return output

    def configure(self, build: str, fragments: str) -> None:
        """Configure a build; lines that this source does not know are left out."""
        work = self.place / build
        work.mkdir(exist_ok=True)
        (work / "wanted.config").write_text(fragments, encoding="utf-8")
        self.make(build, "KCONFIG_ALLCONFIG=/build/wanted.config", "allnoconfig")
        self.make(build, "prepare")

    def compile(self, build: str) -> set[str]:
        """Build what the series touches, as far as it is there; returns the warnings."""
        targets = TARGETS + (ZONE_DEVICE_TARGETS if build == "on" else ())
        return warnings(self.make(build, "W=1", *(
            name for name in targets
            if not name.endswith(".o") or (self.tree / f"{name[:-2]}.c").exists())))

    def apply(self, patch: Path) -> None:
        """Apply a patch. Files that it changes are written anew, the others are shared."""
        done = subprocess.run(["patch", "-d", str(self.tree), "-p1", "-s", "-i", str(patch)],
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise LabError(f"kernel/patches/{patch.name} does not apply:\n{done.stdout.strip()}")

    def missing(self, patch: Path) -> list[str]:
        """Files that a patch changes and this source does not have."""
        text = patch.read_text(encoding="utf-8")
        return [name for name in re.findall(r"^--- a/(\S+)$", text, re.M)
                if not (self.tree / name).exists()]


def fragments(names: tuple[str, ...]) -> str:
    """Configuration fragments of kernel/config, one after the other."""
    directory = kernelbuild.kernel_directory() / "config"
    return "".join((directory / f"{name}.config").read_text(encoding="utf-8") for name in names)


def without_zone_device(text: str) -> str:
    """The fragments without ZONE_DEVICE and what depends on it."""
    lines = [line for line in text.splitlines(keepends=True)
             if not re.match(r"CONFIG_(ZONE_DEVICE|DEVICE_PRIVATE|FS_DAX|DEV_DAX\w*|NVDIMM_\w+|"
                             r"PGMAP_FOLIO_KUNIT_TEST)=", line)]
    return "".join(lines) + NO_ZONE_DEVICE


def warnings(output: str) -> set[str]:
    """What a compiler or sparse complains about, without line numbers."""
    return {re.sub(r":\d+:\d+:", ":", line).replace("/src/", "")
            for line in output.splitlines() if re.search(r"\b(warning|error):", line)}


def _sparse(cache: Cache, apt: Apt, scratch: Path) -> Path:
    """A directory with the program sparse."""
    newer = Apt(scratch / SPARSE_SUITE, apt.mirror, (SPARSE_SUITE,))
    newer.directory.mkdir()
    inputs = [newer.mirror.lines([SPARSE_SUITE]), 1]

    def build(entry: Path) -> None:
        known = newer.candidates("sparse")
        if not known:
            raise LabError(f"the mirror has no sparse in {SPARSE_SUITE}")
        deb = newer.download([f"sparse={known[0][0]}"], entry)[0]
        subprocess.run(["dpkg-deb", "-x", str(deb), str(entry / "unpacked")], check=True)
        shutil.copy(entry / "unpacked/usr/bin/sparse", entry / "sparse")
        (entry / "version").write_text(known[0][0], encoding="utf-8")

    return cache.step("sparse", inputs, build)


def checkpatch(tree: Tree, patch: Path) -> str:
    """The last line of checkpatch.pl --strict; raises for an error."""
    shutil.copy(patch, tree.place / "on" / patch.name)
    _, output = tree.run("on", "perl", "/src/scripts/checkpatch.pl", "--strict", "--no-tree",
                         "--root=/src", f"/build/{patch.name}")
    if re.search(r"^ERROR:", output, re.M) or "total:" not in output:
        raise LabError(f"checkpatch.pl --strict on {patch.name}:\n{output}")
    return re.search(r"^total: (.*), \d+ lines checked", output, re.M)[1]


def sources(patches: list[Path]) -> list[str]:
    """The C files of the kernel proper that the patches change or add."""
    names = [name for patch in patches
             for name in re.findall(r"^\+\+\+ b/(\S+\.c)$", patch.read_text(encoding="utf-8"),
                                    re.M)]
    return sorted({name for name in names if not name.startswith("tools/")})


def touches_options(patch: Path) -> bool:
    """Whether there may be other options to configure than before the patch."""
    return bool(re.search(r"^\+\+\+ b/(?:\S+/)?Kconfig\b", patch.read_text(encoding="utf-8"), re.M))


def run(source: str) -> None:
    """The verb: check the series on a source package, a line for each patch."""
    with Assets() as assets:
        check(assets, source, print)


def check(assets: Assets, source: str, say: Callable[[str], None]) -> None:
    """Check the series on a source package; raises LabError at the first thing that is wrong."""
    scratch = assets.apt.directory / "check"
    scratch.mkdir()
    root = kernelbuild.build_root(assets.cache, assets.apt)
    base = kernelbuild.source_tree(assets.cache, assets.apt, source)
    sparse = _sparse(assets.cache, assets.apt, scratch)
    place = assets.cache.root / f"kernel-check.partial.{source}"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    try:
        _check(Tree(root, base, place, sparse), source, say)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _check(tree: Tree, source: str, say: Callable[[str], None]) -> None:
    lean = fragments(("lean",))
    series = fragments(("lean", "series"))
    builds = {"on": (lean, series), "off": (without_zone_device(lean),) * 2}
    known: dict[str, set[str]] = {}
    done: list[Path] = []
    with Progress(f"checking the series on {source}") as progress:
        for name, (first, _) in builds.items():
            progress.step(f"without patches, ZONE_DEVICE {name}")
            tree.configure(name, first)
            known[name] = tree.compile(name)
        progress.step("sparse, without patches")
        before = _sparse_warnings(tree, sources(kernelbuild.series()))
        for patch in kernelbuild.series():
            missing = tree.missing(patch)
            if missing:
                say(f"{patch.name}: left out, {source} has no {missing[0]}")
                continue
            tree.apply(patch)
            options = not done or touches_options(patch)
            done.append(patch)
            report = [checkpatch(tree, patch)]
            for name, (_, later) in builds.items():
                progress.step(f"{patch.name[:4]}, ZONE_DEVICE {name}")
                if options:
                    tree.configure(name, later)
                found = tree.compile(name) - known[name]
                if found:
                    raise LabError(f"{patch.name} (ZONE_DEVICE {name}):\n" + "\n".join(found))
                report.append(f"builds with ZONE_DEVICE {name}")
            say(f"{patch.name}: {', '.join(report)}")
        progress.step("sparse")
        files = sources(done)
        found = _sparse_warnings(tree, files) - before
        if found:
            raise LabError("sparse:\n" + "\n".join(sorted(found)))
        say(f"sparse: nothing new in {', '.join(files)}")


def _sparse_warnings(tree: Tree, files: list[str]) -> set[str]:
    """What sparse says about those of the C files that there are."""
    found: set[str] = set()
    for file in files:
        if not (tree.tree / file).exists():
            continue
        output = tree.make("on", "C=2", "CHECK=/in/sparse", f"{file[:-2]}.o")
        if "not available or not up to date" in output:
            raise LabError(f"make does not take this sparse: {output.strip()}")
        found |= warnings(output)
    return found
