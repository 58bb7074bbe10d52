/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "picture-fields.h"

#define F(s, key, type, member)                                  \
	{                                                        \
		key, FIELD_##type, offsetof(struct s, member), 0 \
	}
#define R(s, key, to, member)                                        \
	{                                                            \
		key, FIELD_REF, offsetof(struct s, member), REF_##to \
	}

/* clang-format off */
/* An array of objects in the object around it, with the function that makes a new one. */
#define TYPE(name, outer, array, count, func, ...)                                                 \
	static void *add_##name(void *parent)                                                      \
	{                                                                                          \
		return func(parent);                                                               \
	}                                                                                          \
	static const struct object_type name##_type = {                                            \
		.key = #array,                                                                     \
		.fields = name##_fields,                                                           \
		.n_fields = ARRAY_SIZE(name##_fields),                                             \
		.size = sizeof(struct name),                                                       \
		.array_offset = offsetof(struct outer, array),                                     \
		.count_offset = offsetof(struct outer, count),                                     \
		.add = add_##name,                                                                 \
		__VA_ARGS__                                                                        \
	}
/* clang-format on */

/* clang-format off: tables */
static const struct field window_target_fields[] = {
	F(window_target, "target", STRING, dport),
	F(window_target, "alias", STRING, alias),
	F(window_target, "position", INT, position),
	R(window_target, "port", PORT, port),
};
TYPE(window_target, window, targets, n_targets, window_add_target);

static const struct field busy_range_fields[] = {
	F(busy_range, "start", NUMBER, start),
	F(busy_range, "size", NUMBER, size),
	F(busy_range, "name", STRING, name),
};
TYPE(busy_range, window, busy, n_busy, window_add_busy);

static const struct field window_fields[] = {
	F(window, "decoder", NAME, name),
	F(window, "resource", U64, resource),
	F(window, "size", U64, size),
	F(window, "interleave_ways", UINT, ways),
	F(window, "interleave_granularity", UINT, granularity),
	F(window, "volatile_capable", TRI, volatile_capable),
	F(window, "pmem_capable", TRI, pmem_capable),
	F(window, "qos_class", U64, qos_class),
	F(window, "next_region", STRING, next_region),
};
static const struct object_type *const window_children[] = { &window_target_type, &busy_range_type,
							     NULL };
TYPE(window, picture, windows, n_windows, picture_add_window, .children = window_children);

static const struct field dport_fields[] = {
	F(dport, "dport", STRING, name),
	F(dport, "id", U64, id),
};
TYPE(dport, port, dports, n_dports, port_add_dport);

static const struct field decoder_fields[] = {
	F(decoder, "decoder", NAME, name),
	F(decoder, "id", INT, id),
	F(decoder, "resource", U64, resource),
	F(decoder, "size", U64, size),
	F(decoder, "interleave_ways", UINT, ways),
	F(decoder, "interleave_granularity", UINT, granularity),
	F(decoder, "nr_targets", UINT, nr_targets),
	R(decoder, "region", REGION, region),
	F(decoder, "locked", TRI, locked),
	F(decoder, "dpa_resource", U64, dpa_resource),
	F(decoder, "dpa_size", U64, dpa_size),
	F(decoder, "mode", STRING, mode),
};
TYPE(decoder, port, decoders, n_decoders, port_add_decoder);

static const struct field port_fields[] = {
	F(port, "port", NAME, name),
	F(port, "kind", KIND, kind),
	F(port, "host", STRING, host),
	R(port, "parent", PORT, parent),
	F(port, "parent_dport", STRING, parent_dport),
	F(port, "depth", INT, depth),
	F(port, "enabled", TRI, enabled),
	R(port, "memdev", MEMDEV, memdev),
};
static const struct object_type *const port_children[] = { &dport_type, &decoder_type, NULL };
TYPE(port, picture, ports, n_ports, picture_add_port, .children = port_children);

const struct field health_fields[] = {
	F(health, "maintenance_needed", BOOL, maintenance_needed),
	F(health, "performance_degraded", BOOL, performance_degraded),
	F(health, "hw_replacement_needed", BOOL, replacement_needed),
	F(health, "media", STRING, media),
	F(health, "life_used_percent", U64, life_used),
	F(health, "temperature", I64, temperature),
	F(health, "volatile_errors", U64, volatile_errors),
	F(health, "dirty_shutdowns", U64, dirty_shutdowns),
};
const size_t n_health_fields = ARRAY_SIZE(health_fields);

static const struct field memdev_fields[] = {
	F(memdev, "memdev", NAME, name),
	F(memdev, "serial", U64, serial),
	F(memdev, "host", STRING, host),
	F(memdev, "path", STRING, path),
	F(memdev, "vendor", U64, vendor),
	F(memdev, "device", U64, device),
	F(memdev, "link_speed", U64, link_speed),
	F(memdev, "link_width", U64, link_width),
	F(memdev, "max_link_speed", U64, max_link_speed),
	F(memdev, "max_link_width", U64, max_link_width),
	R(memdev, "slot", SLOT, slot),
	F(memdev, "ram_size", U64, ram_size),
	F(memdev, "pmem_size", U64, pmem_size),
	F(memdev, "numa_node", U64, numa_node),
	F(memdev, "firmware_version", STRING, firmware),
	F(memdev, "enabled", TRI, enabled),
	R(memdev, "endpoint", PORT, endpoint),
	F(memdev, "health", HEALTH, health),
	F(memdev, "failing", STRING, failing),
};
TYPE(memdev, picture, memdevs, n_memdevs, picture_add_memdev);

