# SPDX-License-Identifier: LGPL-2.1-or-later
"""The packages without a guest: what lintian and rpmlint say, and what is in them.

What becomes of them when they are installed is tested in a guest: tests/guest/test_package.py.
"""

from __future__ import annotations

import io
import re
import subprocess
import tarfile
import time
from pathlib import Path
from typing import Callable, Sequence

from . import chroot
from .assets import Assets
from .cache import file_digest
from .package import NAME, RPMLINT, SPEC, Built, Packages
from .errors import LabError
from .results import Results
from .selection import selected

SUITE = "package"
# What the lab adds to `meson install` for its guests.
LAB_FILES = ("etc/systemd/", "usr/libexec/cxlmem-tests/")
# What a distribution adds by itself.
DEBIAN_FILES = re.compile(r"usr/share/doc/cxlmem/(NEWS\.gz|README\.md\.gz|copyright|changelog.*)|"
                          r"usr/share/lintian/overrides/cxlmem")
FEDORA_FILES = re.compile(r"usr/share/(doc|licenses)/cxlmem/(NEWS|README\.md|LGPL.*)")
# Built with other options, or packed: only that they are there is compared.
OTHER_CONTENT = re.compile(r"usr/(bin|libexec)/|usr/share/man/")
PATCHES_PLACE = "usr/src/linux-patch-cxlmem/patches"
COVER_LETTER = "/0000-cover-letter.patch"
ELSEWHERE_DIFFERENT = {"TZ": "Pacific/Kiritimati", "LC_ALL": "C", "HOME": "/nonexistent"}


def archive_files(data: bytes) -> dict[str, bytes]:
    """Files and links of a tar archive with their content; names without the leading "./"."""
    result = {}
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            if member.isfile():
                content = archive.extractfile(member)
                assert content is not None
                result[member.name.removeprefix("./")] = content.read()
            elif member.issym():  # debhelper's way with a manual page that is another one
                result[member.name.removeprefix("./")] = member.linkname.encode()
    return result


def _installed(packages: Packages) -> dict[str, bytes]:
    """What `meson install --prefix=/usr` leaves in DESTDIR."""
    files = archive_files(packages.assets.project.built("plain").archive.read_bytes())
    return {name: data for name, data in files.items() if not name.startswith(LAB_FILES)}


def difference(wanted: Sequence[str], found: Sequence[str], what: str) -> str:
    """Names that are in one list and not in the other, a line each; empty if there are none."""
    return "".join([*(f"not in {what}: {name}\n" for name in sorted(set(wanted) - set(found))),
                    *(f"only in {what}: {name}\n" for name in sorted(set(found) - set(wanted)))])


def plain_name(name: str) -> str:
    """Manual pages are packed by distributions."""
    return name.removesuffix(".gz") if "/man/" in name else name


def _lintian(packages: Packages, place: Path) -> str:
    """lintian finds no error and nothing to warn of"""
    debs = packages.debs()
    changes = debs.file("*.changes").name
    status, text = chroot.run(
        packages.root(), ["lintian", "--allow-root", "--display-info", "--pedantic",
                          "--show-overrides", "--tag-display-limit", "0",
                          "--fail-on", "error,warning", f"/in/{changes}"],
        binds={"/in": (debs.directory, False)})
    (place / "lintian.txt").write_text(text, encoding="utf-8")
    return text if status != 0 else ""


def _debian_files(packages: Packages, _place: Path) -> str:
    """the binary package has what `meson install` makes, and nothing else"""
    deb = packages.debs().file(f"{NAME}_*.deb")
    tar = subprocess.run(["dpkg-deb", "--fsys-tarfile", str(deb)], capture_output=True, check=True)
    found = {plain_name(name): data for name, data in archive_files(tar.stdout).items()
             if not DEBIAN_FILES.fullmatch(name)}
    installed = _installed(packages)
    other = [name for name in sorted(set(found) & set(installed))
             if not OTHER_CONTENT.match(name) and found[name] != installed[name]]
    return (difference(list(installed), list(found), deb.name)
            + "".join(f"{name} is not what `meson install` makes\n" for name in other))


