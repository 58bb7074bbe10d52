# SPDX-License-Identifier: LGPL-2.1-or-later
"""Links between our documents lead somewhere."""

import re
import unittest
from pathlib import Path

from lab.project import checkout

LINK = re.compile(r"\]\(([^)\s]+)\)")


def _documents() -> list[Path]:
    top = checkout()
    return [*top.glob("*.md"), *(path for path in top.glob("*/**/*.md") if ".git" not in path.parts)]


def _prose(text: str) -> str:
    """Without blocks of code, where a bracket is no link."""
    return "\n".join(line for line in text.splitlines() if not line.startswith("    "))


def anchors(text: str) -> set[str]:
    """What the headings of a document are called in links, by GitHub's rule."""
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
            for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}


class Links(unittest.TestCase):
    """Of all documents."""

    def test_rule(self):
        """Quotes, dots and back quotes are left out, a blank is a dash."""
        self.assertEqual(anchors('## "... has `--x`"\n'), {"-has---x"})

    def test_lead_somewhere(self):
        """To a file that is there, and to a heading that it has."""
        documents = _documents()
        self.assertGreater(len(documents), 5)
        for document in documents:
            for link in LINK.findall(_prose(document.read_text(encoding="utf-8"))):
                if "://" in link:
                    continue
                path, _, anchor = link.partition("#")
                target = (document.parent / path).resolve() if path else document
                self.assertTrue(target.exists(), f"{document}: there is no {path}")
                if anchor:
                    self.assertIn(anchor, anchors(target.read_text(encoding="utf-8")), document)
