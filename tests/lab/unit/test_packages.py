# SPDX-License-Identifier: LGPL-2.1-or-later
"""What packages are made of, and how their changelog is read."""

import os
import subprocess
import tarfile
import tempfile
import unittest
from pathlib import Path

from guest.five_minutes import commands
from lab.errors import LabError
from lab.package import another_version, last_entry, read_tracked, tarball
from lab.packagetests import difference, plain_name
from lab.project import checkout

CHANGELOG = """\
cxlmem (0.2-1) UNRELEASED; urgency=medium

  * Something.

 -- A Person <person@cxlmem.example>  Thu, 01 Jan 1970 02:00:10 +0200

cxlmem (0.1-3) unstable; urgency=medium

  * First.

 -- A Person <person@cxlmem.example>  Thu, 01 Jan 1970 00:00:00 +0000
"""


class ChangelogTest(unittest.TestCase):
    def test_last_entry(self):
        """version and time are those of the topmost entry, in seconds since 1970"""
        entry = last_entry(CHANGELOG)
        self.assertEqual((entry.version, entry.upstream, entry.epoch), ("0.2-1", "0.2", 10))

    def test_another_version(self):
        """a later version stands on top, the rest is as it was"""
        text = another_version(CHANGELOG, "0.2-2~test")
        self.assertEqual(last_entry(text).version, "0.2-2~test")
        self.assertEqual(last_entry(text).epoch, 10)
        self.assertTrue(text.endswith(CHANGELOG))

    def test_rubbish(self):
        """what is no changelog is refused with words"""
        with self.assertRaisesRegex(LabError, "first entry"):
            last_entry("cxlmem 0.2\n")


class SourceTest(unittest.TestCase):
    def setUp(self):
        self._directory = tempfile.TemporaryDirectory()
        self.top = Path(self._directory.name, "checkout")
        for name in ("meson.build", "daemon/main.c", "lab", "tests/lab/cli.py", "new.c"):
            path = self.top / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name)
        (self.top / "daemon/main.c").chmod(0o711)
        os.symlink("meson.build", self.top / "link")
        subprocess.run(["git", "init", "-q", str(self.top)], check=True)
        subprocess.run(["git", "-C", str(self.top), "add", "meson.build", "daemon", "lab", "tests",
                        "link"], check=True)

    def tearDown(self):
        self._directory.cleanup()

    def archive(self, name):
        target = Path(self._directory.name, name)
        tarball(read_tracked(self.top), "cxlmem-1", 10, target)
        return target

    def test_what_is_in_it(self):
        """what git knows, without the lab; all root's, of one time, with the modes git has"""
        with tarfile.open(self.archive("one.tar.xz")) as members:
            found = {m.name: (m.mode, m.mtime, m.uid, m.linkname) for m in members}
        self.assertEqual(found, {"cxlmem-1/daemon/main.c": (0o755, 10, 0, ""),
                                 "cxlmem-1/link": (0o644, 10, 0, "meson.build"),
                                 "cxlmem-1/meson.build": (0o644, 10, 0, "")})

    def test_the_same_again(self):
        """times and the group's rights make no difference, content does"""
        one = self.archive("one.tar.xz").read_bytes()
        os.utime(self.top / "meson.build", (1, 1))
        (self.top / "meson.build").chmod(0o660)
        self.assertEqual(self.archive("two.tar.xz").read_bytes(), one)
        (self.top / "meson.build").write_text("other")
        self.assertNotEqual(self.archive("three.tar.xz").read_bytes(), one)

    def test_no_git(self):
        """without git nobody knows what belongs to it, and it says so"""
        with self.assertRaisesRegex(LabError, "no git checkout"):
            read_tracked(Path(self._directory.name))


class FilesTest(unittest.TestCase):
    def test_difference(self):
        """names that only one side has are told, each with the side"""
        self.assertEqual(difference(["a", "b"], ["b", "c"], "x.deb"),
                         "not in x.deb: a\nonly in x.deb: c\n")
        self.assertEqual(difference(["a"], ["a"], "x.deb"), "")

    def test_plain_name(self):
        """a manual page is the same page when it is packed"""
        self.assertEqual(plain_name("usr/share/man/man1/x.1.gz"), "usr/share/man/man1/x.1")
        self.assertEqual(plain_name("usr/share/doc/x.gz"), "usr/share/doc/x.gz")


class ReadmeTest(unittest.TestCase):
    def test_commands(self):
        """the five minutes are the first block below the heading, and begin with the package"""
        found = commands((checkout() / "README.md").read_text(encoding="utf-8"))
        self.assertEqual(found[0], "apt install ./cxlmem_*.deb")
        self.assertTrue(all(line.startswith("cxlmemctl ") for line in found[1:]), found)
