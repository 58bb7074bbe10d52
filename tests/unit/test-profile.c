/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "harness.h"
#include "json-util.h"
#include "machines.h"
#include "profile.h"
#include "under-valgrind.h"

#define MATCH "[Match]\nPath=*\n"

/* All problems of a text as the client prints them, "" for none; the caller's. */
static char *problems_of(const char *text, size_t size, struct profile **ret, int *ret_r)
{
	struct profile_problems problems = { 0 };
	_cleanup_(profile_freep) struct profile *p = NULL;
	char *all = strdup("");

	*ret_r = profile_parse_text("p", "p", text, size, &problems, &p);
	assert_true(*ret_r == 0 || *ret_r == -EINVAL);
	assert_int_equal(p != NULL, *ret_r == 0);
	for (size_t i = 0; i < problems.n; i++) {
		_cleanup_free_ char *line = NULL, *before = all;

		assert_int_equal(profile_problem_text(&problems.list[i], &line), 0);
		assert_true(asprintf(&all, "%s%s\n", before, line) >= 0);
	}
	profile_problems_clear(&problems);
	if (ret)
		*ret = TAKE_PTR(p);
	return all;
}

static struct profile *parse(const char *text)
{
	struct profile *p = NULL;
	int r;
	_cleanup_free_ char *problems = problems_of(text, strlen(text), &p, &r);

	if (r < 0 || *problems)
		fail_msg("%s\nis refused: %s", text, problems);
	return p;
}

