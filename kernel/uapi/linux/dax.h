/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Device-dax: pages in use and pages held, through /dev/daxX.Y.
 *
 * Offsets are bytes from the beginning of the device. An order says that a
 * folio is 2^order pages of the system's page size.
 *
 * poll() reports EPOLLPRI from the moment that a drain of the device has begun
 * until it is cancelled: a user that can do without the memory lets go of it.
 * EPOLLHUP says that the driver is being unbound.
 */
#ifndef _UAPI_LINUX_DAX_H
#define _UAPI_LINUX_DAX_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * struct dax_folio - argument of DAX_IOC_HOLD and DAX_IOC_RELEASE
 * @offset: where the folio begins, aligned to its size
 * @order: its order
 * @flags: must be 0
 */
struct dax_folio {
	__aligned_u64 offset;
	__u32 order;
	__u32 flags;
};

/* The folio is held through the file descriptor that was asked. */
#define DAX_FOLIO_HELD		(1U << 0)

/**
 * struct dax_folio_info - an active folio
 * @offset: where it begins
 * @order: its order
 * @flags: DAX_FOLIO_*
 * @mapped: by how many page table entries
 * @pinned: for I/O (as with io_uring's fixed buffers, or O_DIRECT)
 * @refs: references that are not pins: one for each mapping, for each hold, and
 *	for each other user (as a pipe that the pages were spliced to)
 * @reserved: 0
 */
struct dax_folio_info {
	__aligned_u64 offset;
	__u32 order;
	__u32 flags;
	__u32 mapped;
	__u32 pinned;
	__u32 refs;
	__u32 reserved;
};

/**
 * struct dax_query - argument of DAX_IOC_QUERY
 * @offset: where to begin; set to where the next call should begin
 * @folios: address of an array of struct dax_folio_info
 * @nr: length of the array; set to the number of entries filled in, which may
 *	be less than there are. 0 says that there are no more.
 * @flags: must be 0
 */
struct dax_query {
	__aligned_u64 offset;
	__aligned_u64 folios;
	__u32 nr;
	__u32 flags;
};

#define DAX_IOC_MAGIC		0xDA

/*
 * Activate the folio at an offset and hold it until it is released, the file
 * descriptor is closed, or the device is revoked. Fails with EEXIST or EBUSY
 * when it is active, or part of it, and with ESHUTDOWN during a drain.
 */
#define DAX_IOC_HOLD		_IOW(DAX_IOC_MAGIC, 0x00, struct dax_folio)
/* Let go of a folio. ENOENT: this file descriptor does not hold it. */
#define DAX_IOC_RELEASE		_IOW(DAX_IOC_MAGIC, 0x01, struct dax_folio)
/* Tell which folios are active. */
#define DAX_IOC_QUERY		_IOWR(DAX_IOC_MAGIC, 0x02, struct dax_query)

#endif /* _UAPI_LINUX_DAX_H */
