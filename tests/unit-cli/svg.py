# SPDX-License-Identifier: LGPL-2.1-or-later
"""`topology --svg`: XML, all that the text has, no box over another: svg.py CXLMEMCTL"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path

PROGRAM = Path(sys.argv[1]).resolve()
SVG = "{http://www.w3.org/2000/svg}"
GIB = 1 << 30


def machine(cards: int) -> dict:
    """Windows over a bridge each, with cards whose firmware and slots have every sign XML minds."""
    ports = [{"port": "root0", "kind": "root", "depth": 0}]
    windows, memdevs = [], []
    for i in range(cards):
        bridge = f"port{i + 1}"
        ports.append({"port": bridge, "kind": "host-bridge", "host": f"pci0000:{i:02x}",
                      "parent": "root0", "depth": 1})
        windows.append({"decoder": f"decoder0.{i}", "resource": (i + 1) * 4 * GIB, "size": GIB,
                        "targets": [{"target": f"pci0000:{i:02x}", "port": bridge}]})
        memdevs.append({"memdev": f"mem{i}", "serial": i, "host": f"<&\"'>{i}", "ram_size": GIB})
    return {"ports": ports, "windows": windows, "memdevs": memdevs}


class Svg(unittest.TestCase):
    """The picture as a program reads it."""

    def setUp(self) -> None:
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)

    def run_ctl(self, picture: dict, *words: str) -> str:
        path = Path(self.directory.name, "machine.json")
        path.write_text(json.dumps(picture), encoding="utf-8")
        done = subprocess.run([PROGRAM, "--from", path, "topology", *words], capture_output=True,
                              text=True, check=True)
        self.assertEqual(done.stderr, "")
        return done.stdout

    def boxes(self, root: ElementTree.Element) -> list[tuple[int, int, int, int]]:
        return [tuple(int(box.get(key)) for key in ("x", "y", "width", "height"))
                for box in root.iter(f"{SVG}rect") if box.get("x")]

    def test_picture(self) -> None:
        for cards in (0, 1, 3, 64):
            picture = machine(cards)
            text = self.run_ctl(picture, "--svg", "-")
            self.assertEqual(text, self.run_ctl(picture, "--svg", "-"))
            root = ElementTree.fromstring(text)
            width, height = int(root.get("width")), int(root.get("height"))
            boxes = self.boxes(root)
            for number, (x, y, w, h) in enumerate(boxes):
                self.assertTrue(0 <= x and x + w <= width and 0 <= y and y + h <= height)
                for a, b, c, d in boxes[:number]:
                    self.assertFalse(x < a + c and a < x + w and y < b + d and b < y + h)
            # The same lines as the text has, in the same order, each in its box.
            lines = [line.lstrip("│├└─ |`-") for line in self.run_ctl(picture).splitlines()]
            drawn = ["".join(item.itertext()) for item in root.iter(f"{SVG}text")]
            self.assertEqual(drawn, lines)
            self.assertEqual(len(boxes), len(lines))
            for item, (x, y, w, h) in zip(root.iter(f"{SVG}text"), boxes):
                self.assertGreaterEqual(int(item.get("x")), x)
                self.assertLessEqual(int(item.get("x")) + int(item.get("textLength")), x + w)
                self.assertTrue(y < int(item.get("y")) < y + h)

    def test_into_a_file(self) -> None:
        path = Path(self.directory.name, "machine.svg")
        self.assertEqual(self.run_ctl(machine(2), "--svg", str(path)), "")
        self.assertEqual(path.read_text(encoding="utf-8").rstrip("\n"),
                         self.run_ctl(machine(2), "--svg", "-").rstrip("\n"))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
