// SPDX-License-Identifier: LGPL-2.1-or-later
#include "monitor.h"

#include <errno.h>
#include <sys/socket.h>
#include <systemd/sd-device.h>

#include "util.h"

/* A region coming up makes dozens of events within a few hundred milliseconds. */
#define BURST_USEC (200 * UINT64_C(1000))

struct monitor {
	sd_device_monitor *udev;
	sd_device_monitor *cards;
	sd_event_source *timer;
	void (*changed)(void *userdata);
	void *userdata;
};

/* While a burst lasts nothing is listened to: the first event said all there is to know. */
static void listen_again(struct monitor *m)
{
	sd_event_source *io = sd_device_monitor_get_event_source(m->udev);
	int fd = sd_event_source_get_io_fd(io);
	char byte;

	/* ENOBUFS, too, tells only that there were many. */
	while (recv(fd, &byte, sizeof(byte), MSG_DONTWAIT) >= 0 || errno == ENOBUFS || errno == EINTR)
		;
	(void)sd_event_source_set_enabled(io, SD_EVENT_ON);
}

static int on_timer(sd_event_source *s, uint64_t when, void *userdata)
{
	struct monitor *m = userdata;

	(void)s;
	(void)when;
	/* What comes from here on begins a burst of its own. */
	listen_again(m);
	m->changed(m->userdata);
	return 0;
}

static int on_device(sd_device_monitor *udev, sd_device *device, void *userdata)
{
	struct monitor *m = userdata;

	(void)device;
	if (sd_event_source_set_time_relative(m->timer, BURST_USEC) >= 0 &&
	    sd_event_source_set_enabled(m->timer, SD_EVENT_ONESHOT) >= 0)
		(void)sd_event_source_set_enabled(sd_device_monitor_get_event_source(udev),
						  SD_EVENT_OFF);
	return 0;
}

/*
 * The probe of a card is over when its driver is bound: then it can be used, and there is nothing to wait for. What
 * the burst around it brings is looked at when it is over, as ever.
 */
static int on_card(sd_device_monitor *cards, sd_device *device, void *userdata)
{
	struct monitor *m = userdata;
	sd_device_action_t action;

	(void)cards;
	if (sd_device_get_action(device, &action) >= 0 && action == SD_DEVICE_BIND)
		m->changed(m->userdata);
	return 0;
}

int monitor_new(sd_event *event, void (*changed)(void *userdata), void *userdata,
		struct monitor **ret)
{
	static const char *const subsystems[] = { "cxl", "dax", "memory", "pci" };
	struct monitor *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return -ENOMEM;
	m->changed = changed;
	m->userdata = userdata;
	r = sd_device_monitor_new(&m->udev);
	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(subsystems); i++)
		r = sd_device_monitor_filter_add_match_subsystem_devtype(m->udev, subsystems[i],
									 NULL);
	if (r >= 0)
		r = sd_event_add_time_relative(event, &m->timer, CLOCK_MONOTONIC, BURST_USEC, 0,
					       on_timer, m);
	if (r >= 0)
		r = sd_event_source_set_enabled(m->timer, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_device_monitor_attach_event(m->udev, event);
	if (r >= 0)
		r = sd_device_monitor_start(m->udev, on_device, m);
	if (r >= 0)
		r = sd_device_monitor_new(&m->cards);
	if (r >= 0)
		r = sd_device_monitor_filter_add_match_subsystem_devtype(m->cards, "cxl", "cxl_memdev");
	if (r >= 0)
		r = sd_device_monitor_attach_event(m->cards, event);
	if (r >= 0)
		r = sd_device_monitor_start(m->cards, on_card, m);
	if (r < 0) {
		monitor_free(m);
		return r;
	}
	*ret = m;
	return 0;
}

struct monitor *monitor_free(struct monitor *m)
{
	if (!m)
		return NULL;
	sd_device_monitor_unref(m->udev);
	sd_device_monitor_unref(m->cards);
	sd_event_source_disable_unref(m->timer);
	free(m);
	return NULL;
}
