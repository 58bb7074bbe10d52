# SPDX-License-Identifier: LGPL-2.1-or-later
"""The network of a guest that has one: QEMU's words for it, and what QEMU says of it."""

import unittest

from lab.errors import GuestError
from lab.network import find_port
from lab.qemu import network_arguments

SAID = """\
Hub -1 (net):
  Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ
  TCP[ESTABLISHED]   41       127.0.0.1 45999       10.0.2.15  9090     0     0
  TCP[HOST_FORWARD]  14       127.0.0.1 40001       10.0.2.15    22     0     0
  TCP[HOST_FORWARD]  13       127.0.0.1 35867       10.0.2.15  9090     0     0
"""


class Network(unittest.TestCase):
    """What one guest in a hundred has."""

    def test_none(self):
        """A guest without ports has no network, and its machine is as it always was."""
        self.assertEqual(network_arguments(()), [])

    def test_nothing_gets_out(self):
        """The guest is closed in, and its ports are open on this machine alone."""
        net = network_arguments((9090, 22))
        self.assertIn("restrict=on", net[1])
        self.assertEqual(net[1].count("hostfwd=tcp:127.0.0.1:0-"), 2)
        self.assertIn("bus=pcie.0", net[3])

    def test_port(self):
        """The port that QEMU chose is found; connections through it are not mistaken for it."""
        asked = []

        def qmp(command, **arguments):
            asked.append((command, arguments))
            return SAID

        self.assertEqual(find_port(qmp, 9090), 35867)
        self.assertEqual(asked, [("human-monitor-command", {"command_line": "info usernet"})])
        with self.assertRaisesRegex(GuestError, "port 443"):
            find_port(qmp, 443)


if __name__ == "__main__":
    unittest.main()
