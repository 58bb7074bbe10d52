/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_AUTHORIZE_H
#define CXLMEM_AUTHORIZE_H

#include <systemd/sd-bus.h>

#include "request.h"

/*
 * Who may do what. Callers with CAP_SYS_ADMIN may do everything and nobody else is asked about them;
 * about all others polkit is asked, without anybody here waiting for it. Its actions are described in
 * data/org.cxlmem1.policy.
 */
#define ACTION_VIEW "org.cxlmem1.view"
#define ACTION_CREATE "org.cxlmem1.create"
#define ACTION_ONLINE "org.cxlmem1.online"
#define ACTION_DESTROY "org.cxlmem1.destroy"
#define ACTION_FORCE "org.cxlmem1.force"
#define ACTION_IMPORT "org.cxlmem1.import"

#define AUTHORIZE_DENIED "org.cxlmem1.Error.NotAuthorized"

/* So many questions of one user may be open at a time. */
#define AUTHORIZE_MAX_OF_USER 16

struct authority;

/* As sd_bus_query_sender_privilege(): 1 = let through, 0 = polkit decides, -errno. */
typedef int (*authority_privileged_t)(sd_bus_message *call, int capability);

/**
 * authority_new, authority_free - calls that still wait for an answer are forgotten by authority_free()
 * @bus: where callers and polkit are
 * @privileged: who is let through without a question; sd_bus_query_sender_privilege but for tests
 */
int authority_new(sd_bus *bus, authority_privileged_t privileged, struct authority **ret);
struct authority *authority_free(struct authority *a);

/* What somebody asks for, for the decision and for the text of a password prompt. */
struct asked {
	const char *action;
	const char *also; /* asked after that one, and needed too; NULL = no other */
	const char *verb;
	char *const *objects;
	size_t n_objects;
};

/**
 * authorize - carry a call out if the caller may do it
 * @call: kept until it is decided
 * @asked: read before this returns
 * @go: called with the message rewound and @userdata, now or later. It reads what it needs from the message
 * again and looks at the machine then: whatever was looked at before is old. Fails as a method handler does.
 *
 * Whoever may not gets AUTHORIZE_DENIED, or org.freedesktop.DBus.Error.InteractiveAuthorizationRequired when
 * a password would have helped, with a sentence. When polkit does not answer, or is not there, that is a no
 * (but for ACTION_VIEW, which is everybody's where there is no polkit to say otherwise). A caller that goes
 * away while polkit thinks is forgotten.
 *
 * Return: what a method handler returns.
 */
int authorize(struct authority *a, sd_bus_message *call, const struct asked *asked,
	      sd_bus_message_handler_t go, void *userdata, sd_bus_error *error);

/**
 * authorize_look - the same for a call that only looks
 */
int authorize_look(struct authority *a, sd_bus_message *call, sd_bus_message_handler_t go,
		   void *userdata, sd_bus_error *error);

/**
 * authorize_request, authorize_cancel - the same for starting what a request says, and for stopping it
 */
int authorize_request(struct authority *a, sd_bus_message *call, const struct request *request,
		      sd_bus_message_handler_t go, void *userdata, sd_bus_error *error);
int authorize_cancel(struct authority *a, sd_bus_message *call, const struct request *request,
		     sd_bus_message_handler_t go, void *userdata, sd_bus_error *error);

#endif
