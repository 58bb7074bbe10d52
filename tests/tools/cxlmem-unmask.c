// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Clears the masks of a CXL card's RAS capability, so that it reports all protocol errors: cxlmem-unmask RESOURCE0
 *
 * RESOURCE0 is the file of BAR 0 below /sys/bus/pci/devices, where QEMU's cards have their component registers; a
 * driver must not have the card meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* CXL 3.1: 8.2.3 (CXL.cachemem registers), 8.2.4 (capability header array), 8.2.4.17 (RAS capability) */
#define CACHEMEM 0x1000
#define SIZE 0x2000
#define ID_RAS 2
#define UNCORRECTABLE_MASK 0x4
#define CORRECTABLE_MASK 0x10

static int unmask(volatile uint32_t *registers)
{
	volatile uint32_t *headers = registers + CACHEMEM / 4;

	for (uint32_t i = 1; i <= headers[0] >> 24; i++) {
		volatile uint32_t *ras = headers + (headers[i] >> 20) / 4;

		if ((headers[i] & 0xffff) != ID_RAS)
			continue;
		ras[UNCORRECTABLE_MASK / 4] = 0;
		ras[CORRECTABLE_MASK / 4] = 0;
		return 0;
	}
	return -ENODEV;
}

int main(int argc, char **argv)
{
	int fd = argc == 2 ? open(argv[1], O_RDWR | O_CLOEXEC | O_SYNC) : -1, r;
	void *registers;

	if (argc != 2) {
		fprintf(stderr, "usage: %s RESOURCE0\n", argv[0]);
		return 2;
	}
	registers = fd < 0 ? MAP_FAILED : mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	r = registers == MAP_FAILED ? -errno : unmask(registers);
	if (r < 0)
		fprintf(stderr, "%s: %s: %s\n", argv[0], argv[1], strerror(-r));
	return r < 0;
}
