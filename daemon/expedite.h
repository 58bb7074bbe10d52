/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_EXPEDITE_H
#define CXLMEM_EXPEDITE_H

#include <systemd/sd-event.h>

#include "door.h"

/*
 * Grace periods of RCU are a third to a half of the time in which the memory of a small card comes or goes: the locks that memory hotplug takes for
 * write wait for one each (rcu_sync_enter(), kernel/rcu/sync.c), and so do drivers that let go of a device. While
 * /sys/kernel/rcu_expedited is 1 the kernel interrupts the CPUs that it would otherwise wait for, as taking memory
 * offline does anyway (lru_cache_disable(), mm/); it leaves alone those that are idle, or in a process on a CPU of
 * nohz_full=. That setting is the whole machine's, so it is ours for a moment only. A machine that does not want it says
 * so with /sys/kernel/rcu_normal, as kernels made for real time do by themselves.
 */
struct expedite;

/**
 * expedite_new - be ready for it; what a process that was killed left set is put back
 * @event: a reference is kept
 * @door: to the machine; must outlive it
 * @mark: "/run/cxlmem/rcu-expedited", a file that says "1" while the setting is ours; gone with a reboot, as the setting is
 * @ret: the caller's, expedite_free()
 *
 * Return: 0, or -errno.
 */
int expedite_new(sd_event *event, struct door *door, const char *mark, struct expedite **ret);

/**
 * expedite_free - put it back and free it (NULL is fine)
 */
struct expedite *expedite_free(struct expedite *x);

/**
 * expedite_begin - from here on until expedite_end(), but no longer than five seconds
 *
 * Not where somebody has it set already, or the machine does not want it. Never blocks. That it cannot be had is no
 * error: all takes its usual time then.
 */
void expedite_begin(struct expedite *x);

/**
 * expedite_end - put it back, if it is ours
 */
void expedite_end(struct expedite *x);

#endif
