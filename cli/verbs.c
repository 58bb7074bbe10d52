/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "verbs.h"

#include <limits.h>
#include <string.h>

#include "suggest.h"
#include "util.h"

#include "actions.h"
#include "habits.h"
#include "names.h"

#define ANY UINT_MAX

#define CARDS_MISSING                                                                \
	"needs at least one CARD: a memdev name (mem0), a serial or a PCI address; " \
	"`cxlmemctl list cards` shows them"
#define SLOTS_MISSING                                                                     \
	"needs at least one CARD (a memdev name, a serial or a PCI address) or SLOT; `cxlmemctl " \
	"list slots` shows them"
#define REGIONS_MISSING                                                                       \
	"needs at least one REGION: its name (region0), its dax device (dax0.0) or its node " \
	"(node1); `cxlmemctl list regions` shows them"

const struct option_info option_table[_OPTION_MAX] = {
	[OPTION_JSON] = { "json", 'j', NULL, "print JSON instead of text: --format=json", false },
	[OPTION_FORMAT] = { "format", 0, "FORMAT", "table (default), json, or json-seq: a line for each",
			    false, .choices = "table json json-seq" },
	[OPTION_QUIET] = { "quiet", 'q', NULL, "print errors only (and JSON, if asked for)",
			   false },
	[OPTION_HELP] = { "help", 'h', NULL, "explain a verb, or list all", false },
	[OPTION_VERSION] = { "version", 'V', NULL, "print the version", false },
	[OPTION_HOST] = { "host", 'H', "[USER@]HOST", "of another machine, over ssh", false },
	[OPTION_MACHINE] = { "machine", 'M', "CONTAINER", "of a container on this machine", false },
	[OPTION_MODE] = { "mode", 'm', "MODE", "system-ram (default) or devdax", true,
			  .choices = "system-ram devdax" },
	[OPTION_ZONE] = { "zone", 'z', "ZONE", "movable (default, can be taken away) or kernel",
			  true, .choices = "movable kernel" },
	[OPTION_SIZE] = { "size", 's', "SIZE", "of one region, as 512M or 1.5G (default: all)",
			  true },
	[OPTION_WAYS] = { "ways", 'w', "N", "cards in one region (default: all that are named)",
			  true, .choices = "1 2 3 4 6 8 12 16" },
	[OPTION_GRANULARITY] = { "granularity", 'g', "BYTES",
				 "bytes from each card in turn, 256 to 16384", true,
				 .choices = "256 512 1024 2048 4096 8192 16384" },
	[OPTION_WINDOW] = { "window", 'd', "WINDOW", "this window and no other (decoder0.0)",
			    true, .names = NAME_WINDOW },
	[OPTION_ALIGN] = { "align", 'a', "SIZE", "of devdax: 4K, 2M or 1G (default: 2M)", true,
			   .choices = "4K 2M 1G" },
	[OPTION_NO_ONLINE] = { "no-online", 'N', NULL, "leave the memory offline", true },
	[OPTION_DEADLINE] = { "deadline", 't', "TIME",
			      "give up and walk back then, as 30s or 2min", true,
			      .choices = "30s 2min infinity" },
	[OPTION_ON_DEADLINE] = { "on-deadline", 0, "WHAT",
				 "keep (default), or revoke devdax from its users",
				 true, .choices = "keep revoke" },
	[OPTION_FORCE] = { "force", 0, NULL,
			   "take devdax from its users, at a risk: cxlmemctl(1)", true },
	[OPTION_NO_WAIT] = { "no-wait", 0, NULL, "start the operation and return at once", false },
	[OPTION_DRY_RUN] = { "dry-run", 'n', NULL, "show the steps and do nothing", false },
	[OPTION_FROM] = { "from", 'f', "FILE", "of the machine in a capture, not of this one", false,
			  .names = NAME_FILE },
	[OPTION_SVG] = { "svg", 0, "FILE", "draw it into FILE, as SVG (-: print it)", false,
			 .names = NAME_FILE },
};

