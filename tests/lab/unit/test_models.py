# SPDX-License-Identifier: LGPL-2.1-or-later
"""Models: how their runs are named, and what their checker's output means."""

import tempfile
import unittest
from pathlib import Path

from lab import models
from lab.errors import LabError

GOOD = "State-vector 84 byte, depth reached 183, errors: 0\n"
BAD = "pan:1: assertion violated x (at depth 70)\nWarning: Search not completed\n" \
      "State-vector 84 byte, depth reached 153, errors: 1\n"


def parse(text: str) -> list:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "m.pml")
        path.write_text(text, encoding="utf-8")
        return models.parse(path)


class Runs(unittest.TestCase):
    def test_lines(self) -> None:
        """@holds and @fails become runs."""
        good, bad = parse("/*\n * @holds one-two: A=1 B\n * @fails three: C\n */\n")
        self.assertEqual((good.full_name, good.holds, good.macros), ("model/m/one-two", True,
                                                                     ("A=1", "B")))
        self.assertEqual((bad.name, bad.holds), ("three", False))

    def test_misspelt(self) -> None:
        """A line that cannot be read is not left out silently."""
        with self.assertRaises(LabError):
            parse("/*\n * @holds one: A=1\n * @fails two A\n */\n")
        with self.assertRaises(LabError):
            parse("/* nothing */\n")

    def test_verdict(self) -> None:
        """An error is wanted in some, not in others; a search that stops early is none."""
        good, bad = parse("/*\n * @holds one: A\n * @fails two: A\n */\n")
        self.assertEqual(models.verdict(good, GOOD), "")
        self.assertEqual(models.verdict(bad, BAD), "")
        self.assertIn("found an error", models.verdict(good, BAD))
        self.assertIn("nothing wrong", models.verdict(bad, GOOD))
        self.assertIn("end", models.verdict(good, ""))
        self.assertIn("end", models.verdict(good, f"error: max search depth too small\n{GOOD}"))
        self.assertIn("everything", models.verdict(good, f"Warning: Search not completed\n{GOOD}"))
