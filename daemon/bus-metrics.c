// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>

#include "authorize.h"
#include "bus.h"

static void on_text(const char *text, void *userdata)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *call = userdata;

	if (text)
		(void)sd_bus_reply_method_return(call, "s", text);
	else
		(void)bus_reply_error(call, -ENOMEM, NULL);
}

static int get_metrics(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	_cleanup_free_ char *reason = NULL;
	struct manager *m = userdata;
	enum metrics_format format;
	const char *name;
	int r;

	r = sd_bus_message_read(call, "s", &name);
	if (r < 0)
		return r;
	r = metrics_format_from_name(name, &format);
	if (r < 0) {
		say(&reason, 0, "there is no format \"%s\": it is openmetrics or prometheus", name);
		return bus_error(error, r, reason);
	}
	r = exporter_ask(m->exporter, format, on_text, sd_bus_message_ref(call));
	if (r < 0) {
		sd_bus_message_unref(call);
		return bus_error(error, r, NULL);
	}
	return 1;
}

static int method_get_metrics(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	struct manager *m = userdata;

	return authorize_look(m->authority, call, get_metrics, m, error);
}

static const sd_bus_vtable metrics_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD_WITH_ARGS("GetMetrics", SD_BUS_ARGS("s", format), SD_BUS_RESULT("s", metrics), method_get_metrics,
				SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END
};

int bus_add_metrics(sd_bus *bus, struct manager *m)
{
	return sd_bus_add_object_vtable(bus, NULL, BUS_PATH, BUS_MANAGER, metrics_vtable, m);
}