const struct verb_info verb_table[] = {
	{
		.name = "status",
		.words = "",
		.brief = "one screen: problems, capacity, regions, operations",
		.options = BIT(OPTION_FROM),
		.run = show_status,
	},
	{
		.name = "list",
		.words = "[windows|ports|cards|slots|regions|dax|memory|nodes]",
		.brief = "tables of what the machine has",
		.details = "windows  address ranges that firmware set aside (root decoders)\n"
			   "ports    host bridges, switches and endpoints with their decoders\n"
			   "cards    memory devices (memdevs)\n"
			   "slots    where cards can be plugged in and taken out\n"
			   "regions  memory made of cards\n"
			   "dax      the devices through which regions are used\n"
			   "memory   memory blocks inside windows\n"
			   "nodes    NUMA nodes\n",
		.options = BIT(OPTION_FROM),
		.max_words = 1,
		.choices = "windows ports cards slots regions dax memory nodes",
		.run = show_list,
	},
	{
		.name = "topology",
		.words = "",
		.brief = "a tree from windows to cards, and to regions and NUMA nodes",
		.options = BIT(OPTION_FROM) | BIT(OPTION_SVG),
		.run = show_topology,
	},
	{
		.name = "show",
		.words = "OBJECT...",
		.brief = "all that is known of something, by any name it has",
		.details = "A card as mem0, by its serial or PCI address; region0, dax0.0 or /dev/dax0.0;\n"
			   "a window or decoder (decoder0.0); port1 or its host; slot:2; node1; memory32.\n",
		.missing = "show needs the name of something: a card (mem0), region0, dax0.0, "
			   "decoder0.0, slot:2, node1; `cxlmemctl list` shows them",
		.options = BIT(OPTION_FROM),
		.min_words = 1,
		.max_words = ANY,
		.names = NAME_OBJECT,
		.run = show_object,
	},
	{
		.name = "plan",
		.words = "VERB ...",
		.brief = "the steps a verb would take; nothing is done",
		.details = "VERB is create, online, offline, set-mode, destroy or eject, with its own "
			   "words.\n",
		.missing = "plan needs a verb that changes something: create, online, offline, "
			   "set-mode, destroy or eject",
		.options = BIT(OPTION_FROM),
		.outer = true,
		.names = NAME_CHANGE,
		.run = make_plan,
	},
	{
		.name = "create",
		.words = "CARD...",
		.brief = "make a region of cards and use it",
		.details = "A CARD is a memdev name (mem0), a serial or a PCI address. Several "
			   "cards make\n"
			   "one interleaved region; with --ways 1 each makes its own. The order "
			   "does not\n"
			   "matter.\n",
		.options = BIT(OPTION_MODE) | BIT(OPTION_ZONE) | BIT(OPTION_SIZE) |
			   BIT(OPTION_WAYS) | BIT(OPTION_GRANULARITY) | BIT(OPTION_WINDOW) |
			   BIT(OPTION_NO_ONLINE) | BIT(OPTION_ALIGN) | BIT(OPTION_NO_WAIT) |
			   BIT(OPTION_DRY_RUN),
		.min_words = 1,
		.max_words = ANY,
		.missing = "create " CARDS_MISSING,
		.changes = true,
		.names = NAME_CARD,
		.run = make_change,
	},
	{
		.name = "online",
		.words = "REGION...",
		.brief = "bring the memory of regions online",
		.details = "Memory that is online in the other zone is taken offline first.\n",
		.options = BIT(OPTION_ZONE) | BIT(OPTION_NO_WAIT) | BIT(OPTION_DRY_RUN),
		.min_words = 1,
		.max_words = ANY,
		.missing = "online " REGIONS_MISSING,
		.changes = true,
		.names = NAME_REGION,
		.run = make_change,
	},
	{
		.name = "offline",
		.words = "REGION...",
		.brief = "take the memory of regions offline",
		.details = "What is in it moves to other memory; programs go on. All of it or "
			   "nothing.\n",
		.options = BIT(OPTION_DEADLINE) | BIT(OPTION_NO_WAIT) | BIT(OPTION_DRY_RUN),
		.min_words = 1,
		.max_words = ANY,
		.missing = "offline " REGIONS_MISSING,
		.changes = true,
		.names = NAME_REGION,
		.run = make_change,
	},
	{
		.name = "drain",
		.words = "REGION...",
		.brief = "the same as offline: move what is in regions elsewhere",
		.details = "The region stays, and `cxlmemctl online` has it used again. A devdax region is\n"
			   "drained by what takes it away (set-mode, destroy, eject), where the kernel can.\n",
		.options = BIT(OPTION_DEADLINE) | BIT(OPTION_NO_WAIT) | BIT(OPTION_DRY_RUN),
		.min_words = 1,
		.max_words = ANY,
		.missing = "drain " REGIONS_MISSING,
		.names = NAME_REGION,
		.changes = true,
		.same_as = "offline",
		.run = make_change,
	},
	{
		.name = "set-mode",
		.words = "MODE REGION...",
		.brief = "use regions as system-ram or as devdax",
		.details = "MODE is system-ram or devdax; --mode MODE does the same.\n",
		.options = BIT(OPTION_MODE) | BIT(OPTION_ZONE) | BIT(OPTION_NO_ONLINE) |
			   BIT(OPTION_ALIGN) |
			   BIT(OPTION_DEADLINE) | BIT(OPTION_ON_DEADLINE) |
			   BIT(OPTION_FORCE) | BIT(OPTION_NO_WAIT) | BIT(OPTION_DRY_RUN),
		.min_words = 1,
		.max_words = ANY,
		.missing = "set-mode needs a mode and at least one REGION: cxlmemctl set-mode "
			   "devdax region0",
		.changes = true,
		.choices = "system-ram devdax",
		.names = NAME_REGION,
		.run = make_change,
	},
	{
		.name = "destroy",
		.words = "REGION...",
		.brief = "take regions offline and give their cards back",
		.details = "The order is found by itself. Data in devdax regions is lost.\n",
		.options = BIT(OPTION_DEADLINE) | BIT(OPTION_ON_DEADLINE) |
			   BIT(OPTION_FORCE) | BIT(OPTION_NO_WAIT) | BIT(OPTION_DRY_RUN),
		.min_words = 1,
		.max_words = ANY,
		.missing = "destroy " REGIONS_MISSING,
		.changes = true,
		.names = NAME_REGION,
		.run = make_change,
	},
	{
		.name = "eject",
		.words = "CARD|SLOT...",
		.brief = "free cards and power their slots off, so that they may be pulled",
		.details = "All regions on a card are destroyed first, the whole of an interleave set, too.\n"
			   "A region that cxlmem did not make goes only when it is named on the same line.\n"
			   "A SLOT is a name from `cxlmemctl list slots`, with slot: before it when a card\n"
			   "is called so.\n",
		.options = BIT(OPTION_DEADLINE) | BIT(OPTION_ON_DEADLINE) | BIT(OPTION_FORCE) |
			   BIT(OPTION_NO_WAIT) | BIT(OPTION_DRY_RUN),
		.min_words = 1,
		.max_words = ANY,
		.missing = "eject " SLOTS_MISSING,
		.changes = true,
		.names = NAME_CARD | NAME_SLOT,
		.run = make_change,
	},
	{
		.name = "health",
		.words = "[CARD...]",
		.brief = "how cards are, and what errors they have reported",
		.details = "Errors are those since cxlmemd was started, the last 32 of each card: event\n"
			   "records of general media, DRAM and memory module, poison, errors of the CXL\n"
			   "protocol and of PCIe. A card that is failing should not be trusted with data.\n",
		.max_words = ANY,
		.names = NAME_CARD,
		.run = show_health,
	},
	{
		.name = "blockers",
		.words = "REGION",
		.brief = "who and what is in the way of taking a region's memory away",
		.details = "Processes with memory there (or with a devdax device open or mapped), "
			   "how much,\n"
			   "what of theirs is locked and pinned; huge pages, and the kernel's own "
			   "memory, by\n"
			   "memory block. A region is named as region0, dax0.0 or node1.\n",
		.min_words = 1,
		.max_words = 1,
		.missing = "blockers needs a REGION: its name (region0), its dax device (dax0.0) or its "
			   "node (node1)",
		.names = NAME_REGION,
		.run = show_blockers,
	},
	{
		.name = "metrics",
		.words = "[FILE]",
		.brief = "numbers for a monitoring system",
		.details = "As OpenMetrics. Into a FILE they go in the older format that the textfile\n"
			   "collector of node_exporter reads; cxlmem-metrics.timer does that each minute.\n",
		.max_words = 1,
		.names = NAME_FILE,
		.run = show_metrics,
	},
	{
		.name = "doctor",
		.words = "",
		.brief = "what is wrong with how this machine is set up, and what to do",
		.details = "Kernel, windows, cards, memory that firmware took, others that bring memory\n"
			   "online, profiles. The exit code is 1 when something is wrong (!!), 0 when all\n"
			   "there is to say is good to know (!).\n",
		.options = BIT(OPTION_FROM),
		.run = see_doctor,
	},
	{
		.name = "operations",
		.words = "[ID]",
		.brief = "what is going on and what was done last; with ID the steps of one",
		.max_words = 1,
		.names = NAME_OPERATION,
		.run = show_operations,
	},
	{
		.name = "cancel",
		.words = "ID",
		.brief = "stop an operation and take back what it did",
		.options = BIT(OPTION_NO_WAIT),
		.min_words = 1,
		.max_words = 1,
		.missing = "cancel needs the ID of an operation; `cxlmemctl operations` shows them",
		.names = NAME_RUNNING,
		.run = cancel_operation,
	},
	{
		.name = "profiles",
		.words = "[check [FILE...]]",
		.brief = "what is done with cards that are plugged: cxlmem.profile(5)",
		.details = "The profiles that are used, in the order in which they are tried, and "
			   "the cards\n"
			   "that each takes. With check everything that is wrong with all "
			   "profiles, or with\n"
			   "FILEs, as FILE:LINE: MESSAGE; the exit code is 1 if there are errors, "
			   "0 if\n"
			   "there are none or only warnings.\n",
		.max_words = ANY,
		.choices = "check",
		.names = NAME_FILE,
		.run = show_profiles,
	},
	{
		.name = "wishes",
		.words = "",
		.brief = "what is remembered over reboots, and what became of it",
		.run = show_wishes,
	},
	{
		.name = "forget",
		.words = "REGION|CARD|#ID|all ...",
		.brief = "remember something no longer; the memory stays as it is",
		.details = "A CARD may be one that is not there, by its serial. A card that was left "
			   "alone\n"
			   "because its region was destroyed goes to the profile that matches it.\n",
		.min_words = 1,
		.max_words = ANY,
		.missing = "forget needs a region, a card, the #ID of a wish, or all; `cxlmemctl "
			   "wishes` shows them",
		.choices = "all",
		.names = NAME_CARD | NAME_REGION,
		.run = forget,
	},
	{
		.name = "adopt",
		.words = "REGION...",
		.brief = "remember regions that somebody else made as one's own",
		.min_words = 1,
		.max_words = ANY,
		.missing = "adopt " REGIONS_MISSING,
		.names = NAME_REGION,
		.run = adopt,
	},
	{
		.name = "export",
		.words = "[FILE]",
		.brief = "write what is remembered, as JSON, for another machine",
		.max_words = 1,
		.names = NAME_FILE,
		.run = export_wishes,
	},
	{
		.name = "import",
		.words = "[FILE]",
		.brief = "remember what was exported, and do it where the cards are there",
		.details = "It replaces what is remembered for the same cards. Without FILE, or with "
			   "-,\n"
			   "standard input is read.\n",
		.max_words = 1,
		.names = NAME_FILE,
		.run = import_wishes,
	},
	{
		.name = "capture",
		.words = "[FILE]",
		.brief = "write down all that is known of this machine, for --from elsewhere",
		.details = "What status, list, topology and plan need to say the same on another machine,\n"
			   "without a daemon: for support, and to plan. Serials and addresses are in it, no\n"
			   "data.\n",
		.max_words = 1,
		.names = NAME_FILE,
		.run = capture,
	},
	{
		.name = "settle",
		.words = "[TIME]",
		.brief = "wait until nothing is done by itself any more, one minute at most",
		.details = "That is when profiles and wishes have been followed for all cards that are\n"
			   "there. TIME is as 30s, 2min or infinity. The exit code is 1 when it is over.\n",
		.max_words = 1,
		.choices = "30s 2min infinity",
		.run = settle,
	},
	{
		.name = "watch",
		.words = "",
		.brief = "status on the whole screen, drawn anew when something changes",
		.details = "q or Ctrl-C ends it. Operations that run are looked at once a second.\n",
		.run = watch_status,
	},
	{
		.name = "monitor",
		.words = "",
		.brief = "print a line for everything that happens, until Ctrl-C",
		.run = monitor,
	},
	{
		.name = "help",
		.words = "[VERB]",
		.brief = "explain a verb, or list all",
		.max_words = 1,
		.names = NAME_VERB,
		.run = show_help,
	},
};
const size_t verb_table_size = ARRAY_SIZE(verb_table);

