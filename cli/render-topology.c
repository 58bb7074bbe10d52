/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "render.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "util.h"

#include "describe.h"
#include "tree.h"

struct topology {
	const struct picture *p;
	struct tree *tree;
	bool *shown; /* by port: its place in the tree was printed */
	bool broken; /* for want of memory */
};

/* "1 of 4 decoders in use" */
#define DECODERS_SIZE 64
static char *decoders_text(const struct port *port, char buf[static DECODERS_SIZE])
{
	size_t used = 0;

	for (size_t i = 0; i < port->n_decoders; i++) {
		if (port->decoders[i].size == UNKNOWN) {
			strcpy(buf, "decoders unknown");
			return buf;
		}
		used += port->decoders[i].size > 0;
	}
	if (port->n_decoders == 0)
		strcpy(buf, "decoders unknown");
	else
		snprintf(buf, DECODERS_SIZE, "%zu of %zu decoders in use", used, port->n_decoders);
	return buf;
}

static void add_card(struct topology *t, struct tree_node *parent, int memdev)
{
	const struct memdev *m = &t->p->memdevs[memdev];
	const char *slot = m->slot < 0 ? NULL : t->p->slots[m->slot].name;
	char size[32], unused[32], serial[32], link[LINK_SIZE];
	enum tint tint;
	const char *health = describe_health(m, &tint);

	/* That nobody knows is said by `list cards`. */
	if (!m->failing && !m->health.known)
		health = NULL;
	if (m->enabled == NO)
		tint = TINT_BAD;
	else if (tint != TINT_BAD)
		tint = link_is_slow(m) || tint == TINT_WARN ? TINT_WARN : TINT_BOLD;

	if (m->serial == UNKNOWN)
		strcpy(serial, "unknown");
	else
		snprintf(serial, sizeof(serial), "0x%" PRIx64, m->serial);
	describe_link(m, link);
	tree_add(t->tree, parent, tint, m->name, "card  %s, %s free, serial %s, at %s%s%s%s%s%s%s%s",
		 format_size(m->ram_size, size), format_size(memdev_ram_free(t->p, memdev), unused), serial,
		 m->host ?: "unknown", slot ? ", slot " : "", slot ?: "",
		 m->enabled == NO ? ", not enabled" : "", health ? ", health " : "", health ?: "",
		 *link ? ", " : "", link);
}

static void add_below(struct topology *t, struct tree_node *parent, int port);

static void add_switch(struct topology *t, struct tree_node *parent, int port)
{
	const struct port *s = &t->p->ports[port];
	char decoders[DECODERS_SIZE];

	add_below(t,
		  tree_add(t->tree, parent, TINT_BOLD, s->host ?: s->name, "switch  %s, %s",
			   s->name, decoders_text(s, decoders)),
		  port);
}

struct child {
	int port;
	const char *place; /* the parent's dport it hangs on: a PCI address of fixed width */
};

static int by_place(const void *a, const void *b)
{
	const struct child *x = a, *y = b;
	int order = strcmp(x->place, y->place);

	return order ? order : x->port - y->port;
}

/* Parents stand before their children in a picture: looking behind the parent finds all, and ends.
 */
static int find_children(const struct picture *p, int port, struct child **ret, size_t *ret_n)
{
	struct child *children = NULL;
	size_t n = 0;

	for (int i = port + 1; i < (int)p->n_ports; i++) {
		if (p->ports[i].parent != port)
			continue;
		if (grow(&children, n, sizeof(*children)) < 0) {
			free(children);
			return -ENOMEM;
		}
		children[n++] = (struct child){ i, p->ports[i].parent_dport ?: "" };
	}
	if (n > 1)
		qsort(children, n, sizeof(*children), by_place);
	*ret = children;
	*ret_n = n;
	return 0;
}

/* Root ports have the number of their host bridge ("pci0000:0c"); others are dports of a switch. */
static bool slot_is_of(const struct slot *s, const struct port *port)
{
	const char *bus = s->port ? strrchr(s->port, ':') : NULL;
	size_t n = bus ? bus - s->port : 0;

	if (n && port->host && strncmp(port->host, "pci", 3) == 0 &&
	    strncmp(port->host + 3, s->port, n) == 0 && !port->host[3 + n])
		return true;
	for (size_t i = 0; i < port->n_dports; i++)
		if (s->port && streq_null(port->dports[i].name, s->port))
			return true;
	return false;
}

