/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_PICTURE_H
#define CXLMEM_PICTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json_object.h>

#include "util.h"

/*
 * The picture: everything cxlmem knows about a machine's CXL memory at one moment. The door to the
 * kernel makes it, nobody changes it afterwards, the planner and the client only read it. It
 * travels as JSON (daemon to client, files of `cxlmemctl capture`), with the key names of `cxl
 * list`.
 *
 * Numbers that could not be read are UNKNOWN (JSON null or absent); strings that could not be read
 * are NULL. References between objects are indexes into the arrays of the same picture, or -1.
 */

/* How a port sits in the topology: CXL 3.1 section 9.12, drivers/cxl/core/port.c. */
enum port_kind {
	PORT_ROOT,	  /* the ACPI0017 device; its decoders are the windows */
	PORT_HOST_BRIDGE, /* children of the root */
	PORT_SWITCH,	  /* upstream port of a switch */
	PORT_ENDPOINT,	  /* a memdev's own port; its decoders map device capacity (DPA) */
	_PORT_KIND_MAX,
};

enum zone {
	ZONE_UNKNOWN, /* offline, or not read */
	ZONE_KERNEL,  /* ZONE_NORMAL, ZONE_DMA*: anything the kernel likes may land there */
	ZONE_MOVABLE,
	_ZONE_MAX,
};

enum mem_state { MEM_UNKNOWN, MEM_OFFLINE, MEM_ONLINE, MEM_GOING_OFFLINE, _MEM_STATE_MAX };

enum tristate { NO, YES, MAYBE = -1 /* unknown */ };

/* A part of a window's address range that is already spoken for (a line of /proc/iomem). */
struct busy_range {
	uint64_t start, size; /* bytes */
	char *name; /* "region0", "System RAM", "Soft Reserved"; NULL if the line has none */
};

struct window_target {
	char *dport; /* the host bridge this slot of the interleave goes to, "pci0000:0c" */
	char *alias; /* firmware node, "ACPI0016:00"; may be NULL */
	int position;
	int port; /* host bridge port index, or -1 if no port has come up for it */
};

/*
 * A window is a root decoder: an address range that firmware set aside (CFMWS, CXL 3.1 9.18.1.3).
 */
struct window {
	char *name; /* "decoder0.0" */
	uint64_t resource, size;
	unsigned int ways, granularity; /* across host bridges; 0 = unknown */
	enum tristate volatile_capable, pmem_capable;
	uint64_t qos_class;
	char *next_region; /* name the kernel will give to the next region here; NULL = unknown */
	struct window_target *targets;
	size_t n_targets;
	struct busy_range *busy; /* sorted by start, not overlapping */
	size_t n_busy;
};

struct dport {
	char *name;  /* "0000:0c:00.0" */
	uint64_t id; /* port number */
};

/* An HDM decoder of a host bridge, switch or endpoint port (CXL 3.1 8.2.4.20). */
struct decoder {
	char *name; /* "decoder2.0" */
	int id; /* its place in the port: decoders are used in this order and released in reverse */
	uint64_t resource, size; /* HPA; size 0 = idle */
	unsigned int ways, granularity;
	/* most targets it can have (host bridge and switch); 0 = unknown */
	unsigned int nr_targets;
	int region;	    /* region index or -1 */
	enum tristate locked;
	/* endpoint decoders only */
	uint64_t dpa_resource, dpa_size; /* dpa_size 0 = no capacity allocated */
	char *mode; /* "ram", "pmem", "none"; NULL = unknown or not an endpoint */
};

struct port {
	char *name; /* "root0", "port1", "endpoint3" */
	enum port_kind kind;
	char *host;	    /* "pci0000:0c", "0000:0d:00.0", "mem0" */
	int parent;	    /* port index; -1 for the root */
	char *parent_dport; /* name of the parent's dport it hangs on */
	int depth;	    /* 0 = root, 1 = host bridge, ... */
	enum tristate enabled;
	int memdev; /* endpoint: memdev index or -1 */
	struct dport *dports;
	size_t n_dports;
	/* sorted by id; empty for the root, whose decoders are the windows */
	struct decoder *decoders;
	size_t n_decoders;
};