const struct verb_info *verb_find(const char *name)
{
	for (size_t i = 0; i < verb_table_size; i++)
		if (strcmp(verb_table[i].name, name) == 0)
			return &verb_table[i];
	return NULL;
}

static const char *next_verb(size_t i, const void *userdata)
{
	(void)userdata;
	return i < verb_table_size ? verb_table[i].name : NULL;
}

static const char *next_change(size_t i, const void *userdata)
{
	(void)userdata;
	for (size_t k = 0; k < verb_table_size; k++)
		if (verb_table[k].changes && i-- == 0)
			return verb_table[k].name;
	return NULL;
}

const char *verb_suggest(const char *typed, bool changes)
{
	const char *habit = habit_verb(typed);

	if (habit && (!changes || verb_find(habit)->changes))
		return habit;
	return suggest(typed, changes ? next_change : next_verb, NULL);
}

enum option_id option_find(const char *name, size_t length)
{
	for (unsigned int i = 0; i < _OPTION_MAX; i++)
		if (strlen(option_table[i].name) == length &&
		    strncmp(option_table[i].name, name, length) == 0)
			return i;
	return _OPTION_MAX;
}

enum option_id option_find_letter(char letter)
{
	for (unsigned int i = 0; i < _OPTION_MAX; i++)
		if (letter && option_table[i].letter == letter)
			return i;
	return _OPTION_MAX;
}

static const char *next_option(size_t i, const void *userdata)
{
	const uint32_t *mask = userdata;

	for (unsigned int k = 0; k < _OPTION_MAX; k++)
		if (*mask & BIT(k) && i-- == 0)
			return option_table[k].name;
	return NULL;
}

const char *option_suggest(const char *typed, uint32_t mask)
{
	return suggest(typed, next_option, &mask);
}