static const struct field slot_fields[] = {
	F(slot, "slot", NAME, name),
	F(slot, "address", STRING, address),
	F(slot, "port", STRING, port),
	F(slot, "power", TRI, power),
	F(slot, "attention", TRI, attention),
	F(slot, "button_policy", STRING, button_policy),
	F(slot, "button_request", STRING, button_request),
};
TYPE(slot, picture, slots, n_slots, picture_add_slot);

static const struct field mapping_fields[] = {
	F(mapping, "position", INT, position),
	R(mapping, "memdev", MEMDEV, memdev),
	F(mapping, "decoder", STRING, decoder),
};
TYPE(mapping, region, mappings, n_mappings, region_add_mapping);

/* The kernel's own names. */
#define SPEED(s)                                               \
	F(s, "read_bandwidth", U64, speed.read_bandwidth),     \
	F(s, "write_bandwidth", U64, speed.write_bandwidth),   \
	F(s, "read_latency", U64, speed.read_latency),	       \
	F(s, "write_latency", U64, speed.write_latency)

static const struct field region_fields[] = {
	F(region, "region", NAME, name),
	R(region, "window", WINDOW, window),
	F(region, "resource", U64, resource),
	F(region, "size", U64, size),
	F(region, "type", STRING, type),
	F(region, "interleave_ways", UINT, ways),
	F(region, "interleave_granularity", UINT, granularity),
	F(region, "decode_state", DECODE, committed),
	F(region, "enabled", TRI, enabled),
	F(region, "locked", TRI, locked),
	F(region, "origin", STRING, origin),
	SPEED(region),
};
static const struct object_type *const region_children[] = { &mapping_type, NULL };
TYPE(region, picture, regions, n_regions, picture_add_region, .children = region_children);

static const struct field dax_fields[] = {
	F(dax, "chardev", NAME, name),	   R(dax, "region", REGION, region),
	F(dax, "resource", U64, resource), F(dax, "size", U64, size),
	F(dax, "align", U64, align),	   F(dax, "target_node", U64, target_node),
	F(dax, "driver", STRING, driver),  F(dax, "state", STRING, state),
	F(dax, "drain", STRING, drain),	   F(dax, "active", U64, active),
};
TYPE(dax, picture, daxes, n_daxes, picture_add_dax);

static const struct field memory_run_fields[] = {
	F(memory_run, "first", NUMBER, first), F(memory_run, "count", NUMBER, count),
	F(memory_run, "state", STATE, state),  F(memory_run, "zone", ZONE, zone),
	F(memory_run, "node", U64, node),      R(memory_run, "region", REGION, region),
};
TYPE(memory_run, picture, memory, n_memory, picture_add_memory);

static const struct field unmanaged_fields[] = {
	R(unmanaged, "window", WINDOW, window),
	F(unmanaged, "resource", U64, resource),
	F(unmanaged, "size", U64, size),
	F(unmanaged, "what", STRING, what),
};
TYPE(unmanaged, picture, unmanaged, n_unmanaged, picture_add_unmanaged);

static const struct field node_fields[] = {
	F(node, "node", NUMBER, id),	  F(node, "total", U64, total),	 F(node, "free", U64, free),
	F(node, "has_cpu", TRI, has_cpu), F(node, "tier", STRING, tier),
	F(node, "reclaimable", U64, reclaimable), F(node, "barred", BOOL, barred),
	F(node, "huge", U64, huge),	  F(node, "huge_free", U64, huge_free),
	SPEED(node),
};
TYPE(node, picture, nodes, n_nodes, picture_add_node);

static const struct field picture_fields[] = {
	F(picture, "kernel", STRING, kernel),
	F(picture, "block_size", U64, block_size),
	F(picture, "swap_free", U64, swap_free),
	F(picture, "auto_online", STRING, auto_online),
};
static const struct object_type *const picture_children[] = {
	&window_type, &port_type,	&memdev_type,	 &slot_type, &region_type,
	&dax_type,    &memory_run_type, &unmanaged_type, &node_type, NULL,
};
const struct object_type picture_type = {
	.fields = picture_fields,
	.n_fields = ARRAY_SIZE(picture_fields),
	.size = sizeof(struct picture),
	.children = picture_children,
};
/* clang-format on */

const char *picture_ref_name(const struct picture *p, enum ref ref, int index)
{
	if (index < 0)
		return NULL;
	switch (ref) {
	case REF_WINDOW:
		return p->windows[index].name;
	case REF_PORT:
		return p->ports[index].name;
	case REF_MEMDEV:
		return p->memdevs[index].name;
	case REF_SLOT:
		return p->slots[index].name;
	case REF_REGION:
		return p->regions[index].name;
	default:
		return NULL;
	}
}