/* Get Health Info, CXL 3.1 8.2.9.9.3.1. */
struct health {
	bool known; /* false: the card did not answer or has no such command */
	bool maintenance_needed, performance_degraded, replacement_needed;
	char *media;	      /* "normal", "not-ready", "data-lost", ... */
	uint64_t life_used;   /* percent, or UNKNOWN */
	uint64_t temperature; /* degrees Celsius, two's complement in 64 bits, or UNKNOWN */
	uint64_t volatile_errors, dirty_shutdowns;
};

/* Of memory, as the nearest processor sees it; from HMAT and CDAT, where firmware and cards tell. */
struct speed {
	uint64_t read_bandwidth, write_bandwidth; /* MB/s */
	uint64_t read_latency, write_latency;	  /* ns */
};

struct memdev {
	char *name;	 /* "mem0": depends on the order of arrival */
	uint64_t serial; /* 0 or repeated on some cards: then the PCI address identifies */
	char *host;	 /* PCI address "0000:0d:00.0" */
	/* The way to it from its host bridge, "pci0000:0c/0000:0c:00.0/0000:0d:00.0": its place. */
	char *path;
	uint64_t vendor, device; /* PCI ids */
	/* The PCIe link to the port above: MT/s and lanes, as trained and as both ends could. */
	uint64_t link_speed, link_width, max_link_speed, max_link_width;
	int slot;		 /* the hot-plug slot it sits in, or -1 */
	uint64_t ram_size, pmem_size;
	uint64_t numa_node;
	char *firmware;
	enum tristate enabled; /* bound to cxl_mem and its endpoint has come up */
	int endpoint;	       /* port index or -1 */
	struct health health;
	char *failing; /* why it is not to be trusted with data; NULL = nothing speaks against it */
};

/* A PCI hot-plug slot (/sys/bus/pci/slots), whether a card is in it or not. */
struct slot {
	char *name;	/* "2": as printed on the machine, if firmware says so */
	char *address;	/* what sits in it, without the function: "0000:0d:00" */
	char *port;	/* the PCI port it belongs to, "0000:0c:00.0"; NULL = not found */
	enum tristate power, attention; /* attention: the amber indicator is on */
	/* Only on a kernel whose pciehp asks user space, kernel/README.md: */
	char *button_policy;  /* "power-off" or "ask"; NULL = it does not ask */
	char *button_request; /* "power-off" while a press waits for an answer, "none"; or NULL */
};

struct mapping {
	int position;
	int memdev;    /* index or -1 */
	char *decoder; /* endpoint decoder name */
};

/* Most members of a region: eiw 4, CXL 3.1 8.2.4.20.7; cxl_region has targets 0 to 15. */
#define MEMBERS_MAX 16

struct region {
	char *name;
	int window;
	uint64_t resource, size; /* size 0 = no address range allocated */
	char *type;		 /* "ram", "pmem"; NULL = unknown */
	unsigned int ways, granularity;
	enum tristate committed; /* decoders programmed */
	enum tristate enabled;	 /* bound to the cxl_region driver */
	enum tristate locked;
	/*
	 * Who wanted it, as cxlmem remembers: "hand", "profile NAME", "adopted". NULL: it was made
	 * by somebody else, and is destroyed only when asked for by name. No door knows this; the
	 * daemon writes it into the picture.
	 */
	char *origin;
	struct speed speed; /* the sum of its cards, and the slowest of them */
	struct mapping *mappings; /* sorted by position */
	size_t n_mappings;
};

/* A device-dax instance, drivers/dax/bus.c. */
struct dax {
	char *name; /* "dax0.0" */
	int region; /* CXL region index, -1 = not of a CXL region */
	uint64_t resource, size, align;
	uint64_t target_node;
	char *driver; /* "kmem", "device_dax", other; NULL = unbound */
	char *state;  /* kmem's state attribute, Linux 7.3 and later; NULL = this kernel has none */
	/*
	 * device_dax: "live", "draining" or "drained"; NULL = this kernel cannot drain it (it can
	 * with the series in kernel/)
	 */
	char *drain;
	uint64_t active; /* the same: bytes that somebody uses; UNKNOWN where the kernel does not count them */
};

/* A run of neighbouring memory blocks that are alike (/sys/devices/system/memory/memoryN). */
struct memory_run {
	uint64_t first, count; /* block numbers */
	enum mem_state state;
	enum zone zone;
	uint64_t node;
	int region; /* CXL region whose range holds it; -1: unmanaged, mapped by firmware */
};