/* Each text and all that is said about it. */
static const struct {
	const char *text, *said;
} malformed[] = {
	/* clang-format off */
	{ "", "p: the file is empty: a profile begins with [Match] and says for which cards it is\n" },
	{ "# nothing\n\n; at all\n",
	  "p: the file is empty: a profile begins with [Match] and says for which cards it is\n" },
	{ "[Match]\n",
	  "p:1: [Match] has no keys, it matches every card: write Path=* if you mean it\n" },
	{ "\n[Match]\nSerial=1\nSerial=\n",
	  "p:2: [Match] has no keys, it matches every card: write Path=* if you mean it\n" },
	{ "[Memory]\nZone=kernel\n",
	  "p: there is no [Match], it matches every card: write [Match] and Path=* if you mean it\n" },
	{ "Ways=2\n" MATCH, "p:1: Ways= stands before any section: put it under [Region]\n" },
	{ "Frob=2\n" MATCH, "p:1: Frob= stands before any section: put it under [Match]\n" },
	{ "[Mtach]\nPath=*\n", "p:1: there is no section [Mtach]: did you mean [Match]?\n" },
	{ MATCH "[Colour]\nInk=blue\n",
	  "p:3: there is no section [Colour]: there are [Match], [Region], [Memory] and [Remove]\n" },
	{ MATCH "[Memory\nZone=kernel\n",
	  "p:3: \"[Memory\" is no section: that is a name in brackets, alone on its line\n" },
	{ MATCH "[Memory] # use\nZone=kernel\n",
	  "p:3: \"[Memory] # use\" is no section: that is a name in brackets, alone on its line\n" },
	{ MATCH "[]\n", "p:3: \"[]\" is no section: that is a name in brackets, alone on its line\n" },
	{ MATCH "Serail=1\n", "p:3: there is no key Serail= in [Match]: did you mean Serial=?\n" },
	{ "[Match]\nserial=1\n", "p:2: there is no key serial= in [Match]: did you mean Serial=?\n" },
	{ MATCH "Colour=blue\n",
	  "p:3: there is no key Colour= in [Match]: cxlmem.profile(5) has all\n" },
	{ MATCH "[Memory]\nWays=2\n", "p:4: Ways= stands in [Memory]: it belongs into [Region]\n" },
	{ MATCH "[Region]\nDeadlinSec=5\n",
	  "p:4: there is no key DeadlinSec=: did you mean DeadlineSec= of [Remove]?\n" },
	{ MATCH "[Region]\nWays 2\n",
	  "p:4: \"Ways 2\" has no \"=\": a line is Key=value, [Section] or a comment\n" },
	{ MATCH "[Region]\nWays: 2\n",
	  "p:4: \"Ways: 2\" has no \"=\": a line is Key=value, [Section] or a comment\n" },
	{ MATCH "[Region]\nWays:2=2\n",
	  "p:4: \"Ways:2=2\" has no \"=\": a line is Key=value, [Section] or a comment\n" },
	{ MATCH "=2\n", "p:3: \"=2\" has no key in front of \"=\"\n" },
	{ MATCH "[Region]\nWays of it=2\n",
	  "p:4: \"Ways of it=2\" has more than one word in front of \"=\"\n" },
	{ MATCH "[Region]\nWays=2 # two\n",
	  "p:4: \"# two\" is behind a value: a comment stands on a line of its own\n" },
	{ MATCH "[Region]\nWays=2 ; two\n",
	  "p:4: \"; two\" is behind a value: a comment stands on a line of its own\n" },
	{ MATCH "[Region]\nWays=5\n", "p:4: Ways= is \"5\": it takes 1, 2, 3, 4, 6, 8, 12 or 16\n" },
	{ MATCH "[Region]\nWays=two\n",
	  "p:4: Ways= is \"two\": it takes 1, 2, 3, 4, 6, 8, 12 or 16\n" },
	{ MATCH "[Region]\nGranularity=300\n",
	  "p:4: Granularity= is \"300\": it takes a power of two from 256 to 16384\n" },
	{ MATCH "[Region]\nSize=much\n",
	  "p:4: Size= is \"much\": it takes an amount of memory such as 512M or 1.5G\n" },
	{ MATCH "[Region]\nSize=0\n",
	  "p:4: Size= is \"0\": it takes an amount of memory such as 512M or 1.5G\n" },
	{ MATCH "[Region]\nSize=99999999999T\n",
	  "p:4: Size= is \"99999999999T\": that is too much to count\n" },
	{ "[Match]\nSerial=0x12 0x1g\n",
	  "p:2: Serial= has \"0x1g\": it takes serial numbers, decimal or behind 0x\n" },
	{ "[Match]\nSerial=0x10000000000000000\n",
	  "p:2: Serial= has \"0x10000000000000000\": that is too much to count\n" },
	{ "[Match]\nVendor=intel\n",
	  "p:2: Vendor= has \"intel\": it takes PCI vendor ids, up to four hexadecimal digits\n" },
	{ "[Match]\nVendor=8086 12345\n",
	  "p:2: Vendor= has \"12345\": it takes PCI vendor ids, up to four hexadecimal digits\n" },
	{ "[Match]\nPath=0000:0[de:*\n",
	  "p:2: Path= has \"0000:0[de:*\": it takes patterns of PCI addresses or slots, where each [ "
	  "has its ]\n" },
	{ "[Match]\nHostBridge=pci[\n",
	  "p:2: HostBridge= has \"pci[\": it takes patterns such as pci0000:0c or ACPI0016:*, where "
	  "each [ has its ]\n" },
	{ "[Match]\nType=dram\n", "p:2: Type= is \"dram\": it takes ram or pmem\n" },
	{ "[Match]\nMinSize=2G\nMaxSize=1G\n",
	  "p:3: MaxSize=1G is less than MinSize=2G: no card has both\n" },
	{ MATCH "[Region]\nWays=2\nWaitSec=soon\n",
	  "p:5: WaitSec= is \"soon\": it takes a time such as 30s, 2min or infinity\n" },
	{ MATCH "[Region]\nWays=2\nWaitSec=99999999999999w\n",
	  "p:5: WaitSec= is \"99999999999999w\": that is too much to count\n" },
	{ MATCH "[Region]\nWaitSec=30\n",
	  "p:4: WaitSec= with one way: a region of one card waits for no other, give Ways= or "
	  "Members=\n" },
	{ MATCH "[Region]\nWays=2\nFewer=less\n",
	  "p:5: Fewer= without WaitSec=: it says what is done when the wait is over, give WaitSec=\n" },
	{ MATCH "[Region]\nWays=2\nWaitSec=infinity\nFewer=less\n",
	  "p:6: Fewer=less with WaitSec=infinity: that wait is never over, give a time\n" },
	{ MATCH "[Region]\nWays=2\nWaitSec=1\nFewer=none\n",
	  "p:6: Fewer= is \"none\": it takes wait, less or separate\n" },
	{ "[Region]\nMembers=1 2\nWays=4\n",
	  "p:2: Members= has 2, fewer than Ways=4: name all, or leave Ways= out\n" },
	{ "[Region]\nMembers=1 2\nMembers=3 4\nWays=2\n",
	  "p:3: Members= has 4, more than Ways=2: write a profile for each set, or leave Ways= out\n" },
	{ "[Region]\nMembers=1 2 3 4 5\n",
	  "p:2: Members= has 5 cards: one region takes 1, 2, 3, 4, 6, 8, 12 or 16\n" },
	{ "[Region]\nMembers=1 0x2 slot:1 2\n",
	  "p:2: Members= has the serial number 0x2 twice\n" },
	{ "[Region]\nMembers=slot:1 slot:1\n", "p:2: Members= has \"slot:1\" twice\n" },
	{ "[Region]\nMembers=slot:[1 2\n",
	  "p:2: Members= has \"slot:[1\": it takes serial numbers, or patterns as Path=, where each [ "
	  "has its ]\n" },
	{ MATCH "[Memory]\nMode=dax\n", "p:4: Mode= is \"dax\": it takes system-ram or devdax\n" },
	{ MATCH "[Memory]\nZone=normal\n", "p:4: Zone= is \"normal\": it takes movable or kernel\n" },
	{ MATCH "[Memory]\nOnline=maybe\n", "p:4: Online= is \"maybe\": it takes yes or no\n" },
	{ MATCH "[Memory]\nMode=devdax\nAlign=64K\n",
	  "p:5: Align= is \"64K\": it takes 4K, 2M or 1G\n" },
	{ MATCH "[Memory]\nMode=devdax\nZone=movable\n",
	  "p:5: Zone= with Mode=devdax: only system-ram is in a zone, leave it out\n" },
	{ MATCH "[Memory]\nOnline=yes\nMode=devdax\n",
	  "p:4: Online= with Mode=devdax: only system-ram is brought online, leave it out\n" },
	{ MATCH "[Memory]\nAlign=2M\n",
	  "p:4: Align= with Mode=system-ram: only devdax has an alignment, leave it out or write "
	  "Mode=devdax\n" },
	{ MATCH "[Remove]\nDeadlineSec=30s\nOnDeadline=revoke\n",
	  "p:5: OnDeadline=revoke with Mode=system-ram: only devdax can be taken from its users, "
	  "write keep\n" },
	{ MATCH "[Remove]\nOnDeadline=keep\n",
	  "p:4: OnDeadline= without DeadlineSec=: it says what is done when that time is over, give "
	  "DeadlineSec=\n" },
	{ MATCH "[Memory]\nMode=devdax\n[Remove]\nDeadlineSec=infinity\nOnDeadline=revoke\n",
	  "p:7: OnDeadline=revoke with DeadlineSec=infinity: that time is never over, give another\n" },
	{ MATCH "[Remove]\nDeadlineSec=0\n",
	  "p:4: DeadlineSec= is \"0\": it takes a time longer than 0 such as 30s, 2min or infinity\n" },
	{ MATCH "[Memory]\nMode=devdax\n[Remove]\nOnFailure=evacuate\n",
	  "p:6: OnFailure=evacuate with Mode=devdax: only system-ram can be moved elsewhere, write keep\n" },
	{ MATCH "[Remove]\nOnFailure=run\n", "p:4: OnFailure= is \"run\": it takes keep or evacuate\n" },
	{ MATCH "[Remove]\nDeadlineSec=1\nOnDeadline=kill\n",
	  "p:5: OnDeadline= is \"kill\": it takes keep or revoke\n" },
	{ MATCH "\x7f" "ELF\x02\n[Memory]\nZone=blue\n",
	  "p:3: the file is no text: byte 0x7f in column 1\n" },
	{ MATCH "# caf\xe9\n[Memory]\nZone=kernel\n", "p:3: column 6 is not UTF-8\n" },
	{ MATCH "[Memory]\nZone=\xed\xa0\x80\n", "p:4: column 6 is not UTF-8\n" },
	{ MATCH "[Memory]\nZone=\xc2\x9bm\n", "p:4: column 6 is not UTF-8\n" },
	{ MATCH "[Memory]\nZone=kernel\rOnline=yes\n",
	  "p:4: the file is no text: byte 0x0d in column 12\n" },
	/* what is long is cut, at the end of a character */
	{ MATCH "[Memory]\nZone=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\xc3\xa9zzz\n",
	  "p:4: Zone= is \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...\": it takes movable or "
	  "kernel\n" },
	/* everything that is wrong is told, at its line, once */
	{ "Ways=2\n\n[Match]\nPath=*\nVendor=x\n# a comment\nSerial\n[Region]\nWays=7\nFewer=less\n"
	  "[Memory]\nMode=devdax\nZone=frozen\nAlign=2M\n",
	  "p:1: Ways= stands before any section: put it under [Region]\n"
	  "p:5: Vendor= has \"x\": it takes PCI vendor ids, up to four hexadecimal digits\n"
	  "p:7: \"Serial\" has no \"=\": a line is Key=value, [Section] or a comment\n"
	  "p:9: Ways= is \"7\": it takes 1, 2, 3, 4, 6, 8, 12 or 16\n"
	  "p:13: Zone= is \"frozen\": it takes movable or kernel\n"
	  "p:10: Fewer= without WaitSec=: it says what is done when the wait is over, give WaitSec=\n"
	  "p:13: Zone= with Mode=devdax: only system-ram is in a zone, leave it out\n" },
	{ MATCH "[Region]\nMembers=1 \\\n caf\xe9 \\\n 3\n[Memory]\nZone=x\n",
	  "p:5: column 5 is not UTF-8\np:8: Zone= is \"x\": it takes movable or kernel\n" },
	/* a line that goes on counts as the one it begins in */
	{ MATCH "[Region]\nMembers=1 \\\n# between\n  2 \\\n  1\n[Memory]\nZone=x\n",
	  "p:9: Zone= is \"x\": it takes movable or kernel\n"
	  "p:4: Members= has the serial number 0x1 twice\n" },
	/* clang-format on */
};

