// SPDX-License-Identifier: LGPL-2.1-or-later
#include "crc32c.h"

uint32_t crc32c(uint32_t before, const void *bytes, size_t n)
{
	/* The polynomial 0x82f63b78 (reversed), four bits at a time. */
	static const uint32_t table[16] = {
		0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
		0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
		0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
	};
	const uint8_t *p = bytes;
	uint32_t crc = ~before;

	while (n-- > 0) {
		crc ^= *p++;
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return ~crc;
}
