# SPDX-License-Identifier: LGPL-2.1-or-later
"""Choosing tests, reading kernel logs and sizes."""

import unittest

from lab.errors import LabError
from lab.kernel_log import complaints
from lab.selection import selected
from lab.sizes import card_mib, parse_size

NAME = "guest/create/debian-7.3/one/test_movable"


class SelectionTest(unittest.TestCase):
    def test_selected(self):
        """suites, files, parts, globs and paths choose a test"""
        for pattern in ("guest", "guest/create", "create", "debian-7.3", "test_mov*", NAME,
                        "guest/*/debian-7.3/*", "tests/guest/test_create.py",
                        "./tests/guest/test_create.py/debian-7.3", "guest/create/"):
            self.assertTrue(selected(NAME, [pattern]), pattern)

    def test_not_selected(self):
        """what only looks alike does not"""
        for pattern in ("unit", "gues", "guest/creat", "debian-6.12", "movable",
                        "tests/guest/test_destroy.py"):
            self.assertFalse(selected(NAME, [pattern]), pattern)

    def test_nothing_given_is_everything(self):
        """without a pattern all are chosen"""
        self.assertTrue(selected(NAME, []))


class KernelLogTest(unittest.TestCase):
    def test_bad_lines(self):
        """a bug, a warning, a hung task and a leak of a list are found"""
        for line in ("[ 1.0] BUG: kernel NULL pointer dereference", "[1] kernel BUG at lib/x.c:1!",
                     "[ 2.0] WARNING: CPU: 1 PID: 7 at mm/memremap.c:1 x+0x1/0x2",
                     "[1] WARNING: possible circular locking dependency detected",
                     "[1] INFO: task sh:1 blocked for more than 120 seconds.",
                     "[1] Oops: 0002 [#1] SMP", "[1] Kernel panic - not syncing: x"):
            self.assertEqual(len(complaints(line)), 1, line)

    def test_good_lines(self):
        """ordinary messages are not"""
        for line in ("[ 1.0] cxl_core: loaded", "Debug: BUGS bunny", "[1] Spectre V2 : WARNING: "
                     "Unprivileged eBPF is enabled with eIBRS on, data leaks possible"):
            self.assertEqual(complaints(line), [], line)

    def test_expected(self):
        """a message that the test means to cause is let through, others are not"""
        text = "[1] kernel BUG at lib/list_debug.c:54!\n[2] Oops: x\n"
        self.assertEqual(complaints(text, [r"list_debug", r"Oops"]), [])
        self.assertEqual(complaints(text, [r"list_debug"]), ["[2] Oops: x"])

    def test_lockdep(self):
        """a report of lockdep names its two locks; that of mainline's pciehp is let through, no other"""
        def report(wanted, held):
            return ("[1] WARNING: possible circular locking dependency detected\n[1] 7.3.4 #1 Not tainted\n"
                    "[1] irq/24-pciehp/46 is trying to acquire lock:\n"
                    f"[1] ffff888008a35ae0 {wanted}+0x1/0x2\n[1] \n[1] but task is already holding lock:\n"
                    f"[1] ffffffff83212440 {held}+0x1/0x2\n")
        slot = "(&ctrl->reset_lock){.+.+}-{4:4}, at: pciehp_configure_device"
        bus = "(pci_rescan_remove_lock){+.+.}-{4:4}, at: pci_lock_rescan_remove"
        ours = "(&c->lock){+.+.}-{4:4}, at: pgmap_request_folio"
        self.assertEqual(complaints(report(slot, bus)) + complaints(report(bus, slot)), [])
        for wanted, held in ((slot, ours), (ours, bus), (bus, ours)):
            found = complaints(report(wanted, held))
            self.assertEqual(len(found), 1)
            self.assertIn("&c->lock at pgmap_request_folio", found[0])


class SizeTest(unittest.TestCase):
    def test_sizes(self):
        """sizes as people write them"""
        self.assertEqual(parse_size("512M"), 512 << 20)
        self.assertEqual(parse_size("1GiB"), 1 << 30)
        self.assertEqual(parse_size(4096), 4096)
        self.assertEqual(card_mib("1G"), 1024)

    def test_bad_sizes(self):
        """what is no size, or no size for a card, is refused"""
        for size in ("", "x", "-1G", "1.5G", "100M", 0):
            with self.assertRaises(LabError):
                card_mib(size)


if __name__ == "__main__":
    unittest.main()
