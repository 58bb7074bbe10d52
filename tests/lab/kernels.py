# SPDX-License-Identifier: LGPL-2.1-or-later
"""The kernels a guest can boot, by name, each with the function that provides it.

A provider fills a directory with `vmlinuz` (a bzImage) or `vmlinux` and `modules/VERSION/`
(as under /lib/modules). What follows is the same for all kernels: an uncompressed vmlinux for
a PVH boot, a squashfs of the modules a virtual machine can use, and an initramfs.
"""

from __future__ import annotations

import gzip
import lzma
import os
import re
import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from . import chroot, initramfs, kernelbuild
from .apt import Apt
from .cache import Cache, remove_tree
from .errors import LabError
from .progress import Progress, say
from .roots import SUITES, squash

# Directories of kernel/ that a virtual machine has a use for. Anything else (graphics, sound,
# wireless, ...) only costs time when udev looks for drivers.
MODULE_DIRECTORIES = (
    "arch", "block", "crypto", "lib", "mm", "virt", "security", "certs",
    "fs", "drivers/acpi", "drivers/block", "drivers/base", "drivers/char", "drivers/cxl",
    "drivers/dax", "drivers/dma-buf", "drivers/edac", "drivers/firmware", "drivers/fwctl",
    "drivers/hwmon", "drivers/md", "drivers/nvdimm", "drivers/nvme", "drivers/nvmem",
    "drivers/pci", "drivers/perf", "drivers/platform/x86", "drivers/ras", "drivers/thermal",
    "drivers/virtio", "drivers/vfio", "drivers/iommu", "drivers/xen",
    "net/core", "net/ipv4", "net/ipv6", "net/netfilter", "net/unix", "net/packet",
    "net/vmw_vsock", "drivers/net/virtio_net.ko", "drivers/net/net_failover.ko",
    "net/core/failover.ko", "drivers/scsi/virtio_scsi.ko",
)


@dataclass(frozen=True)
class Kernel:
    """A kernel ready to boot."""
    name: str
    version: str
    vmlinux: Path
    initrd: Path
    modules: Path


@dataclass(frozen=True)
class Description:
    """One line of the registry."""
    name: str
    about: str
    inputs: Callable[[Apt], object]
    provide: Callable[[Apt, Path, Path], None]
    patience: float = 1.0       # what timeouts of guests and tests are multiplied by


def _packaged(name: str, about: str, series: str, backports: bool) -> Description:
    """A kernel of Debian's: `series` is the wanted beginning of its version."""

    def inputs(apt: Apt) -> object:
        return [apt.mirror.lines(SUITES), series, backports]

    def provide(apt: Apt, _tools: Path, directory: Path) -> None:
        _download(apt, name, series, backports, directory)

    return Description(name, about, inputs, provide)


def _built(build: kernelbuild.Build) -> Description:
    """A kernel that the lab builds (`lab kernel build`)."""

    def inputs(apt: Apt) -> object:
        return kernelbuild.inputs(apt, build.name)

    def provide(apt: Apt, _tools: Path, directory: Path) -> None:
        kernelbuild.provide(apt, build.name, directory)

    return Description(build.name, build.about, inputs, provide, build.patience)


REGISTRY = {kernel.name: kernel for kernel in (
    _packaged("debian-6.12", "Debian 13's own kernel", "6.12.", False),
    _packaged("debian-7.3", "the kernel of Debian 13's backports", "7.3.", True),
    *(_built(build) for build in kernelbuild.BUILDS.values()),
)}
DEFAULT = "debian-7.3"
# What a guest test runs on when it does not say.
DEFAULTS = ("debian-6.12", "debian-7.3")


def patience(name: str) -> float:
    """What the timeouts of a guest with this kernel are multiplied by."""
    return REGISTRY[name].patience


def _download(apt: Apt, name: str, series: str, backports: bool, directory: Path) -> None:
    """Fetch and unpack the image and module packages behind linux-image-amd64."""
    known = [(v, f) for v, f in apt.candidates("linux-image-amd64") if ("bpo" in v) == backports]
    if not known:
        raise LabError(f"the mirror has no linux-image-amd64 for {name}: "
                       "does it carry trixie-backports?")
    exact = [pair for pair in known if pair[0].startswith(series)]
    version, fields = (exact or known)[0]
    if not exact:
        say(f"{name}: the mirror has no {series}x any more, taking {version}")
    packages: dict[str, str] = {}
    queue = [fields]
    while queue:
        depends = queue.pop().get("Depends", "")
        for found, wanted in re.findall(
                r"(linux-(?:base|image|binary|modules)-[^\s,|(]+)\s*(?:\(= ([^)]+)\))?", depends):
            if found in packages:
                continue
            versions = dict(apt.candidates(found))
            chosen = wanted if wanted in versions else next(iter(versions), None)
            if chosen is None:
                raise LabError(f"the mirror names {found} but does not have it: "
                               "try again when its update is complete")
            packages[found] = chosen
            queue.append(versions[chosen])
    debs = directory / "debs"
    debs.mkdir()
    names = [f"{package}={chosen}" for package, chosen in packages.items()]
    mib = sum(int(dict(apt.candidates(p))[v].get("Size", 0)) for p, v in packages.items()) >> 20

    def so_far() -> str:
        files = [p.stat().st_size for p in debs.rglob("*") if p.is_file()]
        return f"{sum(files) >> 20} of {mib} MiB"

    with Progress(f"downloading {name} ({version})", so_far):
        files = apt.download(names, debs)
    unpacked = directory / "unpacked"
    with Progress(f"unpacking {name}"):
        for file in files:
            done = subprocess.run(["dpkg-deb", "-x", str(file), str(unpacked)],
                                  capture_output=True, text=True)
            if done.returncode != 0:
                raise LabError(f"{file.name} cannot be unpacked: {done.stderr.strip()}")
    images = [*unpacked.glob("boot/vmlinuz-*"), *unpacked.glob("usr/lib/modules/*/vmlinuz"),
              *unpacked.glob("lib/modules/*/vmlinuz")]
    trees = [path for path in (*unpacked.glob("usr/lib/modules/*"), *unpacked.glob("lib/modules/*"))
             if (path / "kernel").is_dir()]
    if len(images) != 1 or len(trees) != 1:
        raise LabError(f"{version} is packaged in a way the lab does not know "
                       f"({len(images)} images, {len(trees)} module trees)")
    os.rename(images[0], directory / "vmlinuz")
    (directory / "modules").mkdir()
    os.rename(trees[0], directory / "modules" / trees[0].name)
    remove_tree(unpacked)
    remove_tree(debs)


