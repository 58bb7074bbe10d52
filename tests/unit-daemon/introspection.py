# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the daemon says of its interfaces is what is documented: introspection.py PROGRAM XML."""

import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

Member = tuple[str, str, str]


def describe(element: ElementTree.Element) -> str:
    """All of a member but its place: arguments, type, access, annotations."""
    parts = [f"{key}={value}" for key, value in sorted(element.attrib.items()) if key != "name"]
    for child in element:
        if child.tag is ElementTree.Comment:
            continue
        attributes = dict(child.attrib)
        if child.tag == "arg" and element.tag == "signal":
            attributes.pop("direction", None)
        parts.append(f"{child.tag}({', '.join(f'{k}={v}' for k, v in sorted(attributes.items()))})")
    return " ".join(parts)


def members(text: str) -> dict[Member, str]:
    """(interface, kind, name) and what it is, of our interfaces."""
    result = {}
    for interface in ElementTree.fromstring(text).iter("interface"):
        name = interface.get("name", "")
        if not name.startswith("org.cxlmem1."):
            continue
        for member in interface:
            if member.tag in ("method", "signal", "property"):
                key = (name, member.tag, member.get("name", ""))
                assert key not in result, f"{key} is there twice"
                result[key] = describe(member)
    return result


def main() -> None:
    """Compare both."""
    program, source = sys.argv[1:]
    text = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    live: dict[Member, str] = {}
    for document in re.split(r"(?=<!DOCTYPE)", text):
        if document.strip():
            live |= members(document)
    with open(source, encoding="utf-8") as file:
        documented = members(file.read())
    assert {name for name, _, _ in live} == {"org.cxlmem1.Manager", "org.cxlmem1.Operation"}, live
    problems = []
    for key in sorted(live.keys() | documented.keys()):
        if live.get(key) != documented.get(key):
            problems.append(f"{key}:\n  the daemon says {live.get(key)}\n"
                            f"  {source} says {documented.get(key)}")
    if problems:
        sys.exit("\n".join(problems))
    print(f"{len(live)} members")


main()
