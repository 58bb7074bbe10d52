/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "plan-internal.h"

/* "host bridge pci0000:0c", for reasons. */
const char *port_text(const struct picture *p, int port, char buf[static PORT_TEXT_MAX])
{
	const struct port *t = &p->ports[port];
	const char *host = t->host ?: t->name;

	switch (t->kind) {
	case PORT_HOST_BRIDGE:
		snprintf(buf, PORT_TEXT_MAX, "host bridge %s", host);
		break;
	case PORT_SWITCH:
		snprintf(buf, PORT_TEXT_MAX, "switch %s", host);
		break;
	case PORT_ENDPOINT:
		snprintf(buf, PORT_TEXT_MAX, "%s",
			 t->memdev >= 0 ? p->memdevs[t->memdev].name : host);
		break;
	default:
		snprintf(buf, PORT_TEXT_MAX, "port %s", t->name);
	}
	return buf;
}

static uint64_t dport_id(const struct port *port, const char *name)
{
	size_t i;

	for (i = 0; i < port->n_dports; i++)
		if (streq_null(port->dports[i].name, name))
			return port->dports[i].id;
	return UNKNOWN;
}

/* Fill in the ports from the host bridge down to the one the card hangs on. */
int member_path(struct planner *pl, struct member *m)
{
	const struct picture *p = pl->p;
	const char *card = p->memdevs[m->memdev].name;
	struct hop up[DEPTH_MAX];
	unsigned int n = 0, i;
	int port = m->endpoint;

	for (;;) {
		const struct port *child = &p->ports[port];
		int parent = child->parent;

		if (parent < 0)
			return say(pl->ret_reason, -ENODATA,
				   "the way from %s up to its host bridge could not be read", card);
		if (p->ports[parent].kind == PORT_ROOT)
			break;
		if (!child->parent_dport)
			return say(pl->ret_reason, -ENODATA,
				   "the downstream port that %s hangs on could not be read", card);
		if (n == DEPTH_MAX)
			return say(pl->ret_reason, -ENXIO,
				   "%s is more than %d switches deep, which is not managed here",
				   card, DEPTH_MAX - 1);
		up[n++] = (struct hop){ parent, child->parent_dport,
					dport_id(&p->ports[parent], child->parent_dport) };
		port = parent;
	}
	if (!n)
		return say(
			pl->ret_reason, -EOPNOTSUPP,
			"%s hangs on the root itself (a CXL 1.1 card), which is not managed here",
			card);
	for (i = 0; i < n; i++)
		m->hops[i] = up[n - 1 - i];
	m->n_hops = n;
	return 0;
}

/* Whether two members leave the port at @level by the same downstream port. */
static bool same_dport(const struct member *a, const struct member *b, unsigned int level)
{
	return strcmp(a->hops[level].dport, b->hops[level].dport) == 0;
}

static int compare_dports(const struct hop *a, const struct hop *b)
{
	if (a->dport_id != b->dport_id)
		return a->dport_id < b->dport_id ? -1 : 1;
	return strcmp(a->dport, b->dport);
}

/* Stable: members behind one downstream port stay in the order typed. */
static void sort_by_dport(struct member **m, unsigned int n, unsigned int level)
{
	unsigned int i, j;

	for (i = 1; i < n; i++) {
		struct member *x = m[i];

		for (j = i; j && compare_dports(&m[j - 1]->hops[level], &x->hops[level]) > 0; j--)
			m[j] = m[j - 1];
		m[j] = x;
	}
}

/*
 * The kernel's rule, check_last_peer() in drivers/cxl/core/region.c: of the members below one port
 * the first @groups leave by different downstream ports, and every further one by the same as its
 * peer
 * @groups places before.
 */
static bool in_order(struct member *const *m, unsigned int n, unsigned int level)
{
	struct member *below[MEMBERS_MAX];
	unsigned int groups, i, j, g;

	if (n <= 1 || level >= m[0]->n_hops)
		return true;
	for (groups = 1; groups < n && !same_dport(m[groups], m[0], level); groups++)
		for (j = 1; j < groups; j++)
			if (same_dport(m[groups], m[j], level))
				return false;
	if (n % groups)
		return false;
	for (i = groups; i < n; i++)
		if (!same_dport(m[i], m[i - groups], level))
			return false;
	for (g = 0; g < groups; g++) {
		for (i = g, j = 0; i < n; i += groups)
			below[j++] = m[i];
		if (!in_order(below, j, level + 1))
			return false;
	}
	return true;
}

struct walk {
	struct planner *pl;
	unsigned int deepest; /* largest factor between the region's granularity and a port's */
	int deepest_port;
};