static void add_empty_slots(struct topology *t, struct tree_node *parent, int port)
{
	for (size_t i = 0; i < t->p->n_slots; i++) {
		const struct slot *s = &t->p->slots[i];
		char name[64];

		/* What is in one with power on is shown as a card, if it is one. */
		if (s->power == YES || !slot_is_of(s, &t->p->ports[port]))
			continue;
		snprintf(name, sizeof(name), "slot %.50s", s->name);
		tree_add(t->tree, parent, TINT_BOLD, name, "empty slot  at %s", s->port);
	}
}

static void add_below(struct topology *t, struct tree_node *parent, int port)
{
	_cleanup_free_ struct child *children = NULL;
	const struct picture *p = t->p;
	size_t n = 0;

	t->shown[port] = true;
	if (find_children(p, port, &children, &n) < 0)
		t->broken = true;
	for (size_t i = 0; i < n; i++) {
		const struct port *child = &p->ports[children[i].port];

		if (child->kind == PORT_SWITCH)
			add_switch(t, parent, children[i].port);
		else if (child->kind == PORT_ENDPOINT) {
			t->shown[children[i].port] = true;
			if (child->memdev >= 0)
				add_card(t, parent, child->memdev);
		}
	}
	add_empty_slots(t, parent, port);
}

static void add_host_bridge(struct topology *t, struct tree_node *parent, int port)
{
	const struct port *b = &t->p->ports[port];
	const char *name = b->host ?: b->name;
	char decoders[DECODERS_SIZE];

	if (t->shown[port])
		tree_add(t->tree, parent, TINT_BOLD, name, "host bridge  (as above)");
	else
		add_below(t,
			  tree_add(t->tree, parent, TINT_BOLD, name, "host bridge  %s, %s", b->name,
				   decoders_text(b, decoders)),
			  port);
}

static bool target_seen(const struct window *w, size_t target)
{
	for (size_t i = 0; i < target; i++)
		if (w->targets[i].port == w->targets[target].port &&
		    streq_null(w->targets[i].dport, w->targets[target].dport))
			return true;
	return false;
}

static void add_targets(struct topology *t, struct tree_node *parent, const struct window *w)
{
	for (size_t i = 0; i < w->n_targets; i++) {
		if (target_seen(w, i))
			continue;
		if (w->targets[i].port >= 0)
			add_host_bridge(t, parent, w->targets[i].port);
		else
			tree_add(t->tree, parent, TINT_BOLD, w->targets[i].dport ?: "unknown",
				 "host bridge  no CXL device is enabled below it");
	}
}

static void add_node(struct topology *t, struct tree_node *parent, const struct region_memory *m)
{
	int node = find_node(t->p, m->node);
	char name[32], state[STATE_SIZE], used[32], total[32], speed[SPEED_SIZE] = "";
	const struct node *n = node < 0 ? NULL : &t->p->nodes[node];

	if (m->node == UNKNOWN)
		return;
	snprintf(name, sizeof(name), "node%" PRIu64, m->node);
	if (n)
		describe_speed(&n->speed, speed);
	if (m->online == 0)
		tree_add(t->tree, parent, TINT_BOLD, name, "offline");
	else if (!n || n->total == UNKNOWN || n->free == UNKNOWN || n->free > n->total)
		tree_add(t->tree, parent, TINT_BOLD, name, "%s, zone %s%s%s", describe_state(m, state),
			 describe_zone(m), *speed ? ", " : "", speed);
	else
		tree_add(t->tree, parent, TINT_BOLD, name, "%s, zone %s, %s of %s used%s%s",
			 describe_state(m, state), describe_zone(m),
			 format_size(align_down(n->total - n->free, MIB), used),
			 format_size(n->total, total), *speed ? ", " : "", speed);
}

static void add_dax(struct topology *t, struct tree_node *parent, int dax,
		    const struct region_memory *m)
{
	const struct dax *d = &t->p->daxes[dax];
	struct tree_node *node;

	node = tree_add(t->tree, parent, TINT_BOLD, d->name, "%s  driver %s",
			streq_null(d->driver, "kmem")	    ? "system-ram" :
			streq_null(d->driver, "device_dax") ? "devdax" :
							      "not used",
			d->driver ?: "none");
	if (streq_null(d->driver, "kmem"))
		add_node(t, node, m);
}

