# SPDX-License-Identifier: LGPL-2.1-or-later
"""Debian's and Fedora's packages, built as a distribution would build them: `lab package`.

The source is what git knows, as it is in the work tree, without the lab and what only it runs.
All times in it are that of the last entry of packaging/debian/changelog, so that the same files
make the same packages.
"""

from __future__ import annotations

import calendar
import email.utils
import hashlib
import io
import os
import re
import shutil
import stat
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from . import chroot, roots
from .cache import remove_tree
from .errors import LabError
from .progress import Progress
from .project import checkout, pack

if TYPE_CHECKING:
    from .assets import Assets

NAME = "cxlmem"
DEBIAN = "packaging/debian"
# No distribution can use it, and its changes change no package.
LEFT_OUT = (".ci/", "tests/lab/", "tests/guest/", "tests/demo/", "tests/bench/",
            "tests/checks/")
SPEC = "packaging/cxlmem.spec"
RPMLINT = "packaging/rpmlint.toml"
# The lab runs the project's tests elsewhere (`lab test unit`); a build without this does it too.
OPTIONS = "nocheck parallel=2"
# Newer than any 0.1-1, older than a real 0.1-2.
NEXT_VERSION = "0.1-2~test"
# What a build for another version, or in another way, differs in.
PLAIN_ENVIRONMENT = {"TZ": "UTC", "LC_ALL": "C.UTF-8"}
# What Fedora's packages meson and systemd-rpm-macros define, as far as the spec asks for it. The
# packages' scripts are not run here.
MACROS = "".join(f"{line}\n" for line in (
    "%_unitdir /usr/lib/systemd/system",
    "%_udevrulesdir /usr/lib/udev/rules.d",
    "%_journalcatalogdir /usr/lib/systemd/catalog",
    "%_libexecdir /usr/libexec",
    "%_lib lib64",
    "%_docdir /usr/share/doc",
    "%_docdir_fmt %%{NAME}",
    "%debug_package %{nil}",
    "%meson meson setup --prefix=/usr --sysconfdir=/etc --localstatedir=/var --libdir=lib64 "
    "--buildtype=plain --wrap-mode=nodownload build-rpm",
    "%meson_build ninja -C build-rpm -j2",
    "%meson_install DESTDIR=%{buildroot} meson install -C build-rpm --no-rebuild",
    "%meson_test meson test -C build-rpm",
    "%systemd_post() systemctl preset %*",
    "%systemd_preun() systemctl stop %*",
    "%systemd_postun_with_restart() systemctl try-restart %*"))


@dataclass(frozen=True)
class Built:
    """Built packages: where they are, and what came out."""
    directory: Path

    def files(self, pattern: str) -> list[Path]:
        """Files whose name matches, in the order of their names."""
        return sorted(self.directory.glob(pattern))

    def file(self, pattern: str) -> Path:
        """The one file whose name matches."""
        found = self.files(pattern)
        if len(found) != 1:
            raise LabError(f"{len(found)} files are called {pattern} in {self.directory}, not one")
        return found[0]


def tracked(top: Path) -> list[str]:
    """Names of the files that packages are made of: those that git knows and that are there."""
    done = subprocess.run(["git", "-c", f"safe.directory={top}", "-C", str(top), "ls-files", "-z"],
                          capture_output=True)
    if done.returncode != 0:
        raise LabError(f"{top} is no git checkout ({done.stderr.decode().strip()}): packages are "
                       "made of the files that git knows, clone the repository")
    names = done.stdout.decode("utf-8", "surrogateescape").split("\0")
    return sorted(name for name in names if name not in ("", "lab")
                  and not name.startswith(LEFT_OUT) and os.path.lexists(top / name))


@dataclass(frozen=True)
class Entry:
    """The last entry of a Debian changelog."""
    version: str
    epoch: int      # its time, in seconds

    @property
    def upstream(self) -> str:
        """The version without Debian's part."""
        return self.version.rsplit("-", 1)[0]


def last_entry(text: str) -> Entry:
    """Read the topmost entry of debian/changelog."""
    head = re.match(r"\S+ \(([^)]+)\) ", text)
    when = re.search(r"^ -- .*>  (.*)$", text, re.MULTILINE)
    date = email.utils.parsedate_tz(when[1]) if when else None
    if not head or not date:
        raise LabError(f"{DEBIAN}/changelog has no first entry that can be read: compare it with "
                       "deb-changelog(5)")
    return Entry(head[1], calendar.timegm(date[:9]) - (date[9] or 0))


