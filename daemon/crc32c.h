/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_CRC32C_H
#define CXLMEM_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/**
 * crc32c - the checksum of iSCSI (RFC 3720, B.4) and ext4 over some bytes
 * @before: that of the bytes before them, 0 = there are none
 *
 * Return: the checksum.
 */
uint32_t crc32c(uint32_t before, const void *bytes, size_t n);

#endif