static void malformed_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(malformed); i++) {
		const char *text = malformed[i].text;
		int r;
		_cleanup_free_ char *said = problems_of(text, strlen(text), NULL, &r);

		if (r != -EINVAL || strcmp(said, malformed[i].said) != 0)
			fail_msg("%s\nsaid\n%sbut should say\n%s", text, said, malformed[i].said);
	}
}

/* Too long to be written down. */
static void long_files(void **state)
{
	_cleanup_free_ char *line = malloc(6000), *said = NULL, *path = NULL, *many = NULL;
	_cleanup_(profile_freep) struct profile *p = NULL;
	size_t at;
	int r;

	(void)state;
	/* libinih's own line would end in the middle of the third word */
	at = sprintf(line, "[Match]\nPath   =  ");
	for (int i = 0; i < 16; i++)
		at += sprintf(line + at, "pci0000:%02x/0000:%02x:00.0/0000:%02x:00.0%s", i, i,
			      i + 1, i % 2 ? "\t" : "   ");
	sprintf(line + at, "\nVendor=8086\n");
	p = parse(line);
	assert_int_equal(p->paths.n, 16);
	assert_string_equal(p->paths.list[0], "pci0000:00/0000:00:00.0/0000:01:00.0");
	assert_string_equal(p->paths.list[15], "pci0000:0f/0000:0f:00.0/0000:10:00.0");
	assert_int_equal(p->vendors.n, 1);

	/* a word of just the length that fits, and one letter more */
	at = sprintf(line, "[Match]\nPath= ");
	memset(line + at, 'a', 200);
	line[at + 196] = '\0';
	profile_free(p);
	p = parse(line);
	assert_int_equal(strlen(p->paths.list[0]), 196);
	strcpy(line + at + 196, "a");
	said = problems_of(line, strlen(line), NULL, &r);
	assert_string_equal(said,
			    "p:2: \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...\" is too "
			    "long: a word has up to 196 bytes\n");

	at = sprintf(line, "[Match]\nSerial=1\nSerial=");
	for (int i = 0; i < 2100; i++)
		at += sprintf(line + at, "2 ");
	strcpy(line + at, "\nSerial=3");
	free(said);
	said = problems_of(line, strlen(line), NULL, &r);
	assert_string_equal(said,
			    "p:3: the line is too long: 4096 bytes are the most, lists may be "
			    "spread over several lines with the same key\n");

	many = calloc(200, 2);
	assert_non_null(many);
	for (int i = 0; i < 199; i++)
		memcpy(many + 2 * i, "x\n", 2);
	free(said);
	said = problems_of(many, strlen(many), NULL, &r);
	assert_non_null(strstr(said, "\np:50: \"x\" has no"));
	assert_non_null(strstr(said, "\np:51: so much is wrong that the rest was not read\n"));
	assert_null(strstr(said, "p:52"));
}

