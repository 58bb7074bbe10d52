/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_PLAN_INTERNAL_H
#define CXLMEM_PLAN_INTERNAL_H

#include "plan.h"

/*
 * What the parts of the planner share. Data flows one way: a request's objects are resolved,
 * checked against the picture (and, for several new regions, against the budget that is left), and
 * come out as steps. All functions here return 0 or a negative errno with the sentence in
 * pl->ret_reason.
 */
struct planner {
	const struct picture *p;
	const struct request *request;
	struct plan *plan;
	char **ret_reason;
	uint64_t leaving; /* bytes that are offline at this point of the plan, and were not before */
	bool *going;	  /* by index of a node: some of its memory is among these */
	bool tight;	  /* that caches and swap are needed for it has been noted */
};

/* drivers/cxl/core/region.c, alloc_hpa(): address space comes in 256 MiB for each way. */
#define REGION_UNIT (256 * MIB)
/* drivers/cxl/cxl.h, granularity_to_eig(). */
#define GRANULARITY_MIN 256
#define GRANULARITY_MAX 16384
#define DEPTH_MAX 8

/* A step template: names are borrowed, plan_step() copies them. */
/* clang-format off */
#define STEP(k, ...)                                                                               \
	((struct step){ .kind = STEP_##k,                                                          \
			.position = -1,                                                            \
			.size = UNKNOWN,                                                           \
			.resource = UNKNOWN,                                                       \
			__VA_ARGS__ })
#define UNDO(...)                                                                                  \
	.undo = (struct step[]){ __VA_ARGS__ },                                                    \
	.n_undo = sizeof((struct step[]){ __VA_ARGS__ }) / sizeof(struct step)
/* clang-format on */

/* plan.c: the plan under construction */
int plan_step(struct planner *pl, struct step s);
int plan_note(struct planner *pl, const char *format, ...) _printf_(2, 3);
int plan_summary(struct planner *pl, const char *format, ...) _printf_(2, 3);
int plan_add_region(struct planner *pl, const char *name);
int plan_resolve_regions(struct planner *pl, int **ret, size_t *ret_n);

/* plan-topology.c: from a card up to its host bridge, and the order of members below a window */
struct hop {
	int port;
	const char *dport; /* of that port, the way down to the card */
	uint64_t dport_id;
};

struct member {
	int memdev;
	int endpoint;
	int decoder;		    /* index of the endpoint decoder the kernel will use next */
	uint64_t room;		    /* bytes of volatile capacity left */
	struct hop hops[DEPTH_MAX]; /* host bridge first */
	unsigned int n_hops;
};

#define PORT_TEXT_MAX 128
const char *port_text(const struct picture *p, int port, char buf[static PORT_TEXT_MAX]);
int member_path(struct planner *pl, struct member *m);
int order_members(struct planner *pl, const struct window *w, struct member **members,
		  unsigned int n, unsigned int *ret_deepest, int *ret_deepest_port);

/* plan-budget.c: what is left while several regions are planned one after the other */
struct budget;
int budget_new(struct planner *pl, struct budget **ret);
struct budget *budget_free(struct budget *b);
static inline void budget_freep(struct budget **b)
{
	budget_free(*b);
}
const struct window *budget_window(const struct budget *b, int window);
const char *budget_next_region(const struct budget *b, int window);
int budget_next_decoder(struct planner *pl, const struct budget *b, int port, int *ret);
uint64_t budget_top(struct planner *pl, const struct budget *b, int port, const char **ret_region);
int budget_take(struct budget *b, int window, uint64_t resource, uint64_t size,
		struct member *const *members, unsigned int n);

/* plan-window.c: the window for a set of members, and what the region in it looks like */
struct placement {
	int window;
	struct member *members[MEMBERS_MAX]; /* by position */
	unsigned int ways, granularity;
	uint64_t size, resource;
	uint64_t first_block, n_blocks; /* whole memory blocks inside */
	uint64_t spared;		/* left on the cards because no whole block would hold it */
};
int choose_window(struct planner *pl, const struct budget *b, int only, struct member *members,
		  unsigned int n, struct placement *ret);

/* plan-memory.c: memory blocks of a region and its dax device */
struct block_run {
	uint64_t first, count;
	enum mem_state state; /* MEM_ONLINE or MEM_OFFLINE */
	enum zone zone;
};

struct region_blocks {
	struct block_run *runs;
	size_t n;
};
void region_blocks_clear(struct region_blocks *b);
int region_blocks_read(struct planner *pl, int region, int dax, struct region_blocks *ret);
bool region_blocks_online(const struct region_blocks *b);
int region_dax(struct planner *pl, int region, int *ret);
int region_usable(struct planner *pl, int region);
int plan_bind_kmem(struct planner *pl, char *dax, uint64_t first, uint64_t count, enum zone zone);
/* Before device_dax is bound: the alignment asked for, back to @was (UNKNOWN: never) on the way back. */
int plan_align(struct planner *pl, char *dax, uint64_t align, uint64_t size, uint64_t was);
int plan_unbind(struct planner *pl, int dax, const struct region_blocks *blocks);
int plan_offline(struct planner *pl, char *dax, const struct region_blocks *blocks, enum zone keep);
int plan_unused(struct planner *pl, int dax);
int plan_online(struct planner *pl, char *dax, const struct region_blocks *blocks, enum zone zone,
		bool all);
int check_memory_options(struct planner *pl, enum memory_mode mode);
int region_whole_blocks(struct planner *pl, int region, int dax, uint64_t *ret_first,
			uint64_t *ret_count);

/* plan-room.c: whether the memory that stays can take what is in the memory that goes */
int plan_leave(struct planner *pl, uint64_t node, uint64_t bytes);
void plan_come_back(struct planner *pl, uint64_t bytes);

/* plan-destroy.c: the steps that take regions apart, in the order that needs */
int plan_destroy_regions(struct planner *pl, const int *regions, size_t n);

/* plan-create.c, plan-destroy.c, plan-eject.c and plan-online.c: the verbs */
int plan_verb_create(struct planner *pl);
int plan_verb_destroy(struct planner *pl);
int plan_verb_online(struct planner *pl);
int plan_verb_offline(struct planner *pl);
int plan_verb_set_mode(struct planner *pl);
int plan_verb_eject(struct planner *pl);

#endif