def unpack_bzimage(tools: Path, image: bytes) -> bytes:
    """The ELF vmlinux inside a bzImage (Documentation/arch/x86/boot.rst, `payload_offset`)."""
    if image[0x1fe:0x200] != b"\x55\xaa" or image[0x202:0x206] != b"HdrS":
        raise LabError("the kernel image is not a bzImage")
    sectors = image[0x1f1] or 4
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = (sectors + 1) * 512 + offset
    payload = image[start:start + length]
    if payload[:4] == b"\x28\xb5\x2f\xfd":
        # The last four bytes are the unpacked size, put there by the kernel's build.
        result = subprocess.run([*chroot.UNSHARE, "chroot", str(tools), "zstd", "-dcq"],
                                input=payload[:-4], capture_output=True)
        if not result.stdout:
            raise LabError(f"zstd cannot unpack the kernel: {result.stderr.decode().strip()}")
        return result.stdout
    if payload[:6] == b"\xfd7zXZ\x00":
        return lzma.LZMADecompressor().decompress(payload)
    if payload[:2] == b"\x1f\x8b":
        return gzip.decompress(payload[:-4])
    raise LabError("the kernel image is compressed in a way the lab does not know "
                   f"(it starts with {payload[:6].hex()})")


def _select_modules(source: Path, target: Path) -> None:
    """Copy the modules of MODULE_DIRECTORIES, unpacked: xz is slow on an emulated processor."""
    for path in sorted(source.glob("modules.*")):
        shutil.copy(path, target / path.name)
    for path in sorted((source / "kernel").rglob("*.ko*")):
        name = path.relative_to(source / "kernel")
        plain = re.sub(r"\.(xz|zst|gz)$", "", str(name))
        if not any(plain == wanted or plain.startswith(wanted + "/")
                   for wanted in MODULE_DIRECTORIES):
            continue
        place = target / "kernel" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".xz":
            place.with_suffix("").write_bytes(lzma.decompress(path.read_bytes()))
        else:
            shutil.copy(path, place)


def get(cache: Cache, apt: Apt, tools: Path, name: str) -> Kernel:
    """Provide the kernel `name`, from the cache or by its provider."""
    description = REGISTRY.get(name)
    if description is None:
        raise LabError(f"there is no kernel {name!r}: choose one of {', '.join(REGISTRY)}")
    inputs = {"version": 2, "kernel": description.inputs(apt), "modules": MODULE_DIRECTORIES,
              "initramfs": initramfs.MODULES}

    def build(entry: Path) -> None:
        raw = entry / "raw"
        raw.mkdir()
        description.provide(apt, tools, raw)
        source = next((raw / "modules").iterdir())
        version = source.name
        with Progress(f"preparing {name} for the guest") as progress:
            progress.step("modules")
            tree = entry / "tree"
            target = tree / "usr/lib/modules" / version
            target.mkdir(parents=True)
            _select_modules(source, target)
            chroot.check(tools, ["depmod", "-b", "/in", "-m", "/usr/lib/modules", version],
                         binds={"/in": (tree, True)})
            squash(tools, tree, entry / "modules.squashfs")
            progress.step("initramfs")
            initramfs.collect(target, entry / "initramfs")
            progress.step("vmlinux")
            if (raw / "vmlinux").exists():
                os.rename(raw / "vmlinux", entry / "vmlinux")
            else:
                image = (raw / "vmlinuz").read_bytes()
                (entry / "vmlinux").write_bytes(unpack_bzimage(tools, image))
        (entry / "version").write_text(version, encoding="utf-8")
        remove_tree(raw)
        remove_tree(tree)

    entry = cache.step(f"kernel-{name}", inputs, build, need_mib=1500)

    def build_initrd(place: Path) -> None:
        initramfs.make(tools, entry / "initramfs", place / "initrd")

    initrd = cache.step(f"initrd-{name}", [entry.name, initramfs.INIT], build_initrd)
    return Kernel(name, (entry / "version").read_text(encoding="utf-8"), entry / "vmlinux",
                  initrd / "initrd", entry / "modules.squashfs")
