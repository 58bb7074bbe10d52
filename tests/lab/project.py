# SPDX-License-Identifier: LGPL-2.1-or-later
"""Building the project in the tools root, incrementally for each checkout.

The sources are copied first, so that a file saved during a build is seen whole or not at all,
and what is built has exactly the hash its result is kept under.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

from . import checkers, chroot
from .cache import Cache, digest, remove_tree, tree_digest
from .errors import LabError
from .progress import Progress
from .roots import squash

# Nothing below these changes what meson builds.
NOT_BUILT_DIRECTORIES = ("tests/lab/", "tests/guest/", "tests/demo/", "tests/bench/", ".ci/",
                         "kernel/patches/", "kernel/model/")
NOT_BUILT_FILES = ("lab", "README.md", ".gitignore")
COMMON_OPTIONS = ("--prefix=/usr", "--sysconfdir=/etc", "--localstatedir=/var",
                  "--libdir=lib/x86_64-linux-gnu", "-Dwerror=true",
                  "-Dzshcompletiondir=/usr/share/zsh/vendor-completions",
                  "-Dguest_tools=true")
BUILDS = {
    "plain": ("--buildtype=debugoptimized",),
    "asan": ("--buildtype=debug", "-Doptimization=1", "-Db_sanitize=address,undefined",
             "-Db_lundef=false"),
}
# What an administrator enables, and no package.
OPTIONAL_UNITS = ("cxlmem-metrics.timer",)
# Kinds of guest: which build is installed, and how the service is run.
VARIANTS = {"plain": "plain", "asan": "asan", "valgrind": "plain"}


def _source_files(checkout: Path) -> list[str]:
    """Files of the checkout that git knows or would add; all files where there is no git."""
    done = subprocess.run(["git", "-c", f"safe.directory={checkout}", "-C", str(checkout),
                           "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                          capture_output=True)
    if done.returncode == 0:
        names = done.stdout.decode("utf-8", "surrogateescape").split("\0")
    else:
        names = [str(path.relative_to(checkout)) for path in checkout.rglob("*")]
    result = []
    for name in names:
        if not name or name.startswith(NOT_BUILT_DIRECTORIES) or name in NOT_BUILT_FILES:
            continue
        if (checkout / name).is_symlink() or (checkout / name).is_file():
            result.append(name)
    return sorted(set(result))


def sync(checkout: Path, target: Path) -> None:
    """Make `target` a copy of the sources; unchanged files keep their time for ninja."""
    names = _source_files(checkout)
    wanted = set(names)
    for path in sorted(target.rglob("*"), reverse=True):
        name = str(path.relative_to(target))
        if path.is_dir() and not path.is_symlink():
            if not any(path.iterdir()):
                path.rmdir()
        elif name not in wanted:
            path.unlink()
    for name in names:
        source, copy = checkout / name, target / name
        try:
            content = source.read_bytes()
            mode = source.stat().st_mode & 0o777
        except FileNotFoundError:
            continue  # removed since it was listed
        if not copy.is_file() or copy.read_bytes() != content:
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(content)
        if copy.stat().st_mode & 0o777 != mode:
            copy.chmod(mode)


@dataclass(frozen=True)
class Built:
    """An installed build, for a guest that boots and for one that runs already."""
    layer: Path     # squashfs over the guest's root
    archive: Path   # the same as a tar archive


class Project:
    """The checkout that `./lab` belongs to."""

    def __init__(self, cache: Cache, tools: Path, checkout: Path):
        self.cache = cache
        self.tools = tools
        self.checkout = checkout
        self._built: dict[str, Built] = {}
        self._area_name = f"build-{digest([str(checkout), str(tools)])}"

    @property
    def area(self) -> Path:
        """Where the copy of the sources and the build trees are."""
        return self.cache.area(self._area_name)

    def built(self, variant: str = "plain") -> Built:
        """The project as `meson install` leaves it, built if needed.

        Within one lab it stays what it was at first, so that all guests have the same.
        """
        if variant not in self._built:
            self._built[variant] = self._make(variant)
        return self._built[variant]

    def _make(self, variant: str) -> Built:
        if variant not in VARIANTS:
            raise LabError(f"there is no build {variant!r}: choose one of {', '.join(VARIANTS)}")
        build = VARIANTS[variant]
        with self.cache.exclusive(self._area_name):
            source = self.area / "src"
            source.mkdir(exist_ok=True)
            sync(self.checkout, source)
            inputs = {"version": 3, "tools": self.tools.parent.name, "source": tree_digest(source),
                      "build": BUILDS[build],
                      "checker": checkers.inputs(variant), "options": COMMON_OPTIONS}

            def make(entry: Path) -> None:
                root = entry / "root"
                root.mkdir()
                with Progress(f"building the project ({build})"):
                    if (source / "meson.build").exists():
                        self._compile(build)
                        self._run(build, ["meson", "install", "--no-rebuild", "--quiet",
                                          "-C", f"/build/{build}", "--destdir", "/dest"],
                                  extra={"/dest": (root, True)})
                    enable_units(root)
                    checkers.install(variant, root)
                    pack(root, entry / "layer.tar")
                    squash(self.tools, root, entry / "layer.squashfs")
                remove_tree(root)

            entry = self.cache.step(f"project-{variant}", inputs, make, need_mib=300)
            return Built(entry / "layer.squashfs", entry / "layer.tar")

    def unit_tests(self, build: str) -> list[str]:
        """Names of meson's tests; the build tree is made when it is missing or stale."""
        with self.cache.exclusive(self._area_name):
            self._prepare(build)
            text = chroot.check(self.tools, ["meson", "introspect", "--tests", f"/build/{build}"],
                                binds=self._binds())
        return [test["name"] for test in json.loads(text[text.index("["):])]

    def test(self, build: str, arguments: list[str], log: Path) -> tuple[list[dict], str]:
        """Run `meson test` with `arguments`; returns its records and its output."""
        with self.cache.exclusive(self._area_name):
            self._prepare(build)
            records = self.area / "build" / build / "meson-logs"
            for old in records.glob("testlog*.json"):
                old.unlink()
            with Progress(f"running {log.parent.name} tests"):
                _, text = chroot.run(
                    self.tools, ["meson", "test", "-C", f"/build/{build}", "--no-rebuild",
                                 "--num-processes", "2", *arguments],
                    binds=self._binds(), environment={
                        "ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1",
                        "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"})
            log.write_text(text, encoding="utf-8")
            result = [json.loads(line) for path in sorted(records.glob("testlog*.json"))
                      for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
            return result, text

    def run_built(self, build: str, command: list[str]) -> str:
        """What a program of the build prints; it is made when it is missing or stale."""
        with self.cache.exclusive(self._area_name):
            self._prepare(build)
            return chroot.check(self.tools, command, binds=self._binds())

    def _prepare(self, build: str) -> None:
        source = self.area / "src"
        source.mkdir(exist_ok=True)
        sync(self.checkout, source)
        with Progress(f"building the project's tests ({build})"):
            self._compile(build)

    def has_meson(self) -> bool:
        """Whether there is anything to build."""
        return (self.checkout / "meson.build").exists()

    def build_trees(self) -> tuple[Path, bool]:
        """The build trees, for binding at /build: to be read."""
        return self.area / "build", False

    def _binds(self) -> dict[str, tuple[Path, bool]]:
        build = self.area / "build"
        build.mkdir(exist_ok=True)
        return {"/src": (self.area / "src", False), "/build": (build, True)}

    def _run(self, build: str, command: list[str],
             extra: dict[str, tuple[Path, bool]] | None = None) -> None:
        status, text = chroot.run(self.tools, command, binds={**self._binds(), **(extra or {})})
        if status != 0:
            log = self.area / f"{build}.log"
            log.write_text(text, encoding="utf-8")
            tail = "\n".join(text.splitlines()[-40:])
            raise LabError(f"`{shlex.join(command)}` failed, all of its output is in {log}:\n"
                           f"{tail}")

    def _compile(self, build: str) -> None:
        """Configure (again, when the options changed) and compile."""
        tree = self.area / "build" / build
        stamp = self.area / "build" / f"{build}.options"
        options = [*COMMON_OPTIONS, *BUILDS[build]]
        source = self.area / "src"
        # Which meson.build files there are decides what is built, and ninja does not see it.
        files = sorted(str(path.relative_to(source)) for path in source.rglob("meson.build"))
        text = "\n".join([*options, *files])
        if not stamp.exists() or stamp.read_text(encoding="utf-8") != text or \
                not (tree / "build.ninja").exists():
            stamp.unlink(missing_ok=True)
            if tree.exists():
                remove_tree(tree)
            self._run(build, ["meson", "setup", *options, f"/build/{build}", "/src"])
            stamp.write_text(text, encoding="utf-8")
        self._run(build, ["ninja", "-C", f"/build/{build}", "-j", str(min(2, os.cpu_count() or 1))])


def enable_units(root: Path) -> None:
    """Enable the installed units for boot, as a package's installation would."""
    for unit in sorted(root.glob("usr/lib/systemd/system/*")):
        if unit.is_symlink() or not unit.is_file() or unit.name in OPTIONAL_UNITS:
            continue
        text = unit.read_text(encoding="utf-8")
        for kind, names in re.findall(r"^(WantedBy|RequiredBy)=(.*)$", text, re.MULTILINE):
            suffix = "wants" if kind == "WantedBy" else "requires"
            for name in names.split():
                directory = root / f"etc/systemd/system/{name}.{suffix}"
                directory.mkdir(parents=True, exist_ok=True)
                (directory / unit.name).symlink_to(f"/usr/lib/systemd/system/{unit.name}")


def pack(root: Path, archive: Path) -> None:
    """A tar archive of what is in a directory, all of it root's."""

    def owned(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        member.uid = member.gid = 0
        member.uname = member.gname = "root"
        return member

    with tarfile.open(archive, "w") as output:
        for path in sorted(root.iterdir()):
            output.add(path, arcname=path.name, filter=owned)


def checkout() -> Path:
    """The work tree this file is in."""
    return Path(__file__).resolve().parents[2]