/* An end in the middle of a text is what binary files look like. */
static void zero_bytes(void **state)
{
	static const char text[] = MATCH "[Memory]\nZone=ker\0nel\n";
	int r;
	_cleanup_free_ char *said = problems_of(text, sizeof(text) - 1, NULL, &r);

	(void)state;
	assert_int_equal(r, -EINVAL);
	assert_string_equal(said, "p:4: the file is no text: byte 0x00 in column 9\n");
}

static void warnings(void **state)
{
	static const struct {
		const char *text, *said;
	} cases[] = {
		/* clang-format off */
		{ MATCH "[Region]\nWays=2\nWays=4\n",
		  "p:5: warning: Ways= was given in line 4 already: the last one counts\n" },
		{ "[Match]\nSerial=0\n",
		  "p:2: warning: Serial= has 0: that is what cards without a serial number say, Path= "
		  "tells them apart\n" },
		{ "[Match]\nType=pmem\n",
		  "p:2: warning: Type=pmem: cxlmem uses volatile capacity only, such a card needs to "
		  "have some, too\n" },
		/* clang-format on */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(profile_freep) struct profile *p = NULL;
		int r;
		_cleanup_free_ char *said =
			problems_of(cases[i].text, strlen(cases[i].text), &p, &r);

		assert_int_equal(r, 0);
		assert_non_null(p);
		assert_string_equal(said, cases[i].said);
	}
}

static const char full[] = "\xef\xbb\xbf# all there is\r\n"
			   "; and both kinds of comment\r\n"
			   "[X-Mine]\n"
			   "Colour=blue\n"
			   "  [Match]  \n"
			   "\tSerial = 7 0x1f\n"
			   "Serial=8\n"
			   "Path=pci0000:0c slot:[23]\n"
			   "HostBridge=ACPI0016:0? \\\n"
			   "  # the other one\n"
			   "  pci0000:de\n"
			   "Vendor=0x8086 1AF4\n"
			   "MinSize=512M\n"
			   "MaxSize=1.5T\n"
			   "Type=ram\n"
			   "X-Note=anything\n"
			   "[Region]\n"
			   "Ways=4\n"
			   "Granularity=1K\n"
			   "Size=8G\n"
			   "WaitSec=1min 30s\n"
			   "Fewer=separate\n"
			   "[Memory]\n"
			   "Mode=devdax\n"
			   "Align=1G\n"
			   "[Remove]\n"
			   "DeadlineSec=2min\n"
			   "OnDeadline=revoke\n"
			   "[Match]\n"
			   "Vendor=1234";

static void all_keys(void **state)
{
	_cleanup_(profile_freep) struct profile *p = parse(full);

	(void)state;
	assert_string_equal(p->name, "p");
	assert_string_equal(p->path, "p");
	assert_int_equal(p->serials.n, 3);
	assert_int_equal(p->serials.list[1], 0x1f);
	assert_int_equal(p->serials.list[2], 8);
	assert_int_equal(p->paths.n, 2);
	assert_string_equal(p->paths.list[1], "slot:[23]");
	assert_int_equal(p->host_bridges.n, 2);
	assert_string_equal(p->host_bridges.list[0], "ACPI0016:0?");
	assert_string_equal(p->host_bridges.list[1], "pci0000:de");
	assert_int_equal(p->vendors.n, 3);
	assert_int_equal(p->vendors.list[0], 0x8086);
	assert_int_equal(p->vendors.list[1], 0x1af4);
	assert_int_equal(p->vendors.list[2], 0x1234);
	assert_int_equal(p->min_size, 512 * MIB);
	assert_int_equal(p->max_size, 3 * TIB / 2);
	assert_int_equal(p->capacity, CAPACITY_RAM);
	assert_int_equal(p->ways, 4);
	assert_int_equal(p->granularity, 1024);
	assert_int_equal(p->size, 8 * GIB);
	assert_int_equal(p->n_members, 0);
	assert_int_equal(p->wait_usec, 90000000);
	assert_int_equal(p->fewer, FEWER_SEPARATE);
	assert_int_equal(p->mode, MODE_DEVDAX);
	assert_int_equal(p->zone, ZONE_UNKNOWN);
	assert_false(p->online);
	assert_int_equal(p->align, GIB);
	assert_int_equal(p->deadline_usec, 120000000);
	assert_int_equal(p->on_deadline, ON_DEADLINE_REVOKE);
}

static void defaults(void **state)
{
	_cleanup_(profile_freep) struct profile *p = parse(MATCH), *q = NULL, *members = NULL;

	(void)state;
	assert_int_equal(p->min_size, 0);
	assert_true(p->max_size == UNKNOWN);
	assert_int_equal(p->ways, 1);
	assert_int_equal(p->wait_usec, 0);
	assert_int_equal(p->mode, MODE_SYSTEM_RAM);
	assert_int_equal(p->zone, ZONE_MOVABLE);
	assert_true(p->online);
	assert_int_equal(p->deadline_usec, 0);
	assert_int_equal(p->on_deadline, ON_DEADLINE_KEEP);

	/* without [Match]: the members are who it is for; they count themselves */
	members = parse("[Region]\nMembers=1 2\nMembers=pci0000:de/*\n[Memory]\nZone=kernel\n"
			"Online=off\n[Remove]\nDeadlineSec=infinity\n");
	assert_int_equal(members->ways, 3);
	assert_true(members->wait_usec == UNKNOWN);
	assert_int_equal(members->fewer, FEWER_WAIT);
	assert_int_equal(members->members[1].serial, 2);
	assert_string_equal(members->members[2].pattern, "pci0000:de/*");
	assert_int_equal(members->zone, ZONE_KERNEL);
	assert_false(members->online);
	assert_int_equal(members->deadline_usec, 0);

	/* an empty value takes back what was there before */
	q = parse("[Match]\nPath=a\nPath=\nPath=b\nVendor=1\nVendor=\nMinSize=1G\nMinSize=\n"
		  "MaxSize=1G\nMaxSize=\nType=ram\nType=\n[Region]\nWays=2\nWays=\nWaitSec=1\n"
		  "WaitSec=\n[Memory]\nMode=devdax\nMode=\nAlign=2M\nAlign=\nZone=kernel\nZone=\n"
		  "Online=no\nOnline=\n");
	assert_int_equal(q->paths.n, 1);
	assert_string_equal(q->paths.list[0], "b");
	assert_int_equal(q->vendors.n, 0);
	assert_int_equal(q->min_size, 0);
	assert_true(q->max_size == UNKNOWN);
	assert_int_equal(q->capacity, CAPACITY_ANY);
	assert_int_equal(q->ways, 1);
	assert_int_equal(q->wait_usec, 0);
	assert_int_equal(q->mode, MODE_SYSTEM_RAM);
	assert_int_equal(q->zone, ZONE_MOVABLE);
	assert_int_equal(q->align, 0);
	assert_true(q->online);
}

