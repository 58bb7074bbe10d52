# SPDX-License-Identifier: LGPL-2.1-or-later
"""JSON of the client held against data/schema by python3-jsonschema, in the checks root."""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Sequence

from . import chroot, roots
from .assets import Assets
from .errors import LabError
from .project import checkout
from .results import Results
from .selection import selected

SUITE = "schema"
SAMPLES = "cli-samples"
CHECKER = Path(__file__).with_name("checkschema.py")

# Must not pass, or nothing would.
WRONG = (
    ("count", "{}"), ("count", '{"count": -1}'), ("count", '{"count": 1, "more": 1}'),
    ("list", '[{"memdev": "mem0"}, {"node": 1}]'), ("operations", "[{}]"), ("show", "[]"),
)


@dataclass(frozen=True)
class Document:
    """A JSON text, and the schema it is to follow."""
    schema: str
    name: str
    text: str


def directory() -> Path:
    """Where the schemas are."""
    return checkout() / "data/schema"


def names() -> list[str]:
    """All schemas, without the ending."""
    return sorted(path.stem for path in directory().glob("*.json"))


def problems(assets: Assets, documents: Sequence[Document]) -> dict[str, str]:
    """What is wrong with the documents, by name; those that are as they should be are left out.

    So is a schema that is none, or that lets a key pass which it does not know.
    """
    root = roots.checks_root(assets.cache, assets.apt)
    with tempfile.TemporaryDirectory(prefix="cxlmem-schema-") as place:
        Path(place, "documents").write_text(
            json.dumps([[d.schema, d.name, d.text] for d in documents]), encoding="utf-8")
        text = chroot.check(root, ["python3", f"/build/{CHECKER.name}", "/src", "/in/documents"],
                            binds={"/src": (directory(), False), "/in": (Path(place), False),
                                   "/build": (CHECKER.parent, False)})
    return json.loads(text)


def check(assets: Assets, documents: Sequence[Document]) -> None:
    """Raise when a document is not as its schema says."""
    found = problems(assets, documents)
    assert not found, "\n".join(f"{name}: {story}" for name, story in sorted(found.items()))


def _samples(assets: Assets, log: Path) -> list[Document]:
    """What the program of that name has written."""
    records, text = assets.project.test("plain", [SAMPLES], log)
    if not records or records[0]["result"] != "OK":
        raise LabError(f"{SAMPLES} failed:\n{text[-3000:]}")
    place = assets.project.area / "build/plain/tests/unit-cli/samples"
    result = []
    for path in sorted(place.glob("*.json")):
        schema, name = path.stem.split("@")
        result.append(Document(schema, f"{schema}/{name}", path.read_text(encoding="utf-8")))
    return result


def run(assets: Assets, patterns: Sequence[str], results: Results) -> None:
    """Each schema is a test: it is one, it is strict, and what the client prints follows it."""
    wanted = [name for name in names() if selected(f"{SUITE}/{name}", patterns)]
    if not wanted:
        return
    start = time.monotonic()
    wrong = [Document(schema, f"wrong {number}", text)
             for number, (schema, text) in enumerate(WRONG)]
    documents = [document for document in _samples(assets, results.place(SUITE) / "meson.log")
                 if document.schema in wanted or document.schema not in names()]
    found = problems(assets, [*documents, *wrong])
    for document in wrong:
        if document.name not in found:
            results.add(f"{SUITE}/refused", "FAIL", 0,
                        f"{document.text} passes as {document.schema}")
    # Each took its part of it.
    seconds = (time.monotonic() - start) / len(wanted)
    for name in wanted:
        stories = [f"{key}: {story}" for key, story in sorted(found.items())
                   if key.split("/")[0] == name]
        if not any(document.schema == name for document in documents) and name != "event":
            stories.append("no sample follows it: tests/unit-cli/samples.c writes them")
        results.add(f"{SUITE}/{name}", "FAIL" if stories else "PASS", seconds, "\n".join(stories))
    strays = sorted({document.schema for document in documents} - set(names()))
    if strays:
        results.add(f"{SUITE}/missing", "FAIL", 0, f"there is no schema {' or '.join(strays)}")