/* Part of a window that is used as memory although no region is there: mapped by firmware. */
struct unmanaged {
	int window;
	uint64_t resource, size;
	char *what; /* name in /proc/iomem, "System RAM", "Soft Reserved" */
};

struct node {
	uint64_t id;
	uint64_t total, free; /* bytes */
	uint64_t reclaimable; /* bytes of files and of the kernel's caches, which could be dropped */
	uint64_t huge, huge_free; /* bytes in the pool of huge pages (hugetlb) of the default size */
	enum tristate has_cpu;
	bool barred; /* cxlmemd's own cpuset leaves it out */
	char *tier; /* "memory_tier4"; NULL = in none */
	struct speed speed;
};

struct picture {
	char *kernel;	     /* release, "7.3.4-..." */
	uint64_t block_size; /* memory block size in bytes */
	uint64_t swap_free;  /* bytes */
	char *auto_online; /* auto_online_blocks: "offline", "online", ...; NULL = unknown */
	struct window *windows;
	size_t n_windows;
	struct port *ports; /* parents before children */
	size_t n_ports;
	struct memdev *memdevs;
	size_t n_memdevs;
	struct slot *slots;
	size_t n_slots;
	struct region *regions;
	size_t n_regions;
	struct dax *daxes;
	size_t n_daxes;
	struct memory_run *memory; /* only blocks inside a window, sorted */
	size_t n_memory;
	struct unmanaged *unmanaged;
	size_t n_unmanaged;
	struct node *nodes;
	size_t n_nodes;
};

/**
 * picture_new - an empty picture; picture_free - free one and all it owns (NULL is fine)
 */
struct picture *picture_new(void);
struct picture *picture_free(struct picture *p);

static inline void picture_freep(struct picture **p)
{
	picture_free(*p);
}

/**
 * picture_add_* - append a zeroed object to its array, with indexes set to -1, numbers that can be
 * unknown to UNKNOWN and tristates to MAYBE
 *
 * The pointer is good until the next call of the same function on the same picture.
 *
 * Return: the new object, or NULL when out of memory.
 */
struct window *picture_add_window(struct picture *p);
struct port *picture_add_port(struct picture *p);
struct memdev *picture_add_memdev(struct picture *p);
struct slot *picture_add_slot(struct picture *p);
struct region *picture_add_region(struct picture *p);
struct dax *picture_add_dax(struct picture *p);
struct memory_run *picture_add_memory(struct picture *p);
struct unmanaged *picture_add_unmanaged(struct picture *p);
struct node *picture_add_node(struct picture *p);
struct window_target *window_add_target(struct window *w);
struct busy_range *window_add_busy(struct window *w);
struct dport *port_add_dport(struct port *port);
struct decoder *port_add_decoder(struct port *port);
struct mapping *region_add_mapping(struct region *r);

/**
 * picture_to_json - the picture as a JSON object; @ret is the caller's (json_object_put)
 *
 * References are written as names. Unknown numbers and strings are left out.
 *
 * Return: 0, or -ENOMEM.
 */
int picture_to_json(const struct picture *p, struct json_object **ret);

/**
 * picture_from_json - read what picture_to_json() wrote (or a person did)
 * @ret: a new picture, the caller's
 * @ret_reason: on error, what is wrong and where ("windows[1].size is no number"); the caller's;
 * may be NULL
 *
 * Unknown keys are ignored so that newer files can be read.
 *
 * Return: 0; -EINVAL with a reason; -ENOMEM.
 */
int picture_from_json(struct json_object *json, struct picture **ret, char **ret_reason);

/**
 * picture_find_* - index of an object by its name
 *
 * Return: the index, or -1.
 */
int picture_find_window(const struct picture *p, const char *name);
int picture_find_port(const struct picture *p, const char *name);
int picture_find_memdev(const struct picture *p, const char *name);
int picture_find_slot(const struct picture *p, const char *name);
int picture_find_region(const struct picture *p, const char *name);
int picture_find_dax(const struct picture *p, const char *name);

/**
 * picture_region_at - the region whose address range holds all of a physical range
 * @start, @size: bytes; UNKNOWN is in none
 *
 * Return: the index, or -1.
 */
int picture_region_at(const struct picture *p, uint64_t start, uint64_t size);

