# SPDX-License-Identifier: LGPL-2.1-or-later
"""Make a manual page of D-Bus introspection data: dbus-page.py XML TEMPLATE.

Each interface becomes a section in place of @MEMBERS@ in the template, each member an entry. The comment in front
of an element is its description; one that has none ends the build.
"""

import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path


def roff(text: str) -> str:
    """A line of text as roff has it; `bold` and page(1) become bold."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    text = re.sub(r"`([^`]+)`", r"\\fB\1\\fR", text)
    text = re.sub(r"\b([a-z][a-z0-9.\\-]*)\((\d)\)", r"\\fB\1\\fR(\2)", text)
    return "\\&" + text if text[:1] in (".", "'") else text


def description(comment: str | None, what: str) -> str:
    """The comment as paragraphs."""
    if not comment:
        sys.exit(f"{what} has no comment that says what it is")
    paragraphs = re.split(r"\n\s*\n", comment.strip())
    return "\n.PP\n".join(roff(" ".join(paragraph.split())) for paragraph in paragraphs)


def children(element: ElementTree.Element):
    """(child, the comment in front of it)."""
    comment = None
    for child in element:
        if child.tag is ElementTree.Comment:
            comment = child.text
        else:
            yield child, comment
            comment = None


def arguments(member: ElementTree.Element, direction: str) -> str:
    """The arguments as "type name, type name"."""
    return ", ".join(f"{arg.get('type')} \\fI{arg.get('name')}\\fR" for arg in member.findall("arg")
                     if arg.get("direction", "out") == direction)


def entry(member: ElementTree.Element, comment: str | None, interface: str) -> str:
    """One member with its signature."""
    name = member.get("name")
    if member.tag == "method":
        result = arguments(member, "out")
        head = f"\\fB{name}\\fR({arguments(member, 'in')})" + (f" \\(-> {result}" if result else "")
    elif member.tag == "signal":
        head = f"signal \\fB{name}\\fR({arguments(member, 'out')})"
    else:
        head = f"property \\fB{name}\\fR: {member.get('type')}"
    return f".TP\n{head}\n{description(comment, f'{interface}.{name}')}\n"


def section(interface: ElementTree.Element, comment: str | None) -> str:
    """One interface."""
    name = interface.get("name")
    text = f".SH INTERFACE {name}\n{description(comment, name)}\n"
    for member, words in children(interface):
        text += entry(member, words, name)
    return text


def main() -> None:
    """Print the page."""
    source, template = map(Path, sys.argv[1:])
    parser = ElementTree.XMLParser(target=ElementTree.TreeBuilder(insert_comments=True))
    root = ElementTree.parse(source, parser).getroot()
    members = "".join(section(interface, comment) for interface, comment in children(root))
    print(template.read_text(encoding="utf-8").replace("@MEMBERS@\n", members), end="")


main()