static int check_targets(struct walk *wk, int port, unsigned int groups)
{
	const struct port *t = &wk->pl->p->ports[port];
	unsigned int most = 8; /* cxl_port_setup_targets(): iw > 8 is refused */
	char buf[PORT_TEXT_MAX];
	size_t i;

	for (i = 0; i < t->n_decoders; i++)
		if (t->decoders[i].nr_targets && t->decoders[i].nr_targets < most)
			most = t->decoders[i].nr_targets;
	/* cxl_port_setup_targets(): switch level decoders only do powers of two */
	if (groups & (groups - 1))
		return say(
			wk->pl->ret_reason, -ENXIO,
			"the cards are behind %u ports of %s, which can spread over 1, 2, 4 or 8: "
			"name cards behind as many",
			groups, port_text(wk->pl->p, port, buf));
	if (groups > most)
		return say(wk->pl->ret_reason, -ENXIO,
			   "the cards are behind %u ports of %s, which can spread over %u at most: "
			   "name fewer cards",
			   groups, port_text(wk->pl->p, port, buf), most);
	return 0;
}

/* Put members below one port into the kernel's order. @factor: of this port's granularity. */
static int order_below(struct walk *wk, struct member **m, unsigned int n, unsigned int level,
		       unsigned int factor)
{
	struct member *sorted[MEMBERS_MAX];
	unsigned int groups = 1, first = n, count, size, i, g;
	char buf[PORT_TEXT_MAX];
	int r;

	if (level >= m[0]->n_hops)
		return 0;
	if (factor > wk->deepest) {
		wk->deepest = factor;
		wk->deepest_port = m[0]->hops[level].port;
	}

	memcpy(sorted, m, n * sizeof(*m));
	sort_by_dport(sorted, n, level);
	for (i = 1; i < n; i++)
		groups += !same_dport(sorted[i], sorted[i - 1], level);
	size = n / groups;
	for (i = 0; i < n; i += count) {
		for (count = 1; i + count < n && same_dport(sorted[i + count], sorted[i], level);)
			count++;
		if (!i)
			first = count;
		if (count != first)
			return say(wk->pl->ret_reason, -ENXIO,
				   "below %s, %u of the cards are behind %s and %u behind %s: an "
				   "interleave set needs as many behind each",
				   port_text(wk->pl->p, m[0]->hops[level].port, buf), first,
				   sorted[0]->hops[level].dport, count,
				   sorted[i]->hops[level].dport);
	}
	r = check_targets(wk, m[0]->hops[level].port, groups);
	for (g = 0; r == 0 && g < groups; g++)
		r = order_below(wk, &sorted[g * size], size, level + 1, factor * groups);
	for (i = 0; i < n; i++)
		m[i] = sorted[i % groups * size + i / groups];
	return r;
}

static int target_of(const struct window *w, const struct picture *p, const struct member *m)
{
	int port = m->hops[0].port;
	size_t i;

	for (i = 0; i < w->n_targets; i++)
		if (w->targets[i].port == port ||
		    (w->targets[i].port < 0 && w->targets[i].dport && p->ports[port].host &&
		     strcmp(w->targets[i].dport, p->ports[port].host) == 0))
			return i;
	return -1;
}

/* cxl_region_attach_position(): position p belongs below the window's target p % ways. */
static bool order_kept(const struct window *w, const struct picture *p, struct member *const *m,
		       unsigned int n)
{
	struct member *below[MEMBERS_MAX];
	unsigned int t, i, j;

	for (t = 0; t < w->ways; t++) {
		for (i = t, j = 0; i < n; i += w->ways) {
			if (target_of(w, p, m[i]) != (int)t)
				return false;
			below[j++] = m[i];
		}
		if (!in_order(below, j, 0))
			return false;
	}
	return true;
}

/*
 * Put members into the order of their positions in a region of this window. The order typed stays
 * where it is one the kernel takes. The caller has made sure that each target has n / ways members.
 * @ret_deepest: the granularity of the lowest ports is this many times the region's, and
 * @ret_deepest_port is one of them (cxl_port_setup_targets(): parent_ig * parent_iw at each level)
 */
int order_members(struct planner *pl, const struct window *w, struct member **members,
		  unsigned int n, unsigned int *ret_deepest, int *ret_deepest_port)
{
	struct member *order[MEMBERS_MAX], *below[MEMBERS_MAX];
	struct walk wk = { .pl = pl };
	/* power-of-two math for switch ports: 3, 6 and 12 ways at the root count as 1, 2 and 4 */
	unsigned int factor = w->ways % 3 ? w->ways : w->ways / 3;
	unsigned int t, i, j;
	int r;

	for (t = 0; t < w->ways; t++) {
		for (i = j = 0; i < n; i++)
			if (target_of(w, pl->p, members[i]) == (int)t)
				below[j++] = members[i];
		r = order_below(&wk, below, j, 0, factor);
		if (r < 0)
			return r;
		for (i = 0; i < j; i++)
			order[i * w->ways + t] = below[i];
	}
	if (!order_kept(w, pl->p, members, n))
		memcpy(members, order, n * sizeof(*members));
	*ret_deepest = wk.deepest;
	*ret_deepest_port = wk.deepest_port;
	return 0;
}