/**
 * picture_below - whether a card is below a PCI device, by its place
 * @port: "0000:0c:00.0"; NULL has nothing below
 */
bool picture_below(const struct picture *p, int memdev, const char *port);

/**
 * picture_slot_of - the slot nearest to a card, by their places; -1 if it is in none
 */
int picture_slot_of(const struct picture *p, int memdev);

/**
 * picture_region_dax - index of the (first) dax device of a region, or -1
 */
int picture_region_dax(const struct picture *p, int region);

/**
 * picture_plain_name - a name without the path before it: /dev/dax0.0, /dev/cxl/mem0,
 * /sys/bus/cxl/devices/region0
 *
 * Return: a part of @word; all of it where it is no such path.
 */
const char *picture_plain_name(const char *word);

/**
 * picture_resolve_card - find a memdev by any name a person may use
 * @word: memdev name ("mem0"), PCI address ("0000:0d:00.0" or "0d:00.0"), the path of one of them in
 * /dev or /sys, or serial (decimal or 0x...)
 * @ret: memdev index
 * @ret_reason: the sentence, on error
 *
 * Return: 0; -ENOENT (names the cards there are); -ENOTUNIQ (serial on several cards: names their
 * PCI addresses).
 */
int picture_resolve_card(const struct picture *p, const char *word, int *ret, char **ret_reason);

/**
 * picture_resolve_region - find a region by its name or its dax device's, either with a path before it,
 * or "nodeN" when one region alone is there
 *
 * Return: 0; -ENOENT; -ENOTUNIQ; with the sentence in @ret_reason.
 */
int picture_resolve_region(const struct picture *p, const char *word, int *ret, char **ret_reason);

/**
 * memdev_ram_allocated - volatile capacity of a card that decoders have claimed, bytes
 * (pmem-mode decoders not counted); UNKNOWN if any of its decoders could not be read
 */
uint64_t memdev_ram_allocated(const struct picture *p, int memdev);

/**
 * window_largest_hole - largest free, 256 MiB-aligned range of a window, bytes; 0 when full;
 * UNKNOWN when the window's place or size is unknown
 */
uint64_t window_largest_hole(const struct window *w);

/**
 * window_place - where the kernel would put a new region of @size bytes
 * @ret: host physical address
 *
 * First fit from the bottom, aligned to 256 MiB: alloc_free_mem_region() as alloc_hpa() in
 * drivers/cxl/core/region.c calls it.
 *
 * Return: 0; -ENOSPC.
 */
int window_place(const struct window *w, uint64_t size, uint64_t *ret);

/**
 * region_lost_cards - whether it has fewer cards than it was made of
 *
 * So has one that is just being made.
 */
bool region_lost_cards(const struct region *r);

/* What a region is used as, derived from its dax device and memory blocks, never stored. */
enum region_use {
	USE_UNKNOWN,
	USE_INCOMPLETE, /* no address range, not committed, or not enabled */
	USE_NONE,	/* enabled, its dax device has no driver (or there is none) */
	USE_DEVDAX,
	USE_OFFLINE, /* kmem has it, no block is online */
	USE_PARTIAL, /* kmem has it, some blocks are online */
	USE_ONLINE,  /* kmem has it, all blocks are online */
};

struct region_memory {
	enum region_use use;
	uint64_t online, offline; /* bytes in blocks of that state */
	uint64_t movable, kernel; /* bytes online in that zone */
	uint64_t lost;		  /* bytes of the region outside whole memory blocks */
	uint64_t node;		  /* target node */
};

/**
 * picture_region_memory - how a region's memory is used now
 */
void picture_region_memory(const struct picture *p, int region, struct region_memory *ret);

/* Names as they stand in JSON and in front of people. The parsers return -EINVAL. */
const char *port_kind_name(enum port_kind k);
const char *zone_name(enum zone z);	      /* "kernel", "movable"; NULL for unknown */
const char *mem_state_name(enum mem_state s); /* "online", "offline", "going-offline"; NULL */
const char *region_use_name(enum region_use u);
const char *decode_state_name(enum tristate committed); /* "commit", "reset"; NULL for unknown */
int decode_state_from_name(const char *s, enum tristate *ret);
int zone_from_name(const char *s, enum zone *ret);
int port_kind_from_name(const char *s, enum port_kind *ret);
int mem_state_from_name(const char *s, enum mem_state *ret);

#endif
