/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus.h"

#include <errno.h>
#include <string.h>

#define ERROR_PREFIX "org.cxlmem1.Error."
#define ERRNO_PREFIX "System.Error."

static bool one_of(const char *name, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(name, *list) == 0)
			return true;
	return false;
}

static int explain_errno(int r, const char *verb, char **ret_reason)
{
	switch (r) {
	case -ENOMEM:
		return r;
	case -ENOENT:
	case -ECONNREFUSED:
		return say(
			ret_reason, -ENOTCONN,
			"there is no system bus on this machine: is D-Bus installed and running?");
	case -EACCES:
	case -EPERM:
		return say(ret_reason, r, "%s needs root: try sudo", verb);
	case -ETIMEDOUT:
		return say(ret_reason, -ENOTCONN,
			   "cxlmemd did not answer in time; `journalctl -u cxlmemd` may say why");
	case -ENOTCONN:
	case -ECONNRESET:
	case -EPIPE:
	case -ESHUTDOWN:
		return say(
			ret_reason, -ENOTCONN,
			"the connection to cxlmemd broke; `systemctl status cxlmemd` may say why");
	case -EBADMSG:
	case -ENXIO:
	case -EINVAL:
		return say(
			ret_reason, r,
			"cxlmemd's answer to %s cannot be understood: is it of the same version? "
			"`systemctl restart cxlmemd` starts the one that is installed",
			verb);
	default:
		return say(ret_reason, r, "%s could not be asked for: %s", verb, strerror(-r));
	}
}

int bus_explain(const sd_bus_error *error, int r, const char *verb, char **ret_reason)
{
	static const char *const unreachable[] = {
		SD_BUS_ERROR_SERVICE_UNKNOWN,
		SD_BUS_ERROR_NAME_HAS_NO_OWNER,
		"org.freedesktop.systemd1.NoSuchUnit",
		"org.freedesktop.systemd1.LoadFailed",
		"org.freedesktop.DBus.Error.Spawn.ExecFailed",
		"org.freedesktop.DBus.Error.Spawn.ForkFailed",
		"org.freedesktop.DBus.Error.Spawn.ChildExited",
		"org.freedesktop.DBus.Error.Spawn.ServiceNotFound",
		NULL,
	};
	static const char *const denied[] = {
		SD_BUS_ERROR_ACCESS_DENIED,
		SD_BUS_ERROR_AUTH_FAILED,
		NULL,
	};
	static const char *const strange[] = {
		SD_BUS_ERROR_UNKNOWN_METHOD,	SD_BUS_ERROR_UNKNOWN_INTERFACE,
		SD_BUS_ERROR_UNKNOWN_PROPERTY,	SD_BUS_ERROR_INVALID_ARGS,
		SD_BUS_ERROR_INVALID_SIGNATURE, NULL,
	};

	if (!error || !sd_bus_error_is_set(error))
		return explain_errno(r, verb, ret_reason);
	if (strncmp(error->name, ERROR_PREFIX, strlen(ERROR_PREFIX)) == 0 && error->message)
		return say(ret_reason, -EREMOTEIO, "%s", error->message);
	/* The daemon says who may, and how: see daemon/authorize.h. */
	if (sd_bus_error_has_name(error, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED) &&
	    error->message)
		return say(ret_reason, -EACCES, "%s", error->message);
	if (one_of(error->name, unreachable))
		return say(ret_reason, -ENOTCONN,
			   "cxlmemd does not answer on the system bus: start it with "
			   "`systemctl start cxlmemd`");
	if (sd_bus_error_has_name(error, "org.freedesktop.systemd1.UnitMasked"))
		return say(ret_reason, -ENOTCONN,
			   "cxlmemd was switched off for good: `systemctl unmask cxlmemd` allows it again, "
			   "`systemctl start cxlmemd` starts it");
	if (one_of(error->name, denied))
		return say(ret_reason, -EACCES, "%s needs root: try sudo", verb);
	if (one_of(error->name, strange))
		return explain_errno(-EBADMSG, verb, ret_reason);
	if (sd_bus_error_has_name(error, SD_BUS_ERROR_NO_REPLY) ||
	    sd_bus_error_has_name(error, SD_BUS_ERROR_TIMEOUT))
		return explain_errno(-ETIMEDOUT, verb, ret_reason);
	if (sd_bus_error_has_name(error, SD_BUS_ERROR_DISCONNECTED))
		return explain_errno(-ENOTCONN, verb, ret_reason);
	/* sd-bus's own: the message is what strerror() says. */
	if (strncmp(error->name, ERRNO_PREFIX, strlen(ERRNO_PREFIX)) == 0)
		return explain_errno(-sd_bus_error_get_errno(error), verb, ret_reason);
	if (error->message)
		return say(ret_reason, -EREMOTEIO, "%s could not be asked for: %s", verb,
			   error->message);
	return explain_errno(sd_bus_error_get_errno(error) ? -sd_bus_error_get_errno(error) : r,
			     verb, ret_reason);
}