/* Every key of the table is taken where it belongs, and the words of one are told apart. */
static void words(void **state)
{
	static const char *const yes[] = { "1", "yes", "y", "true", "t", "on", "On", "YES" };
	static const char *const no[] = { "0", "no", "n", "false", "f", "off", "Off", "NO" };
	const char *section, *name;
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(yes) + ARRAY_SIZE(no); i++) {
		bool wanted = i < ARRAY_SIZE(yes);
		_cleanup_free_ char *text = NULL;
		_cleanup_(profile_freep) struct profile *p = NULL;

		assert_true(asprintf(&text, MATCH "[Memory]\nOnline=%s\n",
				     wanted ? yes[i] : no[i - ARRAY_SIZE(yes)]) > 0);
		p = parse(text);
		assert_int_equal(p->online, wanted);
	}
	for (; profile_key(n, &section, &name); n++) {
		_cleanup_free_ char *text = NULL;
		_cleanup_(profile_freep) struct profile *p = NULL;

		/* with no value each is taken and does nothing */
		assert_true(asprintf(&text, MATCH "[%s]\n%s=\nPath=*\n", section, name) > 0);
		if (strcmp(section, "Match") != 0)
			strstr(text, "=\nPath=*\n")[2] = '\0';
		p = parse(text);
	}
	assert_int_equal(n, 20);
}

static void in_json(void **state)
{
	_cleanup_(profile_freep) struct profile *p = parse(full), *q = parse(MATCH);
	_cleanup_(profile_freep) struct profile *m = parse("[Region]\nMembers=1 slot:2\n");
	_cleanup_json_ struct json_object *a = NULL, *b = NULL, *c = NULL;
	_cleanup_free_ char *text = NULL, *members = NULL;

	(void)state;
	assert_int_equal(profile_to_json(p, &a), 0);
	assert_string_equal(
		json_object_to_json_string_ext(a, JSON_C_TO_STRING_PLAIN),
		"{\"profile\":\"p\",\"path\":\"p\",\"match\":{\"serial\":[7,31,8],\"path\":["
		"\"pci0000:0c\",\"slot:[23]\"],\"host_bridge\":[\"ACPI0016:0?\",\"pci0000:de\"],"
		"\"vendor\":[32902,6900,4660],\"min_size\":536870912,\"max_size\":1649267441664,"
		"\"type\":\"ram\"},\"region\":{\"ways\":4,\"granularity\":1024,\"size\":8589934592,"
		"\"wait_usec\":90000000,\"fewer\":\"separate\"},\"memory\":{\"mode\":\"devdax\","
		"\"align\":1073741824},\"remove\":{\"deadline_usec\":120000000,\"on_deadline\":"
		"\"revoke\"}}");
	assert_int_equal(profile_to_json(q, &b), 0);
	assert_string_equal(json_object_to_json_string_ext(b, JSON_C_TO_STRING_PLAIN),
			    "{\"profile\":\"p\",\"path\":\"p\",\"match\":{\"path\":[\"*\"]},"
			    "\"region\":{\"ways\":1},\"memory\":{\"mode\":\"system-ram\",\"zone\":"
			    "\"movable\",\"online\":true}}");
	assert_int_equal(profile_to_json(m, &c), 0);
	assert_string_equal(
		json_object_to_json_string_ext(c, JSON_C_TO_STRING_PLAIN),
		"{\"profile\":\"p\",\"path\":\"p\",\"region\":{\"ways\":2,\"members\":[1,"
		"\"slot:2\"],\"fewer\":\"wait\"},\"memory\":{\"mode\":\"system-ram\","
		"\"zone\":\"movable\",\"online\":true}}");
	assert_int_equal(profile_match_text(p, &text), 0);
	assert_string_equal(text, "Serial=0x7,0x1f,0x8 Path=pci0000:0c,slot:[23] "
				  "HostBridge=ACPI0016:0?,pci0000:de Vendor=0x8086,0x1af4,0x1234 "
				  "MinSize=512M MaxSize=1.5T Type=ram");
	assert_int_equal(profile_match_text(m, &members), 0);
	assert_string_equal(members, "Members=0x1,slot:2");
}

