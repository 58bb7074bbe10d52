# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs in the checks root: documents against the schemas of a directory; see schemas.py.

Prints an object with a sentence for each document that is wrong.
"""

from __future__ import annotations

import copy
import json
import sys
from pathlib import Path
from typing import Any, Iterator

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from referencing import Registry, Resource

STRANGER = "a_key_that_is_not_there"


def _objects(value: Any) -> Iterator[dict]:
    """All objects in a JSON value."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from _objects(inner)


def _lenient(validator: Draft202012Validator, value: Any) -> str:
    """Where a key that nobody knows would pass; empty if nowhere."""
    for number, _ in enumerate(_objects(value)):
        changed = copy.deepcopy(value)
        list(_objects(changed))[number][STRANGER] = 1
        if validator.is_valid(changed):
            where = json.dumps(list(_objects(value))[number])[:200]
            return f"the schema is not strict: a key more would pass in {where}"
    return ""


def _story(validator: Draft202012Validator, text: str) -> str:
    value = json.loads(text)
    error = best_match(validator.iter_errors(value))
    if error is not None:
        return f"{error.json_path}: {error.message[:600]}"
    return _lenient(validator, value)


def main(directory: Path, documents: Path) -> None:
    """Check them all."""
    schemas = {path.name: json.loads(path.read_text(encoding="utf-8"))
               for path in sorted(directory.glob("*.json"))}
    registry = Registry().with_resources(
        [(name, Resource.from_contents(schema)) for name, schema in schemas.items()])
    found = {}
    for schema, name, text in json.loads(documents.read_text(encoding="utf-8")):
        if f"{schema}.json" not in schemas:
            found[name] = f"there is no schema {schema}"
            continue
        try:
            Draft202012Validator.check_schema(schemas[f"{schema}.json"])
            # Its references are to files beside it: it stands in the registry under its own name.
            validator = Draft202012Validator({"$ref": f"{schema}.json"}, registry=registry)
            story = _story(validator, text)
        except Exception as error:  # pylint: disable=broad-except
            story = f"{type(error).__name__}: {error}"
        if story:
            found[name] = story
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