def _patches(packages: Packages, _place: Path) -> str:
    """the kernel's patches are all there, and `series` has them in their order"""
    deb = packages.debs().file("linux-patch-cxlmem_*.deb")
    tar = subprocess.run(["dpkg-deb", "--fsys-tarfile", str(deb)], capture_output=True, check=True)
    there = {Path(name).name: data for name, data in archive_files(tar.stdout).items()
             if name.startswith(f"{PATCHES_PLACE}/")}
    series = there.pop("series", b"").decode().split()
    source = {Path(name).name: file.content for name, file in sorted(packages.files.items())
              if name.startswith("kernel/patches/") and not name.endswith(COVER_LETTER)}
    if there != source:
        return difference(list(source), list(there), deb.name) or f"{deb.name} has other contents"
    return "" if series == list(source) else f"series has {series}"


def _reproducible(packages: Packages, _place: Path) -> str:
    """built in another directory, time zone and locale they are the same, byte for byte"""
    first = packages.debs()
    second = packages.debs(environment=ELSEWHERE_DIFFERENT, place="src")

    def hashes(built: Built) -> dict[str, str]:
        return {path.name: file_digest(path)
                for path in [*built.files("*.deb"), *built.files("*.tar.xz")]}

    one, two = hashes(first), hashes(second)
    return "".join(f"{name} differs between {first.directory} and {second.directory}\n"
                   for name in sorted(set(one) | set(two)) if one.get(name) != two.get(name))


def _fedora(packages: Packages, place: Path) -> str:
    """the spec builds, rpmlint has nothing to say, the package has what `meson install` makes"""
    rpms = packages.rpms()
    binds = {"/in": (rpms.directory, False)}
    binary = rpms.file(f"{NAME}-[0-9]*.x86_64.rpm").name
    names = chroot.check(packages.root(), ["rpm", "-qlp", "--noartifact", f"/in/{binary}"],
                         binds=binds).splitlines()
    listed = chroot.check(packages.root(), ["rpm", "-qp", "--qf",
                                            "[%{FILEMODES:perms} %{FILENAMES}\n]", f"/in/{binary}"],
                          binds=binds).splitlines()
    directories = {line.split(" ", 1)[1] for line in listed if line.startswith("d")}
    found = [plain_name(name.removeprefix("/")) for name in names if name not in directories]
    found = [name for name in found if not FEDORA_FILES.fullmatch(name)]
    wanted = [name.replace("zsh/vendor-completions", "zsh/site-functions")
              for name in _installed(packages)]
    _, text = chroot.run(
        packages.root(), ["sh", "-c", f"rpmlint -c /src/{RPMLINT} /in/*.rpm /src/{SPEC}"],
        binds={**binds, "/src": (packages.top, False)})
    (place / "rpmlint.txt").write_text(text, encoding="utf-8")
    clean = re.search(r" 0 errors, 0 warnings", text)
    return difference(wanted, found, binary) + ("" if clean else text)


def _versions(packages: Packages, _place: Path) -> str:
    """meson.build, changelog, spec and NEWS are of one version"""
    top = packages.top
    upstream = packages.entry.upstream
    places = {"meson.build": r"^    version: '([^']+)'",
              "packaging/cxlmem.spec": r"^Version: +(\S+)$",
              "NEWS": r"^cxlmem ([0-9.]+)"}
    story = ""
    for name, pattern in places.items():
        found = re.search(pattern, (top / name).read_text(encoding="utf-8"), re.MULTILINE)
        if not found or found[1] != upstream:
            story += (f"{name} is of {found[1] if found else 'no version'}, "
                      f"the changelog of {upstream}\n")
    return story


TESTS: dict[str, Callable[[Packages, Path], str]] = {
    "versions": _versions, "lintian": _lintian, "debian-files": _debian_files, "patches": _patches,
    "reproducible": _reproducible, "fedora": _fedora}


def names() -> list[tuple[str, str]]:
    """(name, what it is about) of all of them."""
    return [(f"{SUITE}/{name}", (function.__doc__ or "").strip())
            for name, function in TESTS.items()]


def run_all(assets: Assets, patterns: Sequence[str], results: Results) -> None:
    """Run the chosen ones; a test's story is what is wrong, and empty if nothing is."""
    chosen = [name for name in TESTS if selected(f"{SUITE}/{name}", patterns)]
    if not chosen:
        return
    packages = assets.packages
    for name in chosen:
        full = f"{SUITE}/{name}"
        start = time.monotonic()
        try:
            story = TESTS[name](packages, results.place(full))
        except LabError as error:
            story = str(error)
        results.add(full, "FAIL" if story else "PASS", time.monotonic() - start, story)
