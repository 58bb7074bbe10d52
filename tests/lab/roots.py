# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Debian root file systems: with tools, for checks, for packages, and the guest's."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from . import chroot
from .apt import Apt, host_tool
from .cache import Cache, remove_tree
from .errors import LabError
from .progress import Progress, tree_mib

SUITES = ("trixie", "trixie-updates", "trixie-security", "trixie-backports")

# QEMU of trixie sends every access to CXL memory through emulation; the one of backports maps
# regions of one way. Its own firmware packages come with it.
PREFERENCES = """\
Package: qemu-* seabios
Pin: release n=trixie-backports
Pin-Priority: 600
"""

TOOLS_PACKAGES = (
    "qemu-system-x86",
    # what the project is built and checked with
    "gcc", "libc6-dev", "meson", "ninja-build", "pkgconf", "gettext", "git",
    "libcxl-dev", "libdaxctl-dev", "libsystemd-dev", "libudev-dev", "libjson-c-dev",
    "libcmocka-dev", "libinih-dev", "libtracefs-dev", "libtraceevent-dev", "libnuma-dev",
    "systemd-dev", "dbus", "libdbus-1-dev", "python3", "valgrind", "libc6-dbg",
    # what images are made with
    "squashfs-tools", "e2fsprogs", "zstd", "lz4", "xz-utils", "busybox-static", "kmod", "cpio",
)

GUEST_PACKAGES = (
    "systemd", "systemd-sysv", "udev", "dbus", "polkitd", "kmod",
    "cxl", "daxctl", "ndctl", "libcxl1", "libdaxctl1", "libjson-c5", "libsystemd0", "libudev1",
    "libkmod2", "libinih1", "libtracefs1", "libnuma1", "numactl",
    "util-linux", "procps", "iproute2", "jq", "tmux", "strace", "python3-minimal", "less",
    # whose completion is tested
    "bash-completion", "zsh", "fish",
    # the daemon is tested under both in a guest
    "valgrind", "libc6-dbg", "libasan8", "libubsan1",
)

