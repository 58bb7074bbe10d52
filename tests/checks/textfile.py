# SPDX-License-Identifier: LGPL-2.1-or-later
"""node_exporter reads our file: textfile.py PROGRAM DIRECTORY, with one *.prom in DIRECTORY.

Run in the checks root by tests/lab/checks.py.
"""

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families


def fetch(port: int, patience: float = 60) -> str:
    """What it exports, as soon as it answers."""
    end = time.monotonic() + patience
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
                return answer.read().decode()
        except (OSError, urllib.error.URLError):
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def labels(sample) -> tuple:
    """A bucket's end is a number, however it is written: 1.0 or 1."""
    return tuple(sorted((name, float(value) if name == "le" else value)
                        for name, value in sample.labels.items()))


def parse(text: str) -> dict:
    """Samples of ours, with the type of their family."""
    return {(sample.name, labels(sample)): (sample.value, family.type)
            for family in text_string_to_metric_families(text) for sample in family.samples
            if sample.name.startswith("cxlmem_")}


def main() -> None:
    """Start it, ask it, compare."""
    program, directory = sys.argv[1:]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    exporter = subprocess.Popen(
        [program, "--collector.disable-defaults", "--collector.textfile",
         f"--collector.textfile.directory={directory}", f"--web.listen-address=127.0.0.1:{port}"],
        stderr=subprocess.PIPE, text=True)
    try:
        text = fetch(port)
    finally:
        exporter.terminate()
        _, said = exporter.communicate()
    assert "node_textfile_scrape_error 0" in text, said
    [path] = Path(directory).glob("*.prom")
    ours, theirs = parse(path.read_text(encoding="utf-8")), parse(text)
    assert ours == theirs, f"it exports something else: {set(ours.items()) ^ set(theirs.items())}"
    print(f"{len(theirs)} samples")


main()
