/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "card-line.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "util.h"

/* The value behind " key=", up to the next space, or in quotes; NULL = there is none, else its length is set. */
static const char *value(const char *line, const char *key, size_t *ret_length)
{
	size_t n = strlen(key);

	for (const char *s = line; (s = strstr(s, key)); s += n) {
		const char *from = s + n + 1;

		if (s[n] != '=' || s == line || s[-1] != ' ')
			continue;
		if (*from == '\'') {
			const char *end = strchr(++from, '\'');

			*ret_length = end ? (size_t)(end - from) : strlen(from);
		} else {
			*ret_length = strcspn(from, " ,");
		}
		return from;
	}
	return NULL;
}

static bool copy(const char *line, const char *key, char *buf, size_t size)
{
	size_t n;
	const char *v = value(line, key, &n);

	if (!v || n == 0 || n >= size)
		return false;
	snprintf(buf, size, "%.*s", (int)n, v);
	return true;
}

static uint64_t number(const char *line, const char *key, int base)
{
	char text[32], *end;
	uint64_t n;

	if (!copy(line, key, text, sizeof(text)))
		return UNKNOWN;
	/* "serial=4097: status" */
	n = strtoull(text, &end, base);
	return end != text && (!*end || *end == ':') ? n : UNKNOWN;
}

static bool says(const char *line, const char *key, const char *word)
{
	char text[192];

	return copy(line, key, text, sizeof(text)) && strstr(text, word);
}

