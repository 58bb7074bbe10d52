# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reading the host's apt sources."""

import tempfile
import unittest
from pathlib import Path

from lab.apt import find_mirror, host_sources, parse_deb822, parse_one_line
from lab.errors import LabError

ONE_LINE = """\
# a comment
deb http://mirror.example/debian bookworm main contrib # trailing
deb-src http://mirror.example/debian bookworm main
deb [signed-by=/k.gpg check-valid-until=no] http://mirror.example/debian/ bookworm-updates main
deb http://sec.example/debian-security bookworm-security main
deb http://other.example/thing ./
nonsense
"""

DEB822 = """\
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: trixie trixie-updates
# a comment in a stanza
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Enabled: no
Types: deb
URIs: http://disabled.example/debian
Suites: trixie
Components: main

Types: deb
URIs: http://sec.example/debian-security
Suites: trixie-security
Components: main
 contrib
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc
"""


class AptTest(unittest.TestCase):
    def test_one_line(self):
        """one-line sources: options, comments, source packages and flat archives"""
        sources = list(parse_one_line(ONE_LINE))
        self.assertEqual([s.uri for s in sources],
                         ["http://mirror.example/debian", "http://mirror.example/debian",
                          "http://sec.example/debian-security", "http://other.example/thing"])
        self.assertEqual(sources[0].components, ("main", "contrib"))
        self.assertEqual(sources[1].signed_by, "/k.gpg")

    def test_deb822(self):
        """deb822 sources: several suites, disabled stanzas, embedded keys"""
        sources = list(parse_deb822(DEB822))
        self.assertEqual([s.uri for s in sources],
                         ["http://mirror.example/debian", "http://sec.example/debian-security"])
        self.assertEqual(sources[0].suites, ("trixie", "trixie-updates"))
        self.assertEqual(sources[1].components, ("main", "contrib"))
        self.assertIsNone(sources[1].signed_by)

    def test_mirror_of_another_release(self):
        """suites of trixie are derived from a host that runs another release"""
        mirror = find_mirror(parse_one_line(ONE_LINE), keyring="/key")
        lines = mirror.lines(["trixie", "trixie-security"])
        self.assertEqual(lines[0], "deb [signed-by=/key] http://mirror.example/debian trixie main")
        self.assertIn("http://sec.example/debian-security trixie-security main", lines[1])

    def test_without_security_archive(self):
        """a mirror without a security archive is used without it"""
        mirror = find_mirror(parse_one_line("deb http://m/debian sid main"), keyring="/key")
        self.assertEqual(len(mirror.lines(["trixie", "trixie-security"])), 1)

    def test_options_are_kept(self):
        """a source's leave to be out of date is passed on"""
        text = "deb [check-valid-until=no] http://m/debian trixie main"
        mirror = find_mirror(parse_one_line(text), keyring="/key")
        self.assertIn("check-valid-until=no", mirror.lines(["trixie"])[0])

    def test_no_debian_source(self):
        """a host without a Debian source is told what is missing"""
        with self.assertRaisesRegex(LabError, "no source of Debian"):
            find_mirror(parse_one_line("deb http://ppa.example/x noble main"))

    def test_files(self):
        """both kinds of files are found, others are left alone"""
        with tempfile.TemporaryDirectory() as name:
            etc = Path(name)
            (etc / "sources.list.d").mkdir()
            (etc / "sources.list").write_text("deb http://a/debian trixie main\n")
            etc.joinpath("sources.list.d/x.list").write_text("deb http://b/debian sid main\n")
            etc.joinpath("sources.list.d/x.sources").write_text(DEB822)
            etc.joinpath("sources.list.d/x.list.disabled").write_text("deb http://c/ sid main\n")
            hosts = {source.uri.split("/")[2] for source in host_sources(etc)}
        # sources.list itself has no suffix that says which format it is in
        self.assertEqual(hosts, {"a", "b", "mirror.example", "sec.example"})


if __name__ == "__main__":
    unittest.main()
