# SPDX-License-Identifier: LGPL-2.1-or-later
"""The machines a guest can be, each described in this one place.

A host bridge with a single root port has no decoders of its own (it passes everything through,
one region only) unless `decoders` is set. `one` is such a plain bridge, as many real machines
have it. Bridges above a switch have decoders, or their cards could not be in several regions at
once; those of `two-bridges` have them, so that a card may serve its own window and the one
across both at the same time.

Sizes are in MiB and multiples of 256: the kernel shows no memdev for others. A window is larger
than its cards, so that it can be shown what is left and what does not fit.
"""

from __future__ import annotations

from dataclasses import dataclass

CARD_MIB = 512
WINDOW_MIB = 4096


@dataclass(frozen=True)
class Card:
    """A CXL type 3 device with volatile memory."""
    name: str
    port: str
    serial: int
    mib: int = CARD_MIB


@dataclass(frozen=True)
class Switch:
    """An upstream port on root port `port`, and downstream ports NAME-0, NAME-1, ..."""
    name: str
    port: str
    downstream: int

    def ports(self) -> tuple[str, ...]:
        """Names of the downstream ports."""
        return tuple(f"{self.name}-{number}" for number in range(self.downstream))


@dataclass(frozen=True)
class Speed:
    """Latency in ns, bandwidth in MiB/s."""
    read_latency: int
    write_latency: int
    read_bandwidth: int
    write_bandwidth: int


@dataclass(frozen=True)
class Bridge:
    """A CXL host bridge with its root ports.

    With `speed`, firmware tells how fast the processors reach it (in HMAT, as a generic port).
    """
    name: str
    bus: int
    ports: tuple[str, ...]
    decoders: bool = False
    speed: Speed | None = None


@dataclass(frozen=True)
class Window:
    """A fixed memory window over one or more bridges."""
    bridges: tuple[str, ...]
    mib: int = WINDOW_MIB
    granularity: str = ""


@dataclass(frozen=True)
class Topology:
    """A whole machine."""
    name: str
    about: str
    bridges: tuple[Bridge, ...]
    windows: tuple[Window, ...]
    cards: tuple[Card, ...] = ()
    switches: tuple[Switch, ...] = ()

    def root_ports(self) -> tuple[str, ...]:
        """Names of all root ports; only these can be plugged and unplugged at run time."""
        return tuple(port for bridge in self.bridges for port in bridge.ports)

    def free_ports(self) -> tuple[str, ...]:
        """Root ports with nothing on them at the start."""
        taken = {card.port for card in self.cards} | {switch.port for switch in self.switches}
        return tuple(port for port in self.root_ports() if port not in taken)


def _cards(*ports: str) -> tuple[Card, ...]:
    """One card on each port, with serials 0x1001, 0x1002, ..."""
    return tuple(Card(f"card{number}", port, 0x1001 + number)
                 for number, port in enumerate(ports))


_US0_2 = Switch("us0", "rp0", 2)
_US0_4 = Switch("us0", "rp0", 4)
_US1_4 = Switch("us1", "rp1", 4)

TOPOLOGIES = {topology.name: topology for topology in (
    Topology(
        "one", "one card on a bridge without decoders of its own",
        bridges=(Bridge("cxl.0", 12, ("rp0",)),),
        windows=(Window(("cxl.0",)),),
        cards=_cards("rp0")),
    Topology(
        "two-ports", "two cards on one bridge, one window",
        bridges=(Bridge("cxl.0", 12, ("rp0", "rp1")),),
        windows=(Window(("cxl.0",)),),
        cards=_cards("rp0", "rp1")),
    Topology(
        "two-bridges", "a card on each of two bridges; a window for each, and an x2 across",
        bridges=(Bridge("cxl.0", 12, ("rp0",), decoders=True),
                 Bridge("cxl.1", 222, ("rp1",), decoders=True)),
        windows=(Window(("cxl.0",)), Window(("cxl.1",)),
                 Window(("cxl.0", "cxl.1"), granularity="1k")),
        cards=_cards("rp0", "rp1")),
    Topology(
        "switch2", "two cards behind a switch",
        bridges=(Bridge("cxl.0", 12, ("rp0",), decoders=True),),
        windows=(Window(("cxl.0",)),),
        switches=(_US0_2,), cards=_cards(*_US0_2.ports())),
    Topology(
        "switch4", "four cards behind a switch",
        bridges=(Bridge("cxl.0", 12, ("rp0",), decoders=True),),
        windows=(Window(("cxl.0",)),),
        switches=(_US0_4,), cards=_cards(*_US0_4.ports())),
    Topology(
        "slots", "one bridge with four empty hot-plug ports rp0 to rp3 and a 16 GiB window",
        bridges=(Bridge("cxl.0", 12, ("rp0", "rp1", "rp2", "rp3")),),
        windows=(Window(("cxl.0",), mib=16384),)),
    Topology(
        "big", "eight cards, four behind a switch on each of two bridges; windows as two-bridges",
        bridges=(Bridge("cxl.0", 12, ("rp0",), decoders=True),
                 Bridge("cxl.1", 222, ("rp1",), decoders=True)),
        windows=(Window(("cxl.0",)), Window(("cxl.1",)),
                 Window(("cxl.0", "cxl.1"), mib=8192, granularity="1k")),
        switches=(_US0_4, _US1_4), cards=_cards(*_US0_4.ports(), *_US1_4.ports())),
    Topology(
        "hmat", "as two-bridges; firmware tells how fast the first bridge is, not the second",
        bridges=(Bridge("cxl.0", 12, ("rp0",), decoders=True, speed=Speed(110, 130, 12288, 6144)),
                 Bridge("cxl.1", 222, ("rp1",), decoders=True)),
        windows=(Window(("cxl.0",)), Window(("cxl.1",)),
                 Window(("cxl.0", "cxl.1"), granularity="1k")),
        cards=_cards("rp0", "rp1")),
)}
DEFAULT = "two-bridges"
