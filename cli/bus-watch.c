/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus.h"

#include <errno.h>

static int add_match(sd_bus *bus, sd_bus_slot **ret, const char *rule,
		     sd_bus_message_handler_t handler, void *userdata, char **ret_reason)
{
	int r;

	r = sd_bus_add_match_async(bus, ret, rule, handler, NULL, userdata);
	return r < 0 ? bus_explain(NULL, r, "watching", ret_reason) : 0;
}

static int rule_add(char **rule, const char *key, const char *value)
{
	char *longer;

	if (!value)
		return 0;
	if (asprintf(&longer, "%s,%s='%s'", *rule, key, value) < 0)
		return -ENOMEM;
	free(*rule);
	*rule = longer;
	return 0;
}

int bus_watch(sd_bus *bus, sd_bus_slot **ret, const char *path, const char *interface,
	      const char *member, sd_bus_message_handler_t handler, void *userdata,
	      char **ret_reason)
{
	_cleanup_free_ char *rule = NULL;
	/*
	 * Whoever is on the bus can send any signal: only the daemon's are wanted. A direct
	 * connection has no names, and nobody else at its other end.
	 */
	bool named = sd_bus_is_bus_client(bus) > 0;
	int r;

	if (asprintf(&rule, "type='signal'%s", named ? ",sender='" BUS_NAME "'" : "") < 0) {
		rule = NULL;
		return -ENOMEM;
	}
	if ((r = rule_add(&rule, "path", path)) < 0 ||
	    (r = rule_add(&rule, "interface", interface)) < 0 ||
	    (r = rule_add(&rule, "member", member)) < 0)
		return r;
	return add_match(bus, ret, rule, handler, userdata, ret_reason);
}

int bus_watch_daemon(sd_bus *bus, sd_bus_slot **ret, sd_bus_message_handler_t handler,
		     void *userdata, char **ret_reason)
{
	if (sd_bus_is_bus_client(bus) <= 0)
		return 0;
	return add_match(
		bus, ret,
		"type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
		"interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='" BUS_NAME "'",
		handler, userdata, ret_reason);
}