def another_version(text: str, version: str) -> str:
    """The changelog with an entry of a newer version on top of it."""
    stanza = text[:text.index("\n -- ")]
    stop = text.index("\n", text.index("\n -- ") + 1)
    when = text[text.index("\n -- ") + 1:stop]
    head = re.sub(r"\([^)]+\)", f"({version})", stanza.split("\n", 1)[0])
    return f"{head}\n\n  * The same again, for tests.\n\n{when}\n\n{text}"


@dataclass(frozen=True)
class File:
    """A file of the source."""
    content: bytes      # of a symbolic link, where it leads
    mode: int

    @property
    def link(self) -> bool:
        """Whether it is a symbolic link."""
        return stat.S_ISLNK(self.mode)


def read_tracked(top: Path) -> dict[str, File]:
    """The files that packages are made of, as they are now."""
    result = {}
    for name in tracked(top):
        path = top / name
        mode = path.lstat().st_mode
        content = os.readlink(path).encode() if stat.S_ISLNK(mode) else path.read_bytes()
        result[name] = File(content, mode)
    return result


def tarball(files: dict[str, File], prefix: str, epoch: int, target: Path) -> None:
    """Write files as a tar archive that depends on their names, content and x bit only."""
    with tarfile.open(target, "w:xz", format=tarfile.PAX_FORMAT) as archive:
        for name, file in files.items():
            member = tarfile.TarInfo(f"{prefix}/{name}")
            member.mtime = epoch
            member.uname = member.gname = "root"
            if file.link:
                member.type, member.linkname = tarfile.SYMTYPE, file.content.decode()
                archive.addfile(member)
                continue
            member.size = len(file.content)
            member.mode = 0o755 if file.mode & 0o100 else 0o644
            archive.addfile(member, io.BytesIO(file.content))