static void add_region(struct topology *t, struct tree_node *parent, int region)
{
	const struct region *r = &t->p->regions[region];
	_cleanup_free_ char *members = describe_members(t->p, r);
	struct region_memory m;
	struct tree_node *node;
	char size[32], ways[64] = "", speed[SPEED_SIZE];

	picture_region_memory(t->p, region, &m);
	describe_speed(&r->speed, speed);
	if (r->ways > 1)
		snprintf(ways, sizeof(ways), ", %u ways of %u bytes", r->ways, r->granularity);
	node = tree_add(t->tree, parent, m.use == USE_INCOMPLETE ? TINT_BAD : TINT_BOLD, r->name,
			"region  %s on %s%s%s%s%s", format_size(r->size, size), members ?: "unknown",
			ways, m.use == USE_INCOMPLETE ? ", incomplete" : "", *speed ? ", " : "", speed);
	for (size_t i = 0; i < t->p->n_daxes; i++)
		if (t->p->daxes[i].region == region)
			add_dax(t, node, i, &m);
}

/* A line of /proc/iomem that no region explains (pain 8 and 19 of those who run such machines). */
static const char *unmanaged_story(const struct unmanaged *u)
{
	if (u->what && !strncmp(u->what, "region", strlen("region")))
		return "left over from a region that is gone: free again after a reboot";
	return "mapped by firmware, in no region";
}

static void add_window(struct topology *t, int window)
{
	const struct picture *p = t->p;
	const struct window *w = &p->windows[window];
	struct tree_node *node;
	char size[32], unused[32], ways[64] = "";

	if (w->ways > 1)
		snprintf(ways, sizeof(ways), ", %u ways of %u bytes", w->ways, w->granularity);
	node = tree_add(t->tree, NULL, TINT_BOLD, w->name, "window  %s, %s free%s%s",
			format_size(w->size, size), format_size(window_free(w), unused), ways,
			w->volatile_capable == NO ? ", not for volatile memory" : "");
	add_targets(t, node, w);
	for (size_t i = 0; i < p->n_regions; i++)
		if (p->regions[i].window == window)
			add_region(t, node, i);
	for (size_t i = 0; i < p->n_unmanaged; i++)
		if (p->unmanaged[i].window == window)
			tree_add(t->tree, node, TINT_BOLD, p->unmanaged[i].what ?: "memory",
				 "unmanaged  %s, %s", format_size(p->unmanaged[i].size, size),
				 unmanaged_story(&p->unmanaged[i]));
}

/* What no window leads to must not be missing from the picture of a machine. */
static void add_rest(struct topology *t)
{
	const struct picture *p = t->p;
	struct tree_node *node = NULL;

	for (size_t i = 0; i < p->n_ports; i++)
		if (p->ports[i].kind == PORT_HOST_BRIDGE && !t->shown[i]) {
			if (!node)
				node = tree_add(t->tree, NULL, TINT_WARN, "no window",
						"firmware set none aside for these");
			add_host_bridge(t, node, i);
		}
	node = NULL;
	for (size_t i = 0; i < p->n_memdevs; i++) {
		int endpoint = p->memdevs[i].endpoint;

		if (endpoint >= 0 && t->shown[endpoint])
			continue;
		if (!node)
			node = tree_add(t->tree, NULL, TINT_WARN, "not connected",
					"cards with no place in the topology");
		add_card(t, node, i);
	}
	for (size_t i = 0; i < p->n_regions; i++)
		if (p->regions[i].window < 0)
			add_region(t, NULL, i);
}

static int make_tree(const struct picture *p, struct tree **ret)
{
	_cleanup_(tree_freep) struct tree *tree = tree_new();
	_cleanup_free_ bool *shown = calloc(p->n_ports + 1, sizeof(*shown));
	struct topology t = { .p = p, .tree = tree, .shown = shown };

	if (!tree || !shown)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_windows; i++)
		add_window(&t, i);
	add_rest(&t);
	if (t.broken)
		return -ENOMEM;
	*ret = TAKE_PTR(tree);
	return 0;
}

#define NOTHING                                                                             \
	"there is no CXL memory on this machine: firmware set no windows aside, and there " \
	"are no cards"

static bool is_empty(const struct picture *p)
{
	return p->n_windows == 0 && p->n_memdevs == 0;
}

int render_topology(FILE *out, const struct style *style, const struct picture *p)
{
	_cleanup_(tree_freep) struct tree *tree = NULL;
	int r;

	if (is_empty(p)) {
		fputs(NOTHING "\n", out);
		return 0;
	}
	r = make_tree(p, &tree);
	return r < 0 ? r : tree_print(tree, out, style);
}

int render_topology_svg(FILE *out, const struct picture *p)
{
	_cleanup_(tree_freep) struct tree *tree = NULL;
	int r = make_tree(p, &tree);

	if (r == 0 && is_empty(p))
		tree_add(tree, NULL, TINT_NONE, NOTHING, "%s", "");
	return r < 0 ? r : tree_print_svg(tree, "CXL memory", out);
}