TRIM = (
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-exclude=/usr/share/info/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/lintian/*",
)

# What other people's programs have to say about what we write: JSON schemas, OpenMetrics, alert
# rules, manual pages.
CHECKS_PACKAGES = (
    "python3", "python3-jsonschema", "python3-prometheus-client", "prometheus", "mandoc",
)

# A browser, and the program that lets a test drive it (WebDriver).
BROWSER_PACKAGES = ("chromium", "chromium-driver", "fonts-dejavu-core", "fonts-liberation")

# What a guest has besides, whose machine is looked after with Cockpit. sudo is how its sessions
# become an administrator's; libpam-modules and passwd are how somebody logs in.
COCKPIT_PACKAGES = ("cockpit-ws", "cockpit-bridge", "cockpit-system", "sudo", "passwd",
                    "libpam-modules")

# What Debian's and Fedora's packages are made and checked with; the same releases of the libraries
# as in the guest. (build-essential is what a Debian build may take for granted.)
PACKAGES_PACKAGES = (
    "build-essential", "debhelper", "lintian", "rpm", "rpmlint", "python3",
    "meson", "pkgconf", "systemd-dev", "libcxl-dev", "libdaxctl-dev", "libsystemd-dev",
    "libjson-c-dev", "libinih-dev", "libtracefs-dev", "libtraceevent-dev", "libcmocka-dev",
    "dbus-daemon",
)

# What `apt install` of cxlmem's package finds in the guest "plain" is what debootstrap installs
# without being asked, and a bus.
PLAIN_PACKAGES = ("systemd", "systemd-sysv", "udev", "dbus")

# mmdebstrap's settings stay in a root it has made; in this one apt and dpkg are as Debian has them.
PLAIN_HOOK = 'rm "$1"/etc/apt/apt.conf.d/99mmdebstrap "$1"/etc/dpkg/dpkg.cfg.d/99mmdebstrap'

# Mount points for chroot.run(): the tools root is shared and stays as it was made.
TOOLS_POINTS = ("src", "build", "dest", "in", "out")


def mmdebstrap(directory: Path, sources: list[str], packages: tuple[str, ...], variant: str,
               options: tuple[str, ...], what: str) -> None:
    """Fill `directory` with a Debian root."""
    program = host_tool("mmdebstrap", "mmdebstrap")
    log = directory.parent / f"{directory.name}.log"
    # In a namespace of its own: a killed mmdebstrap leaves no mount behind.
    command = [*chroot.UNSHARE, program, "--mode=root", f"--variant={variant}",
               "--architectures=amd64", '--aptopt=Apt::Install-Recommends "false"',
               '--aptopt=Acquire::Languages "none"', '--aptopt=Acquire::Retries "3"',
               *options, f"--include={','.join(packages)}", "trixie", str(directory), "-"]
    with Progress(what, lambda: tree_mib(directory)), open(log, "w+b") as output:
        done = subprocess.run(command, input=("\n".join(sources) + "\n").encode(),
                              stdout=output, stderr=subprocess.STDOUT)
    text = log.read_text(encoding="utf-8", errors="replace")
    log.unlink()
    if done.returncode != 0:
        errors = [line for line in text.splitlines() if line.startswith("E:")]
        tail = "\n".join((errors or text.splitlines())[-5:])
        raise LabError(f"{what} failed:\n{tail}")


def tools_root(cache: Cache, apt: Apt) -> Path:
    """Root with QEMU, the compiler and the image tools; its programs are run in it."""
    inputs = {"version": 1, "sources": apt.mirror.lines(SUITES), "packages": TOOLS_PACKAGES,
              "preferences": PREFERENCES, "points": TOOLS_POINTS, "trim": TRIM[:3]}

    def build(entry: Path) -> None:
        sources = apt.lines()
        root = entry / "root"
        root.mkdir()
        preferences = entry / "preferences"
        preferences.write_text(PREFERENCES, encoding="utf-8")
        hook = ('mkdir -p "$1/etc/apt/preferences.d" && '
                f'cp "{preferences}" "$1/etc/apt/preferences.d/lab"')
        mmdebstrap(root, sources, TOOLS_PACKAGES, "apt",
                   (*TRIM[:3], f"--setup-hook={hook}"),
                   "making the root with QEMU and the compiler")
        for point in TOOLS_POINTS:
            (root / point).mkdir()

    return cache.step("tools", inputs, build, need_mib=1500) / "root"


def _programs_root(cache: Cache, apt: Apt, name: str, packages: tuple[str, ...], what: str,
                   need_mib: int) -> Path:
    """Root with programs that only some tests need."""
    inputs = {"version": 1, "sources": apt.mirror.lines(SUITES[:3]), "packages": packages,
              "points": TOOLS_POINTS, "trim": TRIM}

    def build(entry: Path) -> None:
        sources = apt.mirror.lines([s for s in apt.suites() if not s.endswith("-backports")])
        root = entry / "root"
        root.mkdir()
        mmdebstrap(root, sources, packages, "apt", TRIM, f"making the root with {what}")
        for point in TOOLS_POINTS:
            (root / point).mkdir(exist_ok=True)

    return cache.step(name, inputs, build, need_mib=need_mib) / "root"


def checks_root(cache: Cache, apt: Apt) -> Path:
    """Root with programs that check files of ours."""
    return _programs_root(cache, apt, "checks", CHECKS_PACKAGES, "checkers", 900)


def browser_root(cache: Cache, apt: Apt) -> Path:
    """Root with a browser, which runs on the host."""
    return _programs_root(cache, apt, "browser", BROWSER_PACKAGES, "a browser", 1800)


def packages_root(cache: Cache, apt: Apt) -> Path:
    """Root in which Debian's and Fedora's packages are built and checked."""
    inputs = {"version": 1, "sources": apt.mirror.lines(SUITES[:3]), "packages": PACKAGES_PACKAGES,
              "points": TOOLS_POINTS, "trim": TRIM[:3]}

    def build(entry: Path) -> None:
        sources = apt.mirror.lines([s for s in apt.suites() if not s.endswith("-backports")])
        root = entry / "root"
        root.mkdir()
        mmdebstrap(root, sources, PACKAGES_PACKAGES, "apt", TRIM[:3],
                   "making the root that builds packages")
        for point in TOOLS_POINTS:
            (root / point).mkdir(exist_ok=True)

    return cache.step("packages", inputs, build, need_mib=1500) / "root"


def plain_image(cache: Cache, apt: Apt, tools: Path) -> Path:
    """A Debian 13 as debootstrap makes it, without anything the project needs."""
    inputs = {"version": 2, "sources": apt.mirror.lines(SUITES[:3]), "packages": PLAIN_PACKAGES,
              "trim": TRIM, "hook": PLAIN_HOOK}

    def build(entry: Path) -> None:
        sources = apt.mirror.lines([s for s in apt.suites() if not s.endswith("-backports")])
        root = entry / "root"
        root.mkdir()
        mmdebstrap(root, sources, PLAIN_PACKAGES, "important",
                   (*TRIM, f"--customize-hook={PLAIN_HOOK}"), "making the plain guest's root")
        with Progress("packing the plain guest's root"):
            squash(tools, root, entry / "root.squashfs")
        # What is installed, for who asks what else a package would bring.
        shutil.copy(root / "var/lib/dpkg/status", entry / "status")
        remove_tree(root)

    return cache.step("plain", inputs, build, need_mib=1200) / "root.squashfs"


def guest_image(cache: Cache, apt: Apt, tools: Path, more: tuple[str, ...] = ()) -> Path:
    """The guest's base system, and `more` packages, as a squashfs file."""
    packages = (*GUEST_PACKAGES, *more)
    inputs = {"version": 1, "sources": apt.mirror.lines(SUITES[:3]), "packages": packages,
              "trim": TRIM}

    def build(entry: Path) -> None:
        sources = apt.mirror.lines([s for s in apt.suites() if not s.endswith("-backports")])
        root = entry / "root"
        root.mkdir()
        mmdebstrap(root, sources, packages, "essential", TRIM,
                   "making the guest's root")
        with Progress("packing the guest's root"):
            squash(tools, root, entry / "root.squashfs")
        remove_tree(root)

    return cache.step("guest", inputs, build, need_mib=1200) / "root.squashfs"


def cockpit_image(cache: Cache, apt: Apt, tools: Path) -> Path:
    """The same with Cockpit in it."""
    return guest_image(cache, apt, tools, COCKPIT_PACKAGES)


def squash(tools: Path, source: Path, target: Path) -> None:
    """Pack a directory; lz4 because the guest unpacks with an emulated processor."""
    chroot.check(tools, ["mksquashfs", "/in", f"/out/{target.name}", "-comp", "lz4", "-noappend",
                         "-no-progress", "-quiet", "-processors", "2"],
                 binds={"/in": (source, False), "/out": (target.parent, True)})