/* Random changes of good files: whatever comes out, it is taken or refused with a reason. */
static void mutations(void **state)
{
	static const char *const seeds[] = {
		full,
		"[Region]\nMembers=1 2 "
		"pci0000:de/*\nWaitSec=30\nFewer=less\n[Memory]\nZone=kernel\n",
		MATCH "[Region]\nWays=2\\\n\n[Remove]\nDeadlineSec=1\nOnDeadline=keep\n",
	};
	static const char bytes[] = "\0\n\n[]=:;#\\ \t\r\x7f\xc3\xe2\x80=0aS";
	int rounds = under_valgrind() ? 300 : 20000, good = 0;
	unsigned int seed = 4;

	(void)state;
	for (int i = 0; i < rounds; i++) {
		const char *from = seeds[i % ARRAY_SIZE(seeds)];
		size_t size = strlen(from);
		int changes = 1 + rand_r(&seed) % 4, r;
		_cleanup_free_ char *text = malloc(2 * size), *said = NULL;

		assert_non_null(text);
		memcpy(text, from, size);
		while (changes--) {
			size_t at = rand_r(&seed) % size, n = 1 + rand_r(&seed) % 20;

			if (n > size - at)
				n = size - at;
			switch (rand_r(&seed) % 4) {
			case 0:
				text[at] = bytes[rand_r(&seed) % (sizeof(bytes) - 1)];
				break;
			case 1: /* without a piece, but never without everything */
				if (n < size) {
					memmove(text + at, text + at + n, size - at - n);
					size -= n;
				}
				break;
			case 2: /* with a piece twice */
				if (size + n <= 2 * strlen(from)) {
					memmove(text + at + n, text + at, size - at);
					size += n;
				}
				break;
			default:
				text[at] ^= 1 << rand_r(&seed) % 8;
			}
		}
		/* a block of its own of just this size: reading past the end is seen */
		text = realloc(text, size);
		assert_non_null(text);
		said = problems_of(text, size, NULL, &r);
		assert_true(r == 0 || *said);
		good += r == 0;
	}
	/* both ends are reached */
	assert_in_range(good, rounds / 50, rounds / 2);
}

static int set_string(char **to, const char *s)
{
	free(*to);
	*to = strdup(s);
	return *to ? 0 : -ENOMEM;
}

/* Two bridges with two cards each, placed as a kernel would tell it; mem3 is hardly known. */
static struct mock *machine_placed(void)
{
	struct mock *m = mock_new();
	struct picture *p = m->picture;

	machine_two_by_two(m);
	assert_non_null(picture_add_slot(p));
	assert_non_null(picture_add_slot(p));
	set_string(&p->slots[0].name, "2");
	set_string(&p->slots[1].name, "3-1");
	for (size_t i = 0; i < 4; i++) {
		struct memdev *d = &p->memdevs[i];
		char path[64];

		d->slot = i < 2 ? (int)i : -1;
		d->vendor = i == 1 ? 0x1af4 : 0x8086;
		snprintf(path, sizeof(path), "pci0000:%s/0000:%s:0%zu.0/%s", i < 2 ? "0c" : "de",
			 i < 2 ? "0c" : "de", i, d->host);
		set_string(&d->path, path);
	}
	p->memdevs[1].pmem_size = 2 * GIB;
	p->memdevs[2].ram_size = 4 * GIB;
	free(p->memdevs[3].path);
	p->memdevs[3].path = NULL;
	p->memdevs[3].vendor = UNKNOWN;
	p->memdevs[3].serial = UNKNOWN;
	p->memdevs[3].ram_size = UNKNOWN;
	set_string(&p->windows[0].targets[0].alias, "ACPI0016:01");
	set_string(&p->windows[1].targets[0].alias, "ACPI0016:00");
	return m;
}

static void matching(void **state)
{
	static const struct {
		const char *text, *cards; /* of mem0 to mem3 */
	} cases[] = {
		/* clang-format off */
		{ "[Match]\nPath=*\n", "0123" },
		{ "[Match]\nSerial=0x1001 4098\n", "12" },
		{ "[Match]\nSerial=18446744073709551614\n", "" },
		{ "[Match]\nPath=pci0000:0c/0000:0c:00.0/0000:20:00.0\n", "0" },
		{ "[Match]\nPath=pci0000:0c\n", "01" },
		{ "[Match]\nPath=pci0000:0c/*\n", "01" },
		{ "[Match]\nPath=0000:0c:01.0 0000:22:00.0\n", "12" },
		{ "[Match]\nPath=0000:2[13]:00.0\n", "13" },
		{ "[Match]\nPath=slot:2\n", "0" },
		{ "[Match]\nPath=slot:*\n", "01" },
		{ "[Match]\nPath=slot:3-?\n", "1" },
		{ "[Match]\nPath=2\n", "" },
		{ "[Match]\nPath=0000:0c\n", "" },
		{ "[Match]\nHostBridge=pci0000:de\n", "23" },
		{ "[Match]\nHostBridge=ACPI0016:00\n", "23" },
		{ "[Match]\nHostBridge=ACPI0016:*1\n", "01" },
		{ "[Match]\nHostBridge=0000:0c:00.0\n", "" },
		{ "[Match]\nVendor=8086\n", "02" },
		{ "[Match]\nVendor=0x1AF4 0x8086\n", "012" },
		{ "[Match]\nVendor=ffff\n", "" },
		/* of which capacity is counted depends on Type= */
		{ "[Match]\nMinSize=1025M\n", "12" },
		{ "[Match]\nMaxSize=1G\n", "0" },
		{ "[Match]\nMinSize=3G\nMaxSize=3G\n", "1" },
		{ "[Match]\nType=ram\n", "012" },
		{ "[Match]\nType=ram\nMaxSize=1G\n", "01" },
		/* all that is given must fit */
		{ "[Match]\nHostBridge=pci0000:0c\nVendor=8086\n", "0" },
		{ "[Match]\nSerial=0x1000 0x1001\nPath=slot:3-1\n", "1" },
		{ "[Region]\nMembers=0x1000 0000:23:00.0\n", "03" },
		{ "[Match]\nVendor=1af4\n[Region]\nMembers=0x1000 0x1001\n", "1" },
		/* clang-format on */
	};
	_cleanup_mock_ struct mock *m = machine_placed();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(profile_freep) struct profile *p = parse(cases[i].text);
		char got[8] = "", *to = got;

		for (int k = 0; k < 4; k++)
			if (profile_matches(p, m->picture, k))
				*to++ = '0' + k;
		if (strcmp(got, cases[i].cards) != 0)
			fail_msg("%smatches %s, not %s", cases[i].text, got, cases[i].cards);
	}
}