class Packages:
    """The packages of a checkout as it is now: all that one lab builds is of the same.

    What is built is kept by the hash of what it is made from.
    """

    def __init__(self, assets: "Assets", top: Path | None = None):
        self.assets = assets
        self.top = top or checkout()
        self.files = read_tracked(self.top)
        self.changelog = self.files[f"{DEBIAN}/changelog"].content.decode()
        self.entry = last_entry(self.changelog)

    def root(self) -> Path:
        """The root in which packages are built."""
        return roots.packages_root(self.assets.cache, self.assets.apt)

    def _inputs(self, *more: object) -> object:
        files = [[name, file.link, file.mode & 0o100,
                  hashlib.sha256(file.content).hexdigest()] for name, file in self.files.items()]
        return {"version": 1, "root": self.root().parent.name, "files": files, "more": more}

    def debs(self, version: str = "", environment: dict[str, str] | None = None,
             place: str = "build", full: bool = True) -> Built:
        """Debian's packages and source package; with a newer `version` the binary package alone.

        `environment` and `place` (of the source, in the root) should make no difference.
        """
        environment = {**PLAIN_ENVIRONMENT, "DEB_BUILD_OPTIONS": OPTIONS, **(environment or {})}
        what = "--build=source,any,all" if full else "--build=any"

        def make(entry: Path) -> None:
            work = entry / "work"
            tree = work / f"{NAME}-{self.entry.upstream}"
            work.mkdir()
            with Progress(f"building Debian's packages ({version or self.entry.version})"):
                source = work / f"{NAME}_{self.entry.upstream}.orig.tar.xz"
                tarball(self.files, tree.name, self.entry.epoch, source)
                subprocess.run(["tar", "-C", str(work), "-xf", str(source)], check=True)
                self._debian(tree, version)
                text = chroot.check(
                    self.root(), ["dpkg-buildpackage", "--unsigned-source", "--unsigned-changes",
                                  what], binds={f"/{place}": (work, True)},
                    directory=f"/{place}/{tree.name}", environment=environment)
            (entry / "build.log").write_text(text, encoding="utf-8")
            for path in work.iterdir():
                if path.is_file():
                    os.rename(path, entry / path.name)
            remove_tree(work)

        inputs = self._inputs(version, environment, place, what)
        return Built(self.assets.cache.step("debs", inputs, make, need_mib=400))

    def rpms(self) -> Built:
        """Fedora's packages, built with Debian's compiler: what the spec needs it cannot check."""
        def make(entry: Path) -> None:
            work = entry / "work"
            for name in ("SOURCES", "BUILD", "RPMS", "SRPMS"):
                (work / name).mkdir(parents=True)
            upstream = self.entry.upstream
            tarball(self.files, f"{NAME}-{upstream}", self.entry.epoch,
                    work / f"SOURCES/{NAME}-{upstream}.tar.xz")
            (work / "macros").write_text(MACROS, encoding="utf-8")
            (work / "cxlmem.spec").write_bytes(self.files[SPEC].content)
            with Progress("building Fedora's packages"):
                text = chroot.check(
                    self.root(), ["rpmbuild", "-ba", "--nodeps", "--without", "check",
                                  "--load", "/build/macros", "--define", "_topdir /build",
                                  "/build/cxlmem.spec"],
                    binds={"/build": (work, True)},
                    environment={"SOURCE_DATE_EPOCH": str(self.entry.epoch)})
            (entry / "build.log").write_text(text, encoding="utf-8")
            for path in (work / "macros", *work.glob("*RPMS/**/*.rpm")):
                os.rename(path, entry / path.name)
            remove_tree(work)

        return Built(self.assets.cache.step("rpms", self._inputs(MACROS), make, need_mib=400))

    def installed(self) -> Path:
        """What `meson install` leaves with the prefix it has by itself, as a tar archive."""

        def make(entry: Path) -> None:
            for name in ("src", "build", "dest"):
                (entry / name).mkdir()
            tarball(self.files, "src", self.entry.epoch, entry / "src.tar.xz")
            subprocess.run(["tar", "-C", str(entry), "-xf", str(entry / "src.tar.xz")], check=True)
            binds = {f"/{name}": (entry / name, True) for name in ("src", "build", "dest")}
            with Progress("building the project as it is without options"):
                for command in (["meson", "setup", "-Dtests=false", "/build", "/src"],
                                ["ninja", "-C", "/build", "-j2"],
                                ["meson", "install", "-C", "/build", "--destdir", "/dest"]):
                    chroot.check(self.root(), command, binds=binds)
            pack(entry / "dest", entry / "installed.tar")
            for name in ("src", "build", "dest"):
                remove_tree(entry / name)

        return self.assets.cache.step("installed", self._inputs(), make) / "installed.tar"

    def repository(self) -> Path:
        """What cxlmem's package needs and the guest "plain" does not have, for apt."""
        deb = self.debs().file(f"{NAME}_*.deb")
        plain = self.assets.image("plain").parent
        needs = subprocess.run(["dpkg-deb", "-f", str(deb), "Depends", "Recommends"],
                               capture_output=True, text=True, check=True).stdout

        def make(entry: Path) -> None:
            with Progress("downloading what the package needs"):
                self.assets.apt.closure(deb, plain / "status", entry)
            self._index(entry)

        inputs = [1, plain.name, needs, self.assets.apt.mirror.lines(roots.SUITES[:3])]
        return self.assets.cache.step("repository", inputs, make)

    def next_repository(self) -> Path:
        """The package of a later version, for apt."""
        deb = self.debs(NEXT_VERSION, full=False).file(f"{NAME}_*.deb")

        def make(entry: Path) -> None:
            shutil.copy(deb, entry / deb.name)
            self._index(entry)

        return self.assets.cache.step("repository-next", [deb.parent.name], make)

    def all(self) -> None:
        """Build everything that is installed in a guest."""
        self.repository()
        self.next_repository()
        self.installed()

    def _index(self, directory: Path) -> None:
        text = chroot.check(self.root(), ["sh", "-c", "dpkg-scanpackages . 2>/dev/null"],
                            binds={"/in": (directory, False)}, directory="/in")
        (directory / "Packages").write_text(text, encoding="utf-8")

    def _debian(self, tree: Path, version: str) -> None:
        """Put debian/ where Debian's tools want it."""
        for path in sorted((tree / DEBIAN).rglob("*")):
            target = tree / "debian" / path.relative_to(tree / DEBIAN)
            if path.is_dir():
                target.mkdir(parents=True, exist_ok=True)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
            target.chmod(path.stat().st_mode & 0o777)
        if version:
            (tree / "debian/changelog").write_text(
                another_version(self.changelog, version), encoding="utf-8")
