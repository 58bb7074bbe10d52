/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_CLI_TREE_INTERNAL_H
#define CXLMEM_CLI_TREE_INTERNAL_H

#include "tree.h"

/* For those that print trees. */
struct tree_node {
	char *name, *text; /* printable ASCII */
	enum tint tint;
	struct tree_node **children;
	size_t n_children;
};

struct tree {
	struct tree_node root;
	bool broken; /* a line was lost for want of memory */
};

#endif
