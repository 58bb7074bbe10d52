# SPDX-License-Identifier: LGPL-2.1-or-later
"""The topologies make sense before any of them is booted."""

import unittest

from lab import qemu
from lab.topologies import TOPOLOGIES

NAMES = {"one", "two-ports", "two-bridges", "switch2", "switch4", "slots", "big", "hmat"}


class TopologyTest(unittest.TestCase):
    def test_names(self):
        """those that tests and people know are there, under their names"""
        self.assertEqual(set(TOPOLOGIES), NAMES)
        for name, topology in TOPOLOGIES.items():
            self.assertEqual(name, topology.name)

    def test_references(self):
        """cards, switches and windows name ports and bridges that exist, each once"""
        for topology in TOPOLOGIES.values():
            ports = list(topology.root_ports())
            for switch in topology.switches:
                self.assertIn(switch.port, topology.root_ports())
                ports += switch.ports()
            self.assertEqual(len(ports), len(set(ports)))
            used = [card.port for card in topology.cards] + [s.port for s in topology.switches]
            self.assertEqual(len(used), len(set(used)), topology.name)
            self.assertLessEqual(set(used), set(ports))
            bridges = {bridge.name for bridge in topology.bridges}
            for window in topology.windows:
                self.assertLessEqual(set(window.bridges), bridges)

    def test_serials_are_distinct(self):
        """no two cards of a machine have the same serial number, and none has 0"""
        for topology in TOPOLOGIES.values():
            serials = [card.serial for card in topology.cards]
            self.assertEqual(len(serials), len(set(serials)))
            self.assertNotIn(0, serials)

    def test_sizes(self):
        """sizes are multiples of 256 MiB and the windows fit under maxmem's ceiling"""
        for topology in TOPOLOGIES.values():
            for part in (*topology.cards, *topology.windows):
                self.assertEqual(part.mib % 256, 0)
            for window in topology.windows:
                room = sum(card.mib for card in topology.cards)
                self.assertTrue(not topology.cards or window.mib >= room)

    def test_windows_are_one_option(self):
        """QEMU takes the windows from one -M option only"""
        for topology in TOPOLOGIES.values():
            arguments = qemu.topology_arguments(topology, list(topology.cards))
            machines = [value for flag, value in zip(arguments, arguments[1:]) if flag == "-M"]
            self.assertEqual(len(machines), 1)
            self.assertEqual(machines[0].count(".size="), len(topology.windows))

    def test_slots_of_ports_are_distinct(self):
        """no two ports of a chassis have the same slot number"""
        for topology in TOPOLOGIES.values():
            arguments = qemu.topology_arguments(topology, [])
            slots = [part for value in arguments for part in value.split(",")
                     if part.startswith("slot=")]
            self.assertEqual(len(slots), len(set(slots)))


if __name__ == "__main__":
    unittest.main()
