# SPDX-License-Identifier: LGPL-2.1-or-later
"""Finding guest tests, and what becomes of their outcomes; with a guest that is none."""

import contextlib
import io
import tempfile
import unittest
from pathlib import Path

from lab.cache import Cache
from lab.guest import Options
from lab.guesttests import Case, Group, GroupRun, discover
from lab.results import Results
from lab.testing import expect_kernel_log, fresh, skip, timeout

FILE = '''
from lab.testing import only
KERNELS = ("debian-6.12", "debian-7.3")
TOPOLOGIES = ("one", "slots")
SUITE = "long"
ALWAYS = ("debian-7.3",)
BUILD = "asan"

def helper(guest):
    pass

def test_a(guest):
    """does a thing

    and more"""

@only(kernels=("debian-7.3",), topologies=("slots",))
def test_b(guest):
    pass
'''


class FakeGuest:
    """Counts guests; a test writes what it likes to the console."""

    made: list["FakeGuest"] = []

    def __init__(self, _assets, _options, keep=None):
        self.text = "boot\n"
        self.on = True
        self.keep = keep
        FakeGuest.made.append(self)

    def console(self):
        return self.text

    def alive(self):
        return self.on

    def switch_off(self):
        self.on = False

    def close(self):
        self.on = False

    def take_transcript(self):
        return "$ true\n"

    def service_journal(self, _lines):
        return "journal"


class DiscoverTest(unittest.TestCase):
    def test_matrix(self):
        """a file is a group for each kernel and topology, with the tests that are for it"""
        with tempfile.TemporaryDirectory() as name:
            Path(name, "test_sample.py").write_text(FILE)
            Path(name, "helper.py").write_text("raise SystemExit\n")
            groups = discover(Path(name))
        self.assertEqual([group.name for group in groups],
                         ["long/sample/debian-6.12/one", "long/sample/debian-7.3/one",
                          "long/sample/debian-6.12/slots", "long/sample/debian-7.3/slots"])
        self.assertEqual([len(group.cases) for group in groups], [1, 1, 1, 2])
        self.assertEqual([group.always for group in groups], [False, True, False, True])
        self.assertEqual(groups[0].options.build, "asan")
        self.assertEqual(groups[0].cases[0].about, "does a thing")
        self.assertEqual(groups[3].cases[1].name, "long/sample/debian-7.3/slots/test_b")


class GroupTest(unittest.TestCase):
    def setUp(self):
        FakeGuest.made = []

    def outcomes(self, *functions):
        """Run functions as one group; returns their results."""
        cases = tuple(Case(f"guest/x/k/t/{function.__name__}", function)
                      for function in functions)
        group = Group("guest/x/k/t", "guest", Options("debian-7.3", "t"), cases)
        with tempfile.TemporaryDirectory() as name, contextlib.redirect_stdout(io.StringIO()):
            results = Results(Cache(Path(name)))
            GroupRun(None, group, results, make=FakeGuest).run()
        self.summary = results.summary()
        return results.results

    def test_all_share_a_guest(self):
        """tests that pass share one guest"""
        results = self.outcomes(lambda guest: None, lambda guest: None)
        self.assertEqual([result.outcome for result in results], ["PASS", "PASS"])
        self.assertEqual(len(FakeGuest.made), 1)
        self.assertEqual(self.summary, "2 passed, 0 failed, 0 skipped")

    def test_failure_gets_the_rest_a_new_guest(self):
        """after a failure the others go on, with another guest"""
        def bad(guest):
            assert guest.text == "other"

        results = self.outcomes(bad, lambda guest: None)
        self.assertEqual([result.outcome for result in results], ["FAIL", "PASS"])
        self.assertIn("AssertionError", results[0].text)
        self.assertIn("journal", results[0].text)
        self.assertEqual(len(FakeGuest.made), 2)

    def test_skip_names_its_reason(self):
        """a skipped test is counted as that, with its reason"""
        results = self.outcomes(lambda guest: skip("no such thing here"))
        self.assertEqual((results[0].outcome, results[0].text), ("SKIP", "no such thing here"))

    def test_kernel_complaint_is_a_failure(self):
        """a test that passes fails when the kernel complained, unless it said so before"""
        def complain(guest):
            guest.text += "[ 1.0] WARNING: CPU: 0 PID: 1 at mm/x.c:1 y\n"

        def mean(guest):
            guest.text += "[ 1.0] WARNING: CPU: 0 PID: 1 at mm/x.c:1 y\n"

        results = self.outcomes(complain, expect_kernel_log("mm/x.c")(mean))
        self.assertEqual([result.outcome for result in results], ["FAIL", "PASS"])
        self.assertIn("mm/x.c", results[0].text)

    def test_fresh(self):
        """a test that wants a guest of its own shares it with none"""
        self.outcomes(lambda guest: None, fresh(lambda guest: None), lambda guest: None)
        self.assertEqual(len(FakeGuest.made), 3)

    def test_timeout(self):
        """a test that takes too long has its guest switched off, and fails"""
        def slow(guest):
            while guest.on:
                pass

        results = self.outcomes(timeout(0.1)(slow), lambda guest: None)
        self.assertEqual([result.outcome for result in results], ["FAIL", "PASS"])
        self.assertIn("switched off after 0.1 s", results[0].text)

    def test_dead_guest_is_replaced(self):
        """a test may leave its guest off; the next one gets another"""
        def switch_off(guest):
            guest.on = False

        results = self.outcomes(switch_off, lambda guest: None)
        self.assertEqual([result.outcome for result in results], ["PASS", "PASS"])
        self.assertEqual(len(FakeGuest.made), 2)


if __name__ == "__main__":
    unittest.main()
