# SPDX-License-Identifier: LGPL-2.1-or-later
"""Kernels built from Debian's linux-source, with and without the series of kernel/patches.

The source package is downloaded and unpacked once, the series is applied to a copy of the
tree, and each kernel is configured from the fragments in kernel/config and built in a root
that has the kernel's build needs. Every one of these is a step of the cache.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from . import chroot
from .apt import Apt
from .cache import Cache, file_digest, tree_digest
from .errors import LabError
from .progress import Progress, tree_mib
from .project import checkout
from .roots import SUITES, TRIM, mmdebstrap

SOURCE = "linux-source-7.3"
BUILD_PACKAGES = (
    "gcc", "libc6-dev", "make", "flex", "bison", "bc", "libelf-dev", "libssl-dev", "perl",
    "python3", "kmod", "cpio", "xz-utils", "zstd", "rsync", "git", "patch", "sparse",
)
# Mount points for chroot.run() in the build root.
POINTS = ("src", "build", "out", "in")
JOBS = 2


@dataclass(frozen=True)
class Build:
    """A kernel of our own: with the series or without, and from which fragments."""
    name: str
    about: str
    patched: bool
    fragments: tuple[str, ...]
    variables: tuple[str, ...] = ()     # for every make
    patience: float = 1.0               # what the timeouts of its guests are multiplied by


BUILDS = {build.name: build for build in (
    Build("unpatched", "Debian's 7.3 source, lean", False, ("lean.config",)),
    Build("patched", "the same with the series of kernel/patches", True,
          ("lean.config", "series.config")),
    Build("patched-debug", "the same with KASAN, lockdep, DEBUG_VM, kmemleak", True,
          ("lean.config", "series.config", "debug.config"),
          # The PVH entry compares strings before KASAN's shadow memory is there.
          ("KASAN_SANITIZE_string.o=n",), patience=8.0),
)}


def kernel_directory() -> Path:
    """kernel/ of this checkout."""
    return checkout() / "kernel"


def series() -> list[Path]:
    """The patches, in their order."""
    return sorted(path for path in (kernel_directory() / "patches").glob("[0-9]*.patch")
                  if not path.name.startswith("0000"))


def bench_sources() -> list[Path]:
    """What the module of kernel/bench is built from."""
    directory = kernel_directory() / "bench"
    return [directory / "Makefile", *sorted(directory.glob("*.c"))]


def build_root(cache: Cache, apt: Apt) -> Path:
    """A Debian root with what a kernel build needs."""
    inputs = {"version": 1, "sources": apt.mirror.lines(SUITES), "packages": BUILD_PACKAGES,
              "points": POINTS, "trim": TRIM}

    def build(entry: Path) -> None:
        root = entry / "root"
        root.mkdir()
        mmdebstrap(root, apt.lines(), BUILD_PACKAGES, "apt", TRIM,
                   "making the root that builds kernels")
        for point in POINTS:
            (root / point).mkdir(exist_ok=True)

    return cache.step("kernel-tools", inputs, build, need_mib=1200) / "root"


def source_tree(cache: Cache, apt: Apt, package: str = SOURCE) -> Path:
    """Debian's kernel source, unpacked."""

    def build(entry: Path) -> None:
        known = apt.candidates(package)
        if not known:
            raise LabError(f"the mirror has no {package}: does it carry trixie-backports?")
        version = known[0][0]
        mib = int(known[0][1].get("Size", 0)) >> 20
        debs = entry / "debs"
        debs.mkdir()
        with Progress(f"downloading {package} ({version}, {mib} MiB)", lambda: tree_mib(debs)):
            deb = apt.download([f"{package}={version}"], debs)[0]
        tree = entry / "tree"
        tree.mkdir()
        member = f"./usr/src/{package}.tar.xz"
        command = (f"set -o pipefail; dpkg-deb --fsys-tarfile {shlex.quote(str(deb))} | "
                   f"tar -xO {member} | tar -xJ --strip-components=1 -C {shlex.quote(str(tree))}")
        with Progress(f"unpacking {package}", lambda: tree_mib(tree)):
            done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
        if done.returncode != 0:
            raise LabError(f"{deb.name} cannot be unpacked: {done.stderr.strip()}")
        shutil.rmtree(debs)
        (entry / "version").write_text(version, encoding="utf-8")

    return cache.step("kernel-source", _source_inputs(apt, package), build, need_mib=3000) / "tree"


def _source_inputs(apt: Apt, package: str = SOURCE) -> object:
    return {"version": 1, "sources": apt.mirror.lines(SUITES), "package": package}


def _patched_tree(cache: Cache, apt: Apt, patched: bool) -> Path:
    """The tree to build: the source itself, or a copy with the series applied."""
    source = source_tree(cache, apt)
    if not patched:
        return source

    def build(entry: Path) -> None:
        tree = entry / "tree"
        with Progress("applying kernel/patches") as progress:
            # Files that a patch changes are written anew, the others are shared.
            subprocess.run(["cp", "-al", str(source), str(tree)], check=True)
            for path in series():
                progress.step(path.name)
                done = subprocess.run(["patch", "-d", str(tree), "-p1", "-s", "-i", str(path)],
                                      capture_output=True, text=True)
                if done.returncode != 0:
                    raise LabError(f"kernel/patches/{path.name} does not apply to {SOURCE}:\n"
                                   f"{done.stdout.strip()}")

    inputs = [source.parent.name, [file_digest(path) for path in series()]]
    return cache.step("kernel-tree", inputs, build, need_mib=500) / "tree"