static enum event_severity log_severity(const char *line)
{
	static const char *const words[] = { "Info", "Warning", "Failure", "Fatal" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (says(line, "log", words[i]))
			return (enum event_severity)i;
	return SEVERITY_WARNING;
}

static void raise_to(struct card_line *l, enum event_severity severity)
{
	if (l->report.severity < severity)
		l->report.severity = severity;
}

/* "0x1000", or nothing where it is not told */
static void write_address(const char *line, char buf[static 64])
{
	uint64_t dpa = number(line, "dpa", 16);

	*buf = '\0';
	if (dpa != UNKNOWN)
		snprintf(buf, 64, " at device address 0x%" PRIx64, dpa);
}

/* Memory Event Descriptor, CXL 3.1 8.2.9.2.1.1 */
static bool read_media(const char *line, struct card_line *l)
{
	bool dram = strncmp(line, "cxl_dram", 8) == 0, lost = says(line, "descriptor", "UNCORRECTABLE");
	char where[64];

	write_address(line, where);
	l->report.kind = dram ? EVENT_DRAM : EVENT_GENERAL_MEDIA;
	l->report.severity = log_severity(line);
	if (lost)
		raise_to(l, SEVERITY_FAILURE);
	snprintf(l->text, sizeof(l->text), "%s error%s%s%s", dram ? "DRAM" : "media", where,
		 lost ? ", data lost" : ", corrected",
		 says(line, "descriptor", "THRESHOLD") ? ", more often than its threshold" : "");
	return true;
}

static bool read_module(const char *line, struct card_line *l)
{
	char type[64] = "an event";
	bool replace = says(line, "health_status", "REPLACEMENT");

	(void)copy(line, "event_type", type, sizeof(type));
	l->report.kind = EVENT_MEMORY_MODULE;
	l->report.severity = log_severity(line);
	if (replace)
		raise_to(l, SEVERITY_FAILURE);
	snprintf(l->text, sizeof(l->text), "memory module: %s%s%s%s", type,
		 says(line, "health_status", "MAINTENANCE") ? ", maintenance is needed" : "",
		 says(line, "health_status", "PERFORMANCE") ? ", slower than it should be" : "",
		 replace ? ", it asks to be replaced" : "");
	return true;
}

static bool read_poison(const char *line, struct card_line *l)
{
	uint64_t length = number(line, "dpa_length", 16);
	char where[64], size[32];

	if (says(line, "trace_type", "Clear"))
		return false;
	write_address(line, where);
	l->report.kind = EVENT_POISON;
	l->report.severity = SEVERITY_FAILURE;
	snprintf(l->text, sizeof(l->text), "poison%s, data of %s lost", where, format_size(length, size));
	return true;
}

/* "... serial=4097: status: 'Cache Data ECC Error | ...' first_error: ..." */
static bool read_protocol(const char *line, struct card_line *l)
{
	bool corrected = strstr(line, "uncorrectable") == NULL;
	const char *status = strstr(line, "status: '");

	status = status ? status + strlen("status: '") : "";
	l->report.kind = corrected ? EVENT_CORRECTABLE : EVENT_UNCORRECTABLE;
	l->report.severity = corrected ? SEVERITY_WARNING : SEVERITY_FATAL;
	snprintf(l->text, sizeof(l->text), "CXL protocol error, %s: %.*s",
		 corrected ? "corrected" : "not corrected", (int)strcspn(status, "'"), status);
	return true;
}

/* "aer_event: 0000:0d:00.0 PCIe Bus Error: severity=Corrected, Corrected Internal Error, TLP Header=..." */
static bool read_pcie(const char *line, struct card_line *l)
{
	const char *what = strstr(line, "severity=");
	char severity[64];

	if (!what || sscanf(line, "aer_event: %31s", l->host) != 1 ||
	    !copy(line, "severity", severity, sizeof(severity)))
		return false;
	what = strchr(what, ',');
	what = what ? what + 1 + strspn(what + 1, " ") : "";
	l->report.kind = EVENT_PCIE;
	/* Where it concerned memory, the card's protocol errors say so. */
	l->report.severity = SEVERITY_WARNING;
	snprintf(l->text, sizeof(l->text), "PCIe error (AER), %s: %.*s",
		 !strcmp(severity, "Corrected") ? "corrected" : "not corrected", (int)strcspn(what, ","), what);
	return true;
}

/* "... log=Failure : 3 records from 1 to 2" */
static bool read_overflow(const char *line, struct card_line *l)
{
	const char *at = strstr(line, " : ");
	uint64_t n = at ? strtoull(at + 3, NULL, 10) : 0;

	l->report.kind = EVENT_LOST_RECORDS;
	l->report.severity = log_severity(line);
	snprintf(l->text, sizeof(l->text), "its log was full, %" PRIu64 " records are lost", n);
	return true;
}

static bool read_other(const char *line, struct card_line *l)
{
	l->report.kind = EVENT_OTHER_RECORD;
	l->report.severity = log_severity(line);
	snprintf(l->text, sizeof(l->text), "an event of another kind (%.*s)", (int)strcspn(line, ":"), line);
	return true;
}

static const struct {
	const char *event;
	bool (*read)(const char *line, struct card_line *l);
} events[] = {
	{ "cxl/cxl_general_media", read_media },
	{ "cxl/cxl_dram", read_media },
	{ "cxl/cxl_memory_module", read_module },
	{ "cxl/cxl_generic_event", read_other },
	{ "cxl/cxl_memory_sparing", read_other },
	{ "cxl/cxl_overflow", read_overflow },
	{ "cxl/cxl_poison", read_poison },
	{ "cxl/cxl_aer_correctable_error", read_protocol },
	{ "cxl/cxl_aer_uncorrectable_error", read_protocol },
	{ "ras/aer_event", read_pcie },
};

const char *card_line_event(size_t i)
{
	return i < ARRAY_SIZE(events) ? events[i].event : NULL;
}

int card_line_read(const char *line, struct card_line *ret)
{
	size_t n = strcspn(line, ":");

	for (size_t i = 0; line[n] && i < ARRAY_SIZE(events); i++) {
		const char *name = strchr(events[i].event, '/') + 1;

		if (strlen(name) != n || strncmp(line, name, n) != 0)
			continue;
		*ret = (struct card_line){ .report.serial = number(line, "serial", 10) };
		(void)copy(line, "memdev", ret->memdev, sizeof(ret->memdev));
		(void)copy(line, "host", ret->host, sizeof(ret->host));
		if (!events[i].read(line, ret) || !*ret->host)
			return -ENOMSG;
		ret->report.memdev = *ret->memdev ? ret->memdev : NULL;
		ret->report.host = ret->host;
		ret->report.text = ret->text;
		return 0;
	}
	return -ENOMSG;
}
