# SPDX-License-Identifier: LGPL-2.1-or-later
"""The guest's initramfs: busybox, the few modules a root needs, and a script."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

from .errors import LabError

MODULES = ("virtio_pci", "virtio_blk", "virtio_console", "squashfs", "overlay", "ext4")

# Disks are known by their serial: "layer0" is the base, a layer with a higher number lies over
# those with a lower one, and "upper" is the guest's own disk ("upper-hold": see below).
INIT = """\
#!/bin/busybox sh
# SPDX-License-Identifier: LGPL-2.1-or-later
fail() {
    echo "lab initramfs: $*" >/dev/console
    /bin/busybox reboot -f
}
export PATH=/bin
/bin/busybox --install -s /bin
mount -t devtmpfs devtmpfs /dev
mount -t proc proc /proc
mount -t sysfs sysfs /sys
while read -r module; do
    # Under TCG the signature of a module that is whole was refused once in some hundred boots.
    insmod "/modules/$module" || insmod "/modules/$module" || fail "cannot load $module"
done </modules/order
upper=
hold=
for disk in /sys/block/vd*; do
    [ -e "$disk/serial" ] || continue
    name=/dev/${disk##*/}
    read -r serial <"$disk/serial"
    case $serial in
    layer*)
        mkdir -p "/mnt/$serial"
        mount -t squashfs -o ro "$name" "/mnt/$serial" || fail "cannot mount $serial"
        ;;
    upper)
        upper=$name
        ;;
    upper-hold)
        upper=$name
        hold=1
        ;;
    esac
done
lower=
for number in 0 1 2 3 4 5 6 7 8 9; do
    [ -d "/mnt/layer$number" ] && lower="/mnt/layer$number${lower:+:$lower}"
done
[ -n "$lower" ] || fail "no layer found"
[ -n "$upper" ] || fail "no disk for the upper layer found"
mkdir -p /mnt/upper /root
mount -t ext4 -o noatime "$upper" /mnt/upper || fail "cannot mount the upper disk"
mkdir -p /mnt/upper/root /mnt/upper/work
mount -t overlay -o "lowerdir=$lower,upperdir=/mnt/upper/root,workdir=/mnt/upper/work" \\
    overlay /root || fail "cannot mount the root"
mkdir -p /root/run
mount -t tmpfs -o mode=0755,nosuid,nodev tmpfs /root/run
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs /root/tmp
mount -t debugfs -o nosuid,nodev,noexec debugfs /sys/kernel/debug
mount -t tracefs -o nosuid,nodev,noexec tracefs /sys/kernel/tracing
# A guest that will be snapshotted must not touch its CXL hardware before; see snapshot.py.
if [ -n "$hold" ]; then
    mkdir -p /root/run/modprobe.d
    # dax_hmem, which Linux loads where firmware tells of speed, asks for two of them by name.
    for module in cxl_acpi cxl_pci cxl_mem cxl_pmem dax_hmem; do
        echo "blacklist $module"
    done >/root/run/modprobe.d/lab-hold.conf
fi
mount --move /dev /root/dev
mount --move /proc /root/proc
mount --move /sys /root/sys
exec switch_root /root /sbin/init || fail "cannot start /sbin/init"
"""


def module_order(tree: Path) -> list[Path]:
    """Files of MODULES and what they need, in loading order; built-in ones are left out."""
    needs: dict[str, list[str]] = {}
    files: dict[str, str] = {}
    for line in (tree / "modules.dep").read_text(encoding="utf-8").splitlines():
        file, _, rest = line.partition(":")
        needs[file] = rest.split()
        files[Path(file).name.split(".")[0].replace("-", "_")] = file
    built_in = {Path(line).name.split(".")[0].replace("-", "_")
                for line in (tree / "modules.builtin").read_text(encoding="utf-8").splitlines()}
    soft: dict[str, list[str]] = {}
    for line in (tree / "modules.softdep").read_text(encoding="utf-8").splitlines():
        words = line.split()
        if words[:1] == ["softdep"] and "pre:" in words:
            names = words[words.index("pre:") + 1:]
            soft[words[1].replace("-", "_")] = names[:names.index("post:")] \
                if "post:" in names else names
    # A soft dependency may name an alias ("crc32c") that several modules have.
    aliases: dict[str, list[str]] = {}
    for line in (tree / "modules.alias").read_text(encoding="utf-8").splitlines():
        words = line.split()
        if len(words) == 3 and "*" not in words[1] and ":" not in words[1]:
            aliases.setdefault(words[1].replace("-", "_"), []).append(words[2].replace("-", "_"))
    order: list[str] = []

    def find(name: str) -> str | None:
        plain = name.replace("-", "_")
        choice = [plain, *sorted(aliases.get(plain, []), key=lambda n: not n.endswith("_generic"))]
        return next((files[module] for module in choice if module in files), None)

    def add(file: str) -> None:
        if file in order:
            return
        name = Path(file).name.split(".")[0].replace("-", "_")
        for wanted in soft.get(name, []):
            other = find(wanted)
            if other:
                add(other)
        for other in needs[file]:
            add(other)
        order.append(file)

    for name in MODULES:
        if name in files:
            add(files[name])
        elif name not in built_in:
            raise LabError(f"the kernel {tree.name} has no module {name}: "
                           "the guest could not mount its root")
    return [tree / file for file in order]


def _member(name: str, mode: int, content: bytes, number: int, device: tuple[int, int]) -> bytes:
    """One member of a cpio archive in the "newc" format."""
    header = "070701" + "".join(f"{value:08x}" for value in (
        number, mode, 0, 0, 1, 0, len(content), 0, 0, device[0], device[1], len(name) + 1, 0))
    data = header.encode() + name.encode() + b"\0"
    data += b"\0" * (-len(data) % 4) + content
    return data + b"\0" * (-len(data) % 4)


def collect(tree: Path, target: Path) -> None:
    """Copy the modules of the initramfs to `target`, with a file "order" of their names."""
    target.mkdir()
    names = []
    for path in module_order(tree):
        names.append(path.name)
        shutil.copy(path, target / path.name)
    (target / "order").write_text("".join(f"{name}\n" for name in names), encoding="utf-8")


def make(tools: Path, modules: Path, target: Path) -> None:
    """Write the archive, uncompressed: QEMU loads it faster than the guest could unpack it."""
    members: list[tuple[str, int, bytes, tuple[int, int]]] = []
    for name in ("bin", "dev", "proc", "sys", "mnt", "root", "modules"):
        members.append((name, stat.S_IFDIR | 0o755, b"", (0, 0)))
    members.append(("dev/console", stat.S_IFCHR | 0o600, b"", (5, 1)))
    busybox = next(path for path in (tools / "usr/bin/busybox", tools / "bin/busybox")
                   if path.exists())
    members.append(("bin/busybox", stat.S_IFREG | 0o755, busybox.read_bytes(), (0, 0)))
    members.append(("init", stat.S_IFREG | 0o755, INIT.encode(), (0, 0)))
    for path in sorted(modules.iterdir()):
        members.append((f"modules/{path.name}", stat.S_IFREG | 0o644, path.read_bytes(), (0, 0)))
    archive = b"".join(_member(name, mode, content, number, device)
                       for number, (name, mode, content, device) in enumerate(members, 1))
    archive += _member("TRAILER!!!", 0, b"", 0, (0, 0))
    target.write_bytes(archive + b"\0" * (-len(archive) % 512))
