# SPDX-License-Identifier: LGPL-2.1-or-later
"""Frames between the lab and its agent."""

import random
import struct
import unittest

from lab import wire
from lab.wire import Decoder, Type, encode


class WireTest(unittest.TestCase):
    def test_round_trip_in_any_pieces(self):
        """frames come out as they went in, however the stream is cut"""
        source = random.Random(1)
        frames = [(Type.STDOUT, number, source.randbytes(source.randrange(0, 3000)))
                  for number in range(50)]
        stream = b"".join(encode(*frame) for frame in frames)
        decoder, got = Decoder(), []
        while stream:
            size = source.randrange(1, 5000)
            got += [tuple(frame) for frame in decoder.feed(stream[:size])]
            stream = stream[size:]
        self.assertEqual(got, [(int(kind), number, data) for kind, number, data in frames])

    def test_rubbish_before_a_frame(self):
        """bytes that are no frame are skipped, half a magic number too"""
        for rubbish in (b"x", b"CML", b"\0" * 100, b"CMLFxxxxxxxxxxxxxxxxxxxx",
                        encode(Type.STDOUT, 1, b"abc")[1:]):
            decoder = Decoder()
            got = list(decoder.feed(rubbish + encode(Type.EXIT, 7, b"12345678")))
            self.assertEqual(got[-1:], [wire.Frame(Type.EXIT, 7, b"12345678")], rubbish)

    def test_absurd_length_is_rubbish(self):
        """a header that promises too much is not waited for"""
        bad = wire.HEADER.pack(wire.MAGIC, Type.STDOUT, 0, 1, wire.PAYLOAD_MAX + 1)
        got = list(Decoder().feed(bad + encode(Type.STDOUT, 2, b"ok")))
        self.assertEqual([frame.payload for frame in got], [b"ok"])

    def test_payload_limit(self):
        """a payload that is too long is refused"""
        with self.assertRaises(ValueError):
            encode(Type.STDIN, 1, b"x" * (wire.PAYLOAD_MAX + 1))

    def test_exec(self):
        """an EXEC frame holds its counts and its strings"""
        data = wire.encode_exec(3, ["sh", "-c", "true"], {"A": "b"}, (24, 80))
        frame, = Decoder().feed(data)
        self.assertEqual(struct.unpack("<IHHII", frame.payload[:16]), (1, 24, 80, 3, 1))
        self.assertEqual(frame.payload[16:], b"sh\0-c\0true\0A=b\0")


if __name__ == "__main__":
    unittest.main()