def inputs(apt: Apt, name: str) -> object:
    """What a kernel of BUILDS is built from."""
    build = BUILDS[name]
    directory = kernel_directory()
    return {"version": 1, "source": _source_inputs(apt), "packages": BUILD_PACKAGES,
            "patches": [file_digest(path) for path in series()] if build.patched else [],
            "config": [file_digest(directory / "config" / part) for part in build.fragments],
            **({"variables": build.variables} if build.variables else {}),
            "bench": [file_digest(path) for path in bench_sources()]}


def check_config(wanted: str, config: str) -> None:
    """Raise when a line of the fragments did not make it into the configuration.

    Of several lines for an option the last one is what is wanted.
    """
    have = set(config.splitlines())
    last = {found[1]: line for line in wanted.splitlines()
            if (found := re.match(r"(?:# )?(CONFIG_\w+)(?:=| is not set$)", line))}
    missing = [line for line in last.values() if not line.startswith("#") and line not in have]
    if missing:
        raise LabError("the kernel's configuration does not take these lines of kernel/config: "
                       f"{', '.join(missing)}")


def _build(cache: Cache, apt: Apt, name: str, entry: Path) -> None:
    build = BUILDS[name]
    root = build_root(cache, apt)
    tree = _patched_tree(cache, apt, build.patched)
    work = entry / "work"
    work.mkdir()
    wanted = "".join((kernel_directory() / "config" / part).read_text(encoding="utf-8")
                     for part in build.fragments)
    (work / "wanted.config").write_text(wanted, encoding="utf-8")
    (entry / "raw").mkdir()
    log = entry / "build.log"
    binds = {"/src": (tree, False), "/build": (work, True), "/out": (entry / "raw", True)}

    def make(*arguments: str) -> None:
        command = ["nice", "-n", "19", "make", "-C", "/src", "O=/build", "LOCALVERSION=",
                   f"-j{JOBS}", *build.variables, *arguments]
        with open(log, "ab") as output:
            status, _ = chroot.run(root, command, binds=binds, output=output,
                                   environment={"KBUILD_BUILD_TIMESTAMP": "0"})
        if status != 0:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-30:])
            raise LabError(f"building the kernel {name} failed:\n{tail}")

    def so_far() -> str:
        lines = log.read_text(errors="replace").count("\n") if log.exists() else 0
        return f"{lines} lines of make"

    with Progress(f"building the kernel {name}", so_far) as progress:
        progress.step("configuration")
        make("KCONFIG_ALLCONFIG=/build/wanted.config", "allnoconfig")
        check_config(wanted, (work / ".config").read_text(encoding="utf-8"))
        progress.step("kernel and modules")
        make("vmlinux", "modules")
        progress.step("bench module")
        # Its sources are read-only, and objects would go beside them.
        (work / "bench").mkdir()
        for path in bench_sources():
            shutil.copy(path, work / "bench")
        make("M=/build/bench", "modules")
        progress.step("mock-up of CXL")
        make("M=/src/tools/testing/cxl", "MO=/build/mock", "modules")
        progress.step("installing modules")
        make("INSTALL_MOD_PATH=/out", "modules_install")
        make("INSTALL_MOD_PATH=/out", "M=/build/bench", "modules_install")
        collect(root, work, entry / "raw")
    os.rename(work / ".config", entry / "config")
    shutil.rmtree(work)


def collect(root: Path, work: Path, raw: Path) -> None:
    """From a finished build: vmlinux and the modules, as kernels.get() wants them."""
    os.rename(raw / "lib/modules", raw / "modules")
    os.rmdir(raw / "lib")
    for tree in (raw / "modules").iterdir():
        for link in ("build", "source"):
            (tree / link).unlink(missing_ok=True)
        for path in (tree / "updates").rglob("*.ko"):
            place = tree / "kernel/mm" / path.name
            place.parent.mkdir(parents=True, exist_ok=True)
            os.rename(path, place)
    chroot.check(root, ["objcopy", "-S", "-R", ".comment", "/build/vmlinux", "/out/vmlinux"],
                 binds={"/build": (work, False), "/out": (raw, True)})
    (raw / "mock").mkdir()
    for path in (work / "mock").rglob("*.ko"):
        os.rename(path, raw / "mock" / path.name)


def selftests(cache: Cache, apt: Apt) -> Path:
    """A directory with the series' selftest, `dax-drain`."""

    def build(entry: Path) -> None:
        tree = _patched_tree(cache, apt, True)
        chroot.check(build_root(cache, apt),
                     ["gcc", "-O2", "-I/src/tools/testing/selftests", "-isystem", "/in",
                      "-o", "/out/dax-drain", "/src/tools/testing/selftests/dax/dax-drain.c"],
                     binds={"/src": (tree, False), "/in": (kernel_directory() / "uapi", False),
                            "/out": (entry, True)})

    wanted = [_source_inputs(apt), [file_digest(path) for path in series()],
              tree_digest(kernel_directory() / "uapi")]
    return cache.step("kernel-selftests", wanted, build)


def built(cache: Cache, apt: Apt, name: str) -> Path:
    """A kernel of BUILDS: vmlinux, modules, and in mock the kernel's own mock-up of CXL."""
    return cache.step(f"kernel-build-{name}", inputs(apt, name),
                      lambda place: _build(cache, apt, name, place), need_mib=6000) / "raw"


def provide(apt: Apt, name: str, directory: Path) -> None:
    """Fill `directory` with vmlinux and modules of a kernel of BUILDS, building it if needed."""
    cache = Cache()
    try:
        for part in ("vmlinux", "modules"):
            source = built(cache, apt, name) / part
            copy = shutil.copytree if source.is_dir() else shutil.copy
            copy(source, directory / part)
    finally:
        cache.close()
