/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_BUS_H
#define CXLMEM_BUS_H

#include "manager.h"

/* The D-Bus face, org.cxlmem1(5). It translates and decides nothing. */

#define BUS_NAME "org.cxlmem1"
#define BUS_PATH "/org/cxlmem1"
#define BUS_MANAGER "org.cxlmem1.Manager"
#define BUS_OPERATION "org.cxlmem1.Operation"
#define BUS_PAST_RETURN                                                                            \
	"what it has done cannot be taken back any more: it goes on to its end"
#define BUS_OPERATION_PATH BUS_PATH "/operation"

/**
 * bus_publish - put the manager and its operations on the bus, then ask for the name
 *
 * Return: 0, or -errno.
 */
int bus_publish(struct manager *m);

/**
 * bus_add_objects - put all objects on a connection; @userdata is the manager
 *
 * Return: 0, or -errno.
 */
int bus_add_objects(sd_bus *bus, void *userdata);

/**
 * bus_add_operations - the part of it for /org/cxlmem1/operation/N
 */
int bus_add_operations(sd_bus *bus, struct manager *m);

/**
 * bus_add_metrics - the part of it for a monitoring system
 */
int bus_add_metrics(sd_bus *bus, struct manager *m);

/**
 * bus_nth - all connections that signals go to: those of root's clients, then the system bus
 *
 * Return: borrowed; NULL past the last.
 */
sd_bus *bus_nth(struct manager *m, size_t n);

/**
 * bus_add_steward - the part of it for profiles and wishes
 */
int bus_add_steward(sd_bus *bus, struct manager *m);

/**
 * bus_operation_path - object path of an operation
 * @ret: the caller's
 */
int bus_operation_path(uint64_t id, char **ret);

/**
 * bus_error - turn a refusal into a D-Bus error (the table in org.cxlmem1(5))
 *
 * Return: a negative number for sd-bus to send @error.
 */
int bus_error(sd_bus_error *error, int r, const char *reason);

/**
 * bus_reply_error - answer a call that waited with a refusal
 *
 * Return: 0 or more; -errno.
 */
int bus_reply_error(sd_bus_message *call, int r, const char *reason);

/**
 * bus_reply_json - answer a call with one string, JSON in one line
 * @json: stays the caller's
 *
 * Return: 0 or more; -errno.
 */
int bus_reply_json(sd_bus_message *call, struct json_object *json);

/* The engine's hooks; userdata is the manager. */
void bus_operation_added(struct operation *o, void *userdata);
void bus_operation_changed(struct operation *o, void *userdata);
void bus_operation_finished(struct operation *o, void *userdata);

/**
 * bus_picture_changed - tell those who listen
 */
void bus_picture_changed(struct manager *m);

#endif
