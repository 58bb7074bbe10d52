# SPDX-License-Identifier: LGPL-2.1-or-later
"""Copying the sources, and what is done to an installed tree."""

import os
import tarfile
import tempfile
import unittest
from pathlib import Path

from lab import checkers
from lab.project import enable_units, pack, sync


class SyncTest(unittest.TestCase):
    def setUp(self):
        self._directory = tempfile.TemporaryDirectory()
        self.checkout = Path(self._directory.name, "checkout")
        self.copy = Path(self._directory.name, "copy")
        self.copy.mkdir()
        for name in ("meson.build", "daemon/main.c", "tests/lab/cli.py", "tests/guest/test_x.py",
                     "tests/unit/test-x.c", "lab", "README.md"):
            path = self.checkout / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name)

    def tearDown(self):
        self._directory.cleanup()

    def names(self):
        return {str(path.relative_to(self.copy)) for path in self.copy.rglob("*")
                if path.is_file()}

    def test_only_what_is_built(self):
        """the lab, its tests and the README are not part of a build's hash"""
        sync(self.checkout, self.copy)
        self.assertEqual(self.names(), {"meson.build", "daemon/main.c", "tests/unit/test-x.c"})

    def test_changes(self):
        """changed, new and removed files arrive; the others keep their time"""
        sync(self.checkout, self.copy)
        kept, changed = self.copy / "meson.build", self.copy / "daemon/main.c"
        for path in (kept, changed):
            os.utime(path, (1, 1))
        (self.checkout / "daemon/main.c").write_text("other")
        (self.checkout / "daemon/main.c").chmod(0o755)
        (self.checkout / "cli").mkdir()
        (self.checkout / "cli/new.c").write_text("new")
        (self.checkout / "tests/unit/test-x.c").unlink()
        sync(self.checkout, self.copy)
        self.assertEqual(self.names(), {"meson.build", "daemon/main.c", "cli/new.c"})
        self.assertEqual(kept.stat().st_mtime, 1)
        self.assertEqual(changed.read_text(), "other")
        self.assertEqual(changed.stat().st_mode & 0o777, 0o755)
        self.assertNotEqual(changed.stat().st_mtime, 1)


class InstalledTest(unittest.TestCase):
    def setUp(self):
        self._directory = tempfile.TemporaryDirectory()
        self.root = Path(self._directory.name, "root")
        units = self.root / "usr/lib/systemd/system"
        units.mkdir(parents=True)
        (units / "cxlmemd.service").write_text(
            "[Service]\nExecStart=/usr/libexec/x\n[Install]\nWantedBy=multi-user.target\n")
        (units / "plain.service").write_text("[Service]\nExecStart=/bin/true\n")

    def tearDown(self):
        self._directory.cleanup()

    def test_units_are_enabled(self):
        """a unit that wants to be started at boot is, another is not"""
        enable_units(self.root)
        links = list((self.root / "etc/systemd/system").rglob("*.service"))
        self.assertEqual([link.name for link in links], ["cxlmemd.service"])
        self.assertEqual(links[0].parent.name, "multi-user.target.wants")
        self.assertEqual(os.readlink(links[0]), "/usr/lib/systemd/system/cxlmemd.service")

    def test_checkers(self):
        """the plain build has no override, valgrind's runs the unit's own command"""
        checkers.install("plain", self.root)
        self.assertFalse((self.root / checkers.OVERRIDE).exists())
        checkers.install("valgrind", self.root)
        text = (self.root / checkers.OVERRIDE).read_text()
        self.assertIn("ExecStart=\n", text)
        self.assertRegex(text, r"(?m)^ExecStart=/usr/bin/valgrind .* /usr/libexec/x$")

    def test_archive(self):
        """the archive has everything below the root, owned by root"""
        archive = self.root.parent / "x.tar"
        pack(self.root, archive)
        with tarfile.open(archive) as content:
            members = {member.name: member for member in content.getmembers()}
        self.assertIn("usr/lib/systemd/system/cxlmemd.service", members)
        self.assertEqual({member.uid for member in members.values()}, {0})


if __name__ == "__main__":
    unittest.main()
