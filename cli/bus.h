/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_CLI_BUS_H
#define CXLMEM_CLI_BUS_H

#include <systemd/sd-bus.h>

#include "cli.h"
#include "operation.h"
#include "wish.h"

/*
 * Everything that is said to the daemon (data/org.cxlmem1.xml). Functions return 0, or a negative errno
 * with the sentence for a person in @ret_reason (the caller's): -ENOTCONN when the daemon cannot be
 * reached.
 */

/* Where the daemon listens for root, besides the system bus. */
#define BUS_DIRECT "unix:path=/run/cxlmem/private"
#define BUS_NAME "org.cxlmem1"
#define BUS_PATH "/org/cxlmem1"
#define BUS_MANAGER "org.cxlmem1.Manager"
#define BUS_OPERATION "org.cxlmem1.Operation"
#define BUS_OPERATIONS_PATH BUS_PATH "/operation"

struct operation_line {
	char *path, *verb, *state, *summary;
	double fraction; /* 0 to 1 */
};

void operation_lines_free(struct operation_line *lines, size_t n);

/**
 * operation_line_is_over - whether nothing more will happen to it
 */
bool operation_line_is_over(const struct operation_line *line);

/**
 * bus_connect - make sure that cli->bus is a connection to the system bus
 *
 * Nobody waits for an answer here: the first call finds out whether the daemon is there.
 */
int bus_connect(struct cli *cli, char **ret_reason);

/**
 * bus_connect_direct - the same for one request: root speaks to the daemon itself where that listens
 *
 * Such a connection ends with the daemon.
 */
int bus_connect_direct(struct cli *cli, char **ret_reason);

/**
 * bus_ping - whether the daemon answers
 */
int bus_ping(sd_bus *bus, char **ret_reason);

/**
 * bus_is_there - whether the daemon answers, without starting it and within two seconds
 */
bool bus_is_there(sd_bus *bus);

/**
 * bus_get - what one of the methods that only look tells (GetPicture, GetRivals, GetWishes, Export:
 * data/org.cxlmem1.xml), as JSON text; the caller's
 */
int bus_get(sd_bus *bus, const char *member, char **ret_json, char **ret_reason);

/**
 * bus_get_blockers - who and what is in the way of taking memory away, as JSON text; the caller's
 * @name: of a region, a dax device or a node
 */
int bus_get_blockers(sd_bus *bus, const char *name, char **ret_json, char **ret_reason);

/**
 * bus_get_metrics - what a monitoring system wants to know; the caller's
 * @format: "openmetrics" or "prometheus"
 */
int bus_get_metrics(sd_bus *bus, const char *format, char **ret_text, char **ret_reason);

/**
 * bus_remember - change what is remembered: Forget or Adopt
 * @verb: what the person is doing, for the sentence
 * @ret: how many
 */
int bus_remember(sd_bus *bus, const char *member, const char *verb, char *const *words, size_t n,
		 uint32_t *ret, char **ret_reason);

/**
 * bus_import - hand over what another machine (or an earlier day) exported
 */
int bus_import(sd_bus *bus, const char *json, uint32_t *ret, char **ret_reason);

/**
 * bus_plan - the steps of a wish, as JSON text; the caller's
 */
int bus_plan(sd_bus *bus, const struct wish *wish, char **ret_json, char **ret_reason);

/**
 * bus_start - ask for a wish to be carried out; @answered gets the reply, an object path or an
 * error
 * @ret: the call is forgotten when this is unreferenced; the caller's
 */
int bus_start(sd_bus *bus, sd_bus_slot **ret, const struct wish *wish,
	      sd_bus_message_handler_t answered, void *userdata, char **ret_reason);

/**
 * bus_list_operations - running operations and the last ones that finished, oldest first as the
 * daemon lists them
 * @ret: the caller's (operation_lines_free)
 */
int bus_list_operations(sd_bus *bus, struct operation_line **ret, size_t *ret_n, char **ret_reason);

/**
 * bus_get_operation - all properties of an operation into @op
 */
int bus_get_operation(sd_bus *bus, const char *path, struct operation *op, char **ret_reason);

/**
 * bus_cancel - ask an operation to walk back
 */
int bus_cancel(sd_bus *bus, uint64_t id, char **ret_reason);

/**
 * bus_cancel_async - the same; @answered gets the reply
 */
int bus_cancel_async(sd_bus *bus, sd_bus_slot **ret, uint64_t id, sd_bus_message_handler_t answered,
		     void *userdata, char **ret_reason);

/**
 * bus_watch - have a handler called for a signal of the daemon
 * @path, @interface, @member: NULL = any
 * @ret: the handler is called until this is unreferenced; the caller's
 *
 * No answer is waited for: the bus keeps the order, so nothing that a later call causes can be
 * missed.
 */
int bus_watch(sd_bus *bus, sd_bus_slot **ret, const char *path, const char *interface,
	      const char *member, sd_bus_message_handler_t handler, void *userdata,
	      char **ret_reason);

/**
 * bus_watch_daemon - have a handler called when the daemon's name gets a new owner or loses it
 *
 * On a direct connection there are no names, and the end of the connection says it.
 */
int bus_watch_daemon(sd_bus *bus, sd_bus_slot **ret, sd_bus_message_handler_t handler,
		     void *userdata, char **ret_reason);

/**
 * operation_id - the number at the end of an operation's path
 *
 * Return: 0; -EINVAL if it is no such path.
 */
int operation_id(const char *path, uint64_t *ret);

/**
 * operation_path - the path of an operation; @buf is returned
 */
#define OPERATION_PATH_SIZE 64
char *operation_path(uint64_t id, char buf[static OPERATION_PATH_SIZE]);

/**
 * bus_explain - turn an error from the bus or the daemon into a sentence without jargon
 * @error: may be NULL or not set; @r then says what went wrong
 * @verb: what could not be done ("create"), for the sentence
 */
int bus_explain(const sd_bus_error *error, int r, const char *verb, char **ret_reason);

#endif
