# SPDX-License-Identifier: LGPL-2.1-or-later
"""The cache: built once, redone when half-finished, never removed while in use."""

import multiprocessing
import os
import tempfile
import time
import unittest
from pathlib import Path

from lab import cache as cache_module
from lab.cache import Cache, digest, tree_digest
from lab.errors import LabError


def _hold(root: Path, ready, done) -> None:
    Cache(root).step("held", 1, lambda entry: (entry / "x").touch())
    ready.set()
    done.wait(30)


class CacheTest(unittest.TestCase):
    def setUp(self):
        self._directory = tempfile.TemporaryDirectory()
        self.root = Path(self._directory.name)
        self.cache = Cache(self.root)
        self.builds = 0

    def tearDown(self):
        self.cache.close()
        self._directory.cleanup()

    def build(self, entry: Path) -> None:
        self.builds += 1
        (entry / "content").write_text(str(self.builds))

    def fail(self, entry: Path) -> None:
        (entry / "half").touch()
        raise LabError("no")

    def test_built_once_for_the_same_inputs(self):
        """the same inputs are built once, by this and by the next process"""
        first = self.cache.step("a", {"x": 1, "y": 2}, self.build)
        again = Cache(self.root).step("a", {"y": 2, "x": 1}, self.build)
        self.assertEqual(first, again)
        self.assertEqual(self.builds, 1)

    def test_other_inputs_are_another_entry(self):
        """a changed input is built anew and the old entry stays"""
        first = self.cache.step("a", 1, self.build)
        second = self.cache.step("a", 2, self.build)
        self.assertNotEqual(first, second)
        self.assertEqual((first / "content").read_text(), "1")
        self.assertEqual((second / "content").read_text(), "2")

    def test_failed_build_leaves_nothing(self):
        """a build that fails leaves no entry and no partial directory"""
        with self.assertRaises(LabError):
            self.cache.step("a", 1, CacheTest.fail.__get__(self))
        self.assertEqual([p.name for p in self.root.iterdir()], ["locks"])
        self.cache.step("a", 1, self.build)
        self.assertEqual(self.builds, 1)

    def test_half_finished_is_redone(self):
        """what a killed lab left is removed and redone, not trusted"""
        left = self.root / f"a-{digest(1)}.partial.999999"
        left.mkdir()
        (left / "content").write_text("half")
        entry = self.cache.step("a", 1, self.build)
        self.assertEqual((entry / "content").read_text(), "1")
        self.assertFalse(left.exists())

    def test_no_space_is_one_sentence(self):
        """a step that needs more room than there is says so before it starts"""
        with self.assertRaisesRegex(LabError, "needs .* MiB .* are free"):
            self.cache.step("a", 1, self.build, need_mib=1 << 40)
        self.assertEqual(self.builds, 0)

    def test_clean_keeps_what_is_new(self):
        """clean removes left-overs and entries that were not used for a week"""
        self.cache.step("new", 1, self.build)
        self.cache.step("old", 1, self.build)
        (self.root / "gone-0123456789abcdef.partial.1").mkdir()
        week_ago = time.time() - cache_module.KEEP_SECONDS - 60
        os.utime(self.root / "locks" / f"old-{digest(1)}", (week_ago, week_ago))
        self.cache.close()
        removed = Cache(self.root).clean()
        self.assertIn("gone-0123456789abcdef.partial.1", removed)
        self.assertIn(f"old-{digest(1)}", removed)
        self.assertFalse(any(name.startswith("new-") for name in removed))

    def test_clean_of_one_kind(self):
        """clean can be told what to look at, and how long things may lie unused"""
        self.cache.step("snapshot-a", 1, self.build)
        self.cache.step("tools", 1, self.build)
        self.cache.close()
        removed = Cache(self.root).clean(prefix="snapshot-", keep=-1)
        self.assertEqual(removed, [f"snapshot-a-{digest(1)}"])

    def test_clean_all_keeps_what_is_in_use(self):
        """clean --all does not pull an entry from under another lab"""
        context = multiprocessing.get_context("fork")
        ready, done = context.Event(), context.Event()
        other = context.Process(target=_hold, args=(self.root, ready, done))
        other.start()
        try:
            self.assertTrue(ready.wait(30))
            self.assertEqual(Cache(self.root).clean(everything=True), [])
            self.assertTrue((self.root / f"held-{digest(1)}" / "x").exists())
        finally:
            done.set()
            other.join()
        self.assertEqual(len(Cache(self.root).clean(everything=True)), 1)

    def test_two_labs_build_one_entry_once(self):
        """two labs that want the same entry: one builds, the other waits for it"""
        context = multiprocessing.get_context("fork")
        count = context.Value("i", 0)

        def build(entry: Path) -> None:
            with count.get_lock():
                count.value += 1
            time.sleep(0.3)
            (entry / "content").touch()

        labs = [context.Process(target=lambda: Cache(self.root).step("a", 1, build))
                for _ in range(3)]
        for lab in labs:
            lab.start()
        for lab in labs:
            lab.join()
        self.assertEqual([lab.exitcode for lab in labs], [0, 0, 0])
        self.assertEqual(count.value, 1)

    def test_tree_digest_sees_names_modes_and_content(self):
        """the hash of a tree changes with content, name and executable bit"""
        top = self.root / "tree"
        top.mkdir()
        file = top / "a"
        seen = set()
        file.write_text("x")
        seen.add(tree_digest(top))
        file.chmod(0o755)
        seen.add(tree_digest(top))
        file.write_text("y")
        seen.add(tree_digest(top))
        file.rename(top / "b")
        seen.add(tree_digest(top))
        self.assertEqual(len(seen), 4)


if __name__ == "__main__":
    unittest.main()
