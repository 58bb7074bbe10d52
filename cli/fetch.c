/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fetch.h"

#include <errno.h>

#include "bus.h"
#include "capture.h"
#include "json-out.h"

int fetch_json(struct cli *cli, struct json_object **ret, char **ret_reason)
{
	_cleanup_free_ char *text = NULL;
	int r;

	if (cli->capture) {
		*ret = capture_get(cli, "picture");
		return 0;
	}
	r = bus_connect_direct(cli, ret_reason);
	if (r < 0)
		return r;
	r = bus_get(cli->bus, "GetPicture", &text, ret_reason);
	return r < 0 ? r : read_json(text, ret, ret_reason);
}

int read_picture(struct json_object *json, struct picture **ret, char **ret_reason)
{
	_cleanup_free_ char *why = NULL;
	int r;

	r = picture_from_json(json, ret, &why);
	if (r == -EINVAL)
		return say(ret_reason, -EBADMSG,
			   "cxlmemd's picture of the machine cannot be understood: %s", why ?: "?");
	return r;
}