static void members(void **state)
{
	_cleanup_mock_ struct mock *m = machine_placed();
	_cleanup_(profile_freep) struct profile *p =
		parse("[Region]\nMembers=0x1001 pci0000:0c/* slot:2\n");

	(void)state;
	assert_int_equal(profile_member(p, m->picture, 0), 1);
	assert_int_equal(profile_member(p, m->picture, 1), 0);
	assert_int_equal(profile_member(p, m->picture, 2), -1);
}

/* A machine's files, in a directory of their own. */
struct files {
	char root[32];
};

static void files_clear(struct files *f)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -r %s", f->root);
	assert_int_equal(system(command), 0);
}

static void files_new(struct files *f)
{
	strcpy(f->root, "/tmp/profiles-XXXXXX");
	assert_non_null(mkdtemp(f->root));
}

/* The path of a file below the root, with its directories made. */
static char *file_path(const struct files *f, const char *name)
{
	char *path;

	assert_true(asprintf(&path, "%s%s", f->root, name) > 0);
	for (char *s = path + strlen(f->root) + 1; (s = strchr(s, '/')); s++) {
		*s = '\0';
		assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
		*s = '/';
	}
	return path;
}

static void write_file(const struct files *f, const char *name, const char *text)
{
	_cleanup_free_ char *path = file_path(f, name);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void write_link(const struct files *f, const char *name, const char *to)
{
	_cleanup_free_ char *path = file_path(f, name);

	assert_int_equal(symlink(to, path), 0);
}

/* "NAME:PATH ..." of the profiles, then a line for each problem, without the root. */
static char *loaded(const struct files *f, struct profile_set **ret)
{
	_cleanup_(profile_set_freep) struct profile_set *set = NULL;
	char *text = NULL, *at;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(profile_set_load(f->root, &set), 0);
	for (size_t i = 0; i < set->n; i++) {
		const struct profile *p = set->list[i];

		fprintf(out, "%s %s", p->name, p->path);
		for (size_t k = 0; k < p->dropins.n; k++)
			fprintf(out, " + %s", p->dropins.list[k]);
		fputc('\n', out);
	}
	for (size_t i = 0; i < set->problems.n; i++) {
		_cleanup_free_ char *line = NULL;

		assert_int_equal(profile_problem_text(&set->problems.list[i], &line), 0);
		fprintf(out, "%s\n", line);
	}
	fclose(out);
	while ((at = strstr(text, f->root)))
		memmove(at, at + strlen(f->root), strlen(at + strlen(f->root)) + 1);
	if (ret)
		*ret = TAKE_PTR(set);
	return text;
}

#define ETC "/etc/cxlmem/profiles.d"
#define RUN "/run/cxlmem/profiles.d"
#define LOCAL "/usr/local/lib/cxlmem/profiles.d"
#define LIB "/usr/lib/cxlmem/profiles.d"

static void no_files(void **state)
{
	_cleanup_(files_clear) struct files f;
	_cleanup_free_ char *got = NULL;

	(void)state;
	files_new(&f);
	got = loaded(&f, NULL);
	assert_string_equal(got, "");
}

/* The order is by name, whatever the directory; a name counts once, the first directory has it. */
static void overrides(void **state)
{
	_cleanup_(files_clear) struct files f;
	_cleanup_(profile_set_freep) struct profile_set *set = NULL;
	_cleanup_mock_ struct mock *m = machine_placed();
	_cleanup_free_ char *got = NULL;

	(void)state;
	files_new(&f);
	write_file(&f, ETC "/50-b.profile", MATCH);
	write_file(&f, RUN "/50-b.profile", "nonsense");
	write_file(&f, LIB "/50-b.profile", "nonsense");
	write_file(&f, RUN "/60-c.profile", MATCH);
	write_file(&f, LOCAL "/60-c.profile", "nonsense");
	write_file(&f, LOCAL "/70-d.profile", MATCH);
	write_file(&f, LIB "/70-d.profile", "nonsense");
	write_file(&f, LIB "/10-a.profile", "[Match]\nSerial=0x1000\n");
	/* masked, both ways */
	write_file(&f, LIB "/20-x.profile", MATCH);
	write_link(&f, ETC "/20-x.profile", "/dev/null");
	write_file(&f, LIB "/21-y.profile", MATCH);
	write_file(&f, RUN "/21-y.profile", "");
	/* none of ours */
	write_file(&f, ETC "/README", "nonsense");
	write_file(&f, ETC "/.hidden.profile", "nonsense");
	write_file(&f, ETC "/.profile", "nonsense");
	write_file(&f, ETC "/50-b.profile~", "nonsense");
	write_file(&f, ETC "/99-none.profile.d/10.conf", "nonsense");
	got = loaded(&f, &set);
	assert_string_equal(got, "10-a " LIB "/10-a.profile\n"
				 "50-b " ETC "/50-b.profile\n"
				 "60-c " RUN "/60-c.profile\n"
				 "70-d " LOCAL "/70-d.profile\n" RUN
				 "/21-y.profile: warning: the file is empty, which masks all of "
				 "its name: a link to /dev/null does it without this warning\n");
	assert_string_equal(profile_set_match(set, m->picture, 0)->name, "10-a");
	assert_string_equal(profile_set_match(set, m->picture, 1)->name, "50-b");
	assert_ptr_equal(profile_set_find(set, "60-c"), set->list[2]);
	assert_null(profile_set_find(set, "20-x"));
}

/* Drop-ins are read behind the profile, by name from all directories. */
static void dropins(void **state)
{
	_cleanup_(files_clear) struct files f;
	_cleanup_(profile_set_freep) struct profile_set *set = NULL;
	_cleanup_free_ char *got = NULL;

	(void)state;
	files_new(&f);
	write_file(&f, LIB "/a.profile",
		   "[Match]\nSerial=1\nPath=x\n[Region]\nWays=2\n[Memory]\nZone=kernel\n");
	write_file(&f, LIB "/a.profile.d/20.conf", "[Region]\nWays=8\n");
	write_file(&f, ETC "/a.profile.d/10.conf", "[Match]\nSerial=2\nPath=\n[Region]\nWays=4\n");
	write_file(&f, RUN "/a.profile.d/10.conf", "nonsense");
	write_file(&f, LIB "/a.profile.d/30.conf", "nonsense");
	write_link(&f, RUN "/a.profile.d/30.conf", "/dev/null");
	write_file(&f, LIB "/a.profile.d/40.txt", "nonsense");
	got = loaded(&f, &set);
	assert_string_equal(got, "a " LIB "/a.profile + " ETC "/a.profile.d/10.conf + " LIB
				 "/a.profile.d/20.conf\n");
	assert_int_equal(set->list[0]->serials.n, 2);
	assert_int_equal(set->list[0]->paths.n, 0);
	assert_int_equal(set->list[0]->ways, 8);
	assert_int_equal(set->list[0]->zone, ZONE_KERNEL);
}

/* What is broken is told, each where it is, and stops nothing else. */
static void broken_files(void **state)
{
	_cleanup_(files_clear) struct files f;
	_cleanup_(profile_set_freep) struct profile_set *set = NULL;
	_cleanup_free_ char *got = NULL, *path = NULL, *big = calloc(1, 256 * 1024 + 2);
	_cleanup_json_ struct json_object *json = NULL;
	struct json_object *problems;

	(void)state;
	files_new(&f);
	write_file(&f, ETC "/10.profile", MATCH "Frob=1\n");
	write_file(&f, LIB "/10.profile", MATCH);
	write_link(&f, ETC "/20.profile", "/nowhere/at/all");
	path = file_path(&f, ETC "/30.profile/");
	write_file(&f, ETC "/40.profile", MATCH);
	write_file(&f, ETC "/40.profile.d/1.conf", "[Memory]\nMode=devdax\n");
	write_file(&f, RUN "/40.profile.d/2.conf", "[Memory]\nZone=kernel\n");
	write_file(&f, LIB "/50.profile", MATCH);
	write_link(&f, LIB "/50.profile.d/x.conf", "x.conf");
	assert_non_null(big);
	memset(big, '#', 256 * 1024 + 1);
	write_file(&f, LIB "/60.profile", big);
	write_link(&f, LIB "/70.profile", "/dev/zero");
	write_file(&f, LOCAL, "this is no directory");
	write_file(&f, LIB "/80.profile", MATCH);
	write_file(&f, LIB "/90.profile", MATCH);
	write_file(&f, RUN "/90.profile.d", "this is no directory");
	got = loaded(&f, &set);
	assert_string_equal(
		got,
		"80 " LIB "/80.profile\n" LOCAL
		": the directory cannot be read: Not a directory\n" ETC
		"/10.profile:3: there is no key Frob= in [Match]: cxlmem.profile(5) has all\n" ETC
		"/20.profile: the file cannot be read: No such file or directory\n" ETC
		"/30.profile: the file cannot be read: it is a directory\n" RUN
		"/40.profile.d/2.conf:2: Zone= with Mode=devdax: only system-ram is in a zone, "
		"leave it out\n" LIB
		"/50.profile.d/x.conf: the file cannot be read: Too many levels of symbolic "
		"links\n" LIB "/60.profile: the file cannot be read: it is larger than 256K\n" LIB
		"/70.profile: the file cannot be read: it is no file\n" RUN
		"/90.profile.d: the directory cannot be read: Not a directory\n");
	assert_int_equal(profile_set_to_json(set, &json), 0);
	assert_true(json_object_object_get_ex(json, "problems", &problems));
	assert_int_equal(json_object_array_length(problems), set->problems.n);
	assert_true(json_object_object_get_ex(json, "profiles", &problems));
	assert_int_equal(json_object_array_length(problems), 1);
}

/* One file that somebody names: an empty one masks nothing there. */
static void single_files(void **state)
{
	_cleanup_(files_clear) struct files f;
	_cleanup_free_ char *good = NULL, *empty = NULL;
	_cleanup_(profile_freep) struct profile *p = NULL, *none = NULL;
	struct profile_problems problems = { 0 };

	(void)state;
	files_new(&f);
	write_file(&f, "/20-x.profile", MATCH);
	write_file(&f, "/empty", "");
	good = file_path(&f, "/20-x.profile");
	empty = file_path(&f, "/empty");
	assert_int_equal(profile_load_file(good, &problems, &p), 0);
	assert_string_equal(p->name, "20-x");
	assert_int_equal(problems.n, 0);
	assert_int_equal(profile_load_file(empty, &problems, &none), -EINVAL);
	assert_null(none);
	assert_int_equal(problems.n, 1);
	assert_non_null(strstr(problems.list[0].text, "the file is empty: "));
	assert_int_equal(profile_load_file("/nowhere", &problems, &none), -EINVAL);
	assert_string_equal(problems.list[1].text,
			    "the file cannot be read: No such file or directory");
	profile_problems_clear(&problems);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(malformed_files), cmocka_unit_test(long_files),
		cmocka_unit_test(zero_bytes),	   cmocka_unit_test(warnings),
		cmocka_unit_test(all_keys),	   cmocka_unit_test(defaults),
		cmocka_unit_test(words),	   cmocka_unit_test(in_json),
		cmocka_unit_test(mutations),	   cmocka_unit_test(matching),
		cmocka_unit_test(members),	   cmocka_unit_test(no_files),
		cmocka_unit_test(overrides),	   cmocka_unit_test(dropins),
		cmocka_unit_test(broken_files),	   cmocka_unit_test(single_files),
	};

	return cmocka_run_group_tests_name("profiles", tests, NULL, NULL);
}
