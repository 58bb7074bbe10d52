# SPDX-License-Identifier: LGPL-2.1-or-later
"""Modules of the initramfs, the image inside a bzImage, command lines of units."""

import lzma
import struct
import tempfile
import unittest
from pathlib import Path

from lab import initramfs, kernels
from lab.checkers import command_of
from lab.errors import LabError

DEP = """\
kernel/drivers/block/virtio_blk.ko:
kernel/fs/squashfs/squashfs.ko:
kernel/fs/overlayfs/overlay.ko: kernel/fs/exportfs.ko
kernel/fs/exportfs.ko:
kernel/fs/ext4/ext4.ko: kernel/fs/jbd2/jbd2.ko kernel/fs/mbcache.ko
kernel/fs/jbd2/jbd2.ko:
kernel/fs/mbcache.ko:
kernel/arch/x86/crypto/crc32c-intel.ko:
kernel/crypto/crc32c_generic.ko:
"""
BUILTIN = "kernel/drivers/virtio/virtio_pci.ko\nkernel/drivers/char/virtio_console.ko\n"
SOFTDEP = "softdep ext4 pre: crc32c\n"
ALIAS = "alias crc32c crc32c_intel\nalias crc32c crc32c_generic\nalias pci:v1* virtio_blk\n"


class ModuleOrderTest(unittest.TestCase):
    def order(self, builtin=BUILTIN):
        with tempfile.TemporaryDirectory() as name:
            tree = Path(name)
            for file, text in (("dep", DEP), ("builtin", builtin), ("softdep", SOFTDEP),
                               ("alias", ALIAS)):
                (tree / f"modules.{file}").write_text(text)
            return [path.name for path in initramfs.module_order(tree)]

    def test_order(self):
        """what a module needs comes before it, soft dependencies through their alias too"""
        order = self.order()
        for before, after in (("exportfs.ko", "overlay.ko"), ("jbd2.ko", "ext4.ko"),
                              ("mbcache.ko", "ext4.ko"), ("crc32c_generic.ko", "ext4.ko")):
            self.assertLess(order.index(before), order.index(after))
        self.assertEqual(len(order), len(set(order)))
        self.assertNotIn("virtio_pci.ko", order)

    def test_missing_module(self):
        """a kernel that has a needed driver neither as a module nor built in is refused"""
        with self.assertRaisesRegex(LabError, "virtio_pci"):
            self.order(builtin="kernel/drivers/char/virtio_console.ko\n")


class ImageTest(unittest.TestCase):
    def image(self, payload: bytes) -> bytes:
        setup = bytearray(2 * 512)
        setup[0x1f1] = 1
        setup[0x1fe:0x200] = b"\x55\xaa"
        setup[0x202:0x206] = b"HdrS"
        struct.pack_into("<II", setup, 0x248, 16, len(payload))
        return bytes(setup) + b"\0" * 16 + payload

    def test_xz(self):
        """the payload of a bzImage is found and unpacked"""
        image = self.image(lzma.compress(b"\x7fELF content", check=lzma.CHECK_CRC32))
        self.assertEqual(kernels.unpack_bzimage(Path("/"), image), b"\x7fELF content")

    def test_not_an_image(self):
        """something else is refused"""
        with self.assertRaisesRegex(LabError, "not a bzImage"):
            kernels.unpack_bzimage(Path("/"), b"\0" * 4096)
        with self.assertRaisesRegex(LabError, "does not know"):
            kernels.unpack_bzimage(Path("/"), self.image(b"LZMA????"))


class UnitTest(unittest.TestCase):
    def test_command_of_a_unit(self):
        """the command is found whatever prefix it has; none or two are refused"""
        self.assertEqual(command_of("[Service]\nExecStart=-/usr/bin/x --y\n"), "/usr/bin/x --y")
        for text in ("[Service]\n", "ExecStart=/a\nExecStart=/b\n"):
            with self.assertRaises(LabError):
                command_of(text)


if __name__ == "__main__":
    unittest.main()
