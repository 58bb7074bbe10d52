# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is wrong with our metrics, by the reference parsers: openmetrics.py OPENMETRICS PROMETHEUS [names], two files.

With "names" they are of two moments, and their numbers may differ.
Run in the checks root by tests/lab/checks.py.
"""

import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open
from prometheus_client.parser import text_string_to_metric_families as parse_older

# A label whose values are not hardware's has few.
WORDS_MAX = 16
HARDWARE = {"memdev", "host", "serial", "window", "region", "chardev", "node"}


def check_family(family) -> None:
    """Names, units and help as https://prometheus.io/docs/practices/naming has it."""
    assert family.name.startswith("cxlmem_"), family.name
    assert family.documentation and family.documentation.endswith("."), family.name
    for unit in ("bytes", "seconds", "celsius", "ratio"):
        named = family.name.endswith("_" + unit)
        assert named == (family.unit == unit), f"{family.name} and its unit {family.unit!r}"
    values: dict[str, set[str]] = {}
    for sample in family.samples:
        assert sample.timestamp is None, "node_exporter takes no timestamps"
        for name, value in sample.labels.items():
            values.setdefault(name, set()).add(value)
    for name, words in values.items():
        assert name in HARDWARE or len(words) <= WORDS_MAX, f"{family.name}: {name} has {words}"


def samples(families) -> dict:
    """All samples by name and labels; none is there twice."""
    result = {}
    for family in families:
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in result, f"{key} is there twice"
            result[key] = (sample.value, family.type)
    return result


def main() -> None:
    """Parse both and compare them."""
    with open(sys.argv[1], encoding="utf-8") as file:
        families = list(parse_open(file.read()))
    names = [family.name for family in families]
    assert len(names) == len(set(names)), "a family is there twice"
    for family in families:
        check_family(family)
    with open(sys.argv[2], encoding="utf-8") as file:
        older = list(parse_older(file.read()))
    ours, theirs = samples(families), samples(older)
    if sys.argv[3:] == ["names"]:
        ours, theirs = ({key: (0, kind) for key, (_, kind) in each.items()} for each in (ours, theirs))
    assert ours == theirs, f"the two formats differ: {set(ours.items()) ^ set(theirs.items())}"
    assert not any(kind == "unknown" for _, kind in theirs.values()), theirs
    print(f"{len(families)} families, {len(ours)} samples")


main()
