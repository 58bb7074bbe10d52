// SPDX-License-Identifier: GPL-2.0
/*
 * The drain of a device-dax and the life of its folios, for SPIN.
 *
 * What is modelled, by patch of ../patches and function there:
 *
 *  0001 mm/pgmap_folio.c	pgmap_request_folio(), pgmap_try_request_folio(),
 *			pgmap_activate_fitting(), pgmap_claim(), pgmap_unclaim(),
 *			pgmap_get_refs(), pgmap_publish(), pgmap_get_folio(),
 *			pgmap_folio_freed(), pgmap_active_pages()
 *	 mm/memremap.c	memunmap_pages(), with percpu_ref_kill(), the grace period of
 *			its switch to one counter, percpu_ref_tryget_many() and
 *			percpu_ref_put_many()
 *  0002 mm/pgmap_folio.c	pgmap_check_drained(), pgmap_lower_active(),
 *			pgmap_drain_begin(), pgmap_drain_cancel(): ->closed, and
 *			PGMAP_CHUNK_CLOSED in the state of each chunk
 *  0005 drivers/dax/device.c	dev_dax_insert(), dev_dax_folio(), kill_dev_dax() with
 *			synchronize_srcu()
 *  0006 drivers/dax/drain.c	all of it
 *  0007 drivers/dax/hold.c	dax_ioc_hold(), dax_file_release_held(), dax_release_held()
 *  0009 drivers/dax/device.c	dev_dax_try_folio(), dev_dax_map(), dev_dax_check_stopped(),
 *			dev_dax_slow_fault(); drain.c: dax_drain_stop()
 *
 * Two users fault or hold, pin, and let go or never do; an operator begins,
 * revokes and cancels; somebody unbinds the driver; the work item announces; a
 * waiter reads the state and sleeps in poll(); a monitor looks at what is left
 * when nothing can move any more.
 *
 * What is not: the structure of idle spans (PGMAP_CHUNK_BUSY, the mutex, orders),
 * memory failure, the file being opened.
 *
 * Memory ordering. Everything below is sequentially consistent, but for the
 * stores and relaxed atomics that the argument is about. Those wait in a buffer
 * of their CPU (wait_*), in no order among each other, until the CPU executes a
 * full barrier or releases a lock, or until the process memory() feels like it;
 * their own CPU sees them at once. Loads that no barrier orders are done in both
 * orders. A read-side section of RCU or SRCU is one flag that grace periods wait
 * for, so a percpu_ref is in percpu mode for those who looked before the grace
 * period began, however late they count.
 *
 * Properties: no page, struct page or counter is used when the map is gone;
 * nothing is handed out when the device has been seen to be drained, nor by a
 * pgmap that is known to be dying; who sleeps until the state is another is
 * woken when it is; after a revoke only pins are left; begin, revoke and cancel end
 * whatever users do, and after a cancel folios can be requested; an unbind
 * waits for nothing but pins; counters and bits agree; no deadlock.
 *
 * How it is run (tests/lab/models.py): each line below is one run with these
 * macros. What "holds" must be without error; "fails" is a variant that is known
 * to be wrong, in which SPIN must find an error.
 *
 * @holds wake-up-two-spans: SPANS=2 USER0=1 USER1=1 OPERATOR=2
 * @holds revoke-shared: SPANS=1 USER0=1 USER1=32 OPERATOR=1
 * @holds revoke-held: SPANS=1 USER0=1 USER1=2 OPERATOR=3
 * @holds cancel-twice: SPANS=1 USER0=39 USER1=0 OPERATOR=7
 * @holds poll: SPANS=1 USER0=5 USER1=0 OPERATOR=3 WAITER
 * @holds unbind-fast-faults: SPANS=2 USER0=5 USER1=1 OPERATOR=8 UNBIND
 * @holds unbind-shared: SPANS=1 USER0=36 USER1=1 OPERATOR=8 UNBIND
 * @holds unbind-held-revoked: SPANS=1 USER0=47 USER1=0 OPERATOR=3 UNBIND
 * @holds kill-before-readers-left: SPANS=1 USER0=16 USER1=16 OPERATOR=8 UNBIND KILL_FIRST
 * @holds poll-unbind: SPANS=1 USER0=1 USER1=0 OPERATOR=0 WAITER UNBIND
 * @holds poll-unbind-alone: SPANS=1 USER0=5 USER1=0 OPERATOR=8 WAITER UNBIND
 *
 * @fails begin-without-barrier: SPANS=2 USER0=1 USER1=1 OPERATOR=0 BEGIN_UNORDERED
 * @fails claim-without-barrier: SPANS=2 USER0=1 USER1=1 OPERATOR=0 CLAIM_UNORDERED
 * @fails claim-does-not-look: SPANS=2 USER0=1 USER1=1 OPERATOR=0 CLAIM_LOOKS_NOT
 * @fails last-put-without-barrier: SPANS=2 USER0=1 USER1=1 OPERATOR=0 PUT_UNORDERED
 * @fails cancel-leaves-closed: SPANS=2 USER0=1 USER1=1 OPERATOR=2 CANCEL_LEAVES_CLOSED
 * @fails fault-without-barrier: SPANS=1 USER0=1 USER1=1 OPERATOR=1 FAULT_UNORDERED
 * @fails fault-does-not-look: SPANS=1 USER0=1 USER1=1 OPERATOR=1 FAULT_LOOKS_NOT
 * @fails revoke-without-barrier: SPANS=1 USER0=1 USER1=1 OPERATOR=1 REVOKE_UNORDERED
 * @fails stop-without-barrier: SPANS=1 USER0=1 USER1=0 OPERATOR=8 UNBIND STOP_UNORDERED
 * @fails fast-fault-without-rcu: SPANS=1 USER0=1 USER1=0 OPERATOR=8 UNBIND FAST_WITHOUT_RCU
 * @fails references-put-first: SPANS=1 USER0=5 USER1=1 OPERATOR=8 UNBIND REFS_PUT_FIRST
 * @fails dying-not-looked-at: SPANS=1 USER0=16 USER1=16 OPERATOR=8 UNBIND KILL_FIRST DYING_LOOKS_NOT
 * @fails kill-without-grace-period: SPANS=1 USER0=36 USER1=1 OPERATOR=8 UNBIND KILL_WITHOUT_GRACE
 * @fails unbind-leaves-readers: SPANS=1 USER0=36 USER1=32 OPERATOR=8 UNBIND UNBIND_LEAVES_READERS
 * @fails unbound-not-told: SPANS=1 USER0=1 USER1=0 OPERATOR=0 WAITER UNBIND UNBOUND_NOT_TOLD
 * @fails kill-not-told: SPANS=1 USER0=5 USER1=0 OPERATOR=8 WAITER UNBIND KILL_NOT_TOLD
 */
/* What user 0, user 1 and the operator may do, added up */
#define FAULTS		1
#define HOLDS		2
#define PINS		4
#define ACCESSES	8
#define REQUESTS	16
#define FAULTS_SLOWLY	32
#define REVOKES		1
#define CANCELS		2
#define TWICE		4
#define IDLES		8

#define USERS	2
#define OPER 2
#define UNBINDER 3
#define CPUS	4

#define SPAN(cpu)	((cpu) % SPANS)
#define BIAS	100

mtype = { OK, SHUTDOWN, EXIST, NODEV, AGAIN };
mtype:state = { UNBOUND, LIVE, DRAINING, DRAINED };

/* struct pgmap_folios: counter and PGMAP_CHUNK_CLOSED of each chunk, a bit for each span */
bit closed;
bit shut[2];
byte used[2];
bit map[2];
/* struct page */
byte count[2];
/* pageunmap_range() and pgmap_folios_exit() are through */
bit gone;

/* pgmap->ref */
bit dead;
short percpu_refs;
short refs = BIAS + 1;
bit released;
bit rcu[CPUS];		/* percpu_ref's own sections */
bit rcu_fault[USERS];	/* that of a fault */

/* struct dax_drain */
bit dlock, begun, attached = 1;
bit revoked, unbound;	/* DAX_STOP_* */
bit work;
byte events;
/* the device */
bit alive = 1;
bit srcu[CPUS];
bit pte[USERS];
/* struct dax_file */
bit flock[USERS], held[USERS];

/* buffers */
bit wait_add[USERS], wait_pte[USERS];
byte wait_closed, wait_shut[2], wait_revoked, wait_unbound;	/* 0: nothing, else the value + 1 */

/* what the properties are about */
bit final;		/* somebody has read "drained" */
bit told;		/* and it was announced */
byte stuck;		/* users that keep a pin for ever */
bit sleeping, unbinding;
mtype:state slept;	/* the state that the one who sleeps has read */

inline flush(cpu)
{
	if
	:: cpu < USERS ->
		used[SPAN(cpu)] = used[SPAN(cpu)] + wait_add[cpu % USERS];
		wait_add[cpu % USERS] = 0;
		pte[cpu % USERS] = pte[cpu % USERS] | wait_pte[cpu % USERS];
		wait_pte[cpu % USERS] = 0
	:: cpu == OPER ->
		if
		:: wait_closed -> closed = wait_closed - 1; wait_closed = 0
		:: else
		fi;
		if
		:: wait_shut[0] -> shut[0] = wait_shut[0] - 1; wait_shut[0] = 0
		:: else
		fi;
		if
		:: wait_shut[1] -> shut[1] = wait_shut[1] - 1; wait_shut[1] = 0
		:: else
		fi;
		if
		:: wait_revoked -> revoked = wait_revoked - 1; wait_revoked = 0
		:: else
		fi
	:: cpu == UNBINDER ->
		if
		:: wait_unbound -> unbound = wait_unbound - 1; wait_unbound = 0
		:: else
		fi
	:: else
	fi
}

/* dax_read_lock() and dax_alive() */
inline srcu_enter(cpu)
{
#ifdef UNBIND
	atomic { srcu[cpu] = 1; res = (alive -> OK : NODEV) }
#else
	res = OK
#endif
}

inline srcu_leave(cpu)
{
#ifdef UNBIND
	srcu[cpu] = 0
#else
	skip
#endif
}

inline lock(l)
{
	atomic { !l -> l = 1 }
}

inline unlock(cpu, l)
{
	atomic { flush(cpu); l = 0 }
}

/* pgmap_active_pages(), in either order */
inline sum_active()
{
#if SPANS == 1
	t = used[0]
#else
	if
	:: t = used[0]; t = t + used[1]
	:: t = used[1]; t = t + used[0]
	fi
#endif
}

inline load_closed(cpu)
{
	atomic {
		assert(!gone);
		c = (cpu == OPER && wait_closed -> wait_closed - 1 : closed)
	}
}

/* pgmap_check_drained(); nothing orders its loads */
inline check_drained(cpu)
{
	if
	:: load_closed(cpu);
	   if
	   :: c -> sum_active()
	   :: else
	   fi
	:: sum_active(); load_closed(cpu)
	fi;
	if
	:: c && t == 0 -> work = 1	/* dax_drain_notify() */
	:: else
	fi;
	t = 0; c = 0
}

/* pgmap_lower_active() */
inline lower_active(cpu, s)
{
#ifdef PUT_UNORDERED
	load_closed(cpu);
	atomic { flush(cpu); used[s]--; z = (used[s] == 0) }
	if
	:: z && c -> sum_active();
		if
		:: t == 0 -> work = 1
		:: else
		fi
	:: else
	fi;
	t = 0; c = 0;
#else
	atomic { assert(!gone); flush(cpu); used[s]--; z = (used[s] == 0) }
	if
	:: z -> check_drained(cpu)
	:: else
	fi;
#endif
	z = 0
}

inline unclaim(cpu, s)
{
	atomic { assert(!gone && map[s]); map[s] = 0 }
	lower_active(cpu, s)
}

/* percpu_ref_put_many(); the release is dev_pagemap_percpu_release() */
inline put_refs(cpu)
{
#ifdef UNBIND
	atomic { rcu[cpu] = 1; m = dead }
	atomic {
		if
		:: !m -> percpu_refs--
		:: else -> refs--; assert(refs >= 0);
			if
			:: refs == 0 -> released = 1
			:: else
			fi
		fi;
		rcu[cpu] = 0; m = 0
	}
#else
	skip
#endif
}

/* pgmap_folio_freed() */
inline freed(cpu, s)
{
#ifdef REFS_PUT_FIRST
	put_refs(cpu);
	unclaim(cpu, s)
#else
	unclaim(cpu, s);
	put_refs(cpu)
#endif
}

inline put(cpu, s)
{
	atomic {
		assert(!gone && count[s]);
#ifdef FAULT_UNORDERED
		if
		:: cpu < USERS
		:: else -> flush(cpu)
		fi;
#else
		flush(cpu);
#endif
		count[s]--; z = (count[s] == 0)
	}
	if
	:: z -> z = 0; freed(cpu, s)
	:: else
	fi
}

/* pgmap_request_folio() by a user; leaves OK or an error in res */
inline request(cpu, s)
{
	/* pgmap_claim(): atomic_long_add() orders nothing */
	wait_add[cpu] = 1;
	atomic {
		assert(!gone);
#ifndef CLAIM_UNORDERED
		flush(cpu);
#endif
		res = (map[s] -> EXIST : OK);
		map[s] = 1
	}
	if
	:: res == EXIST -> lower_active(cpu, s)
	:: else ->
#ifndef CLAIM_LOOKS_NOT
		atomic {
			assert(!gone);
			if
			:: shut[s] -> res = SHUTDOWN
			:: else
			fi
		}
#endif
		if
		:: res == OK ->
#ifdef UNBIND
			/* pgmap_get_refs(): percpu_ref_tryget_many() */
			atomic { rcu[cpu] = 1; m = dead; late = dead }
			atomic {
				if
				:: !m -> percpu_refs++
				:: m && refs > 0 -> refs++
				:: else -> res = NODEV
				fi;
				rcu[cpu] = 0; m = 0
			}
#ifndef DYING_LOOKS_NOT
			if
			:: res == OK && dead -> put_refs(cpu); res = NODEV
			:: else
			fi
#endif
#else
			skip
#endif
		:: else
		fi;
		if
		:: res != OK -> unclaim(cpu, s)
		:: else ->
			/* pgmap_publish() */
			atomic {
				assert(!gone && !final && !late);
				assert(map[s] && count[s] == 0);
				count[s] = 1
			}
		fi;
		late = 0
	fi
}

/* pgmap_get_folio(), after a request that was refused */
inline get_folio(s)
{
	atomic {
		assert(!gone);
		if
		:: map[s] && count[s] -> count[s]++; res = OK
		:: map[s] && !count[s] -> res = AGAIN
		:: else
		fi
	}
}

/* A mapping is removed, and its reference put: unmap_mapping_range() */
inline zap(cpu, usr)
{
	atomic { had = pte[usr]; pte[usr] = 0 }
	if
	:: had -> had = 0; put(cpu, SPAN(usr))
	:: else
	fi
}

/* dev_dax_map(): the folio that was requested, or got, is mapped and put */
inline map_folio(u)
{
	atomic { assert(!gone); count[SPAN(u)]++; wait_pte[u] = 1 }
	put(u, SPAN(u));
#ifndef FAULT_LOOKS_NOT
	/* dev_dax_check_stopped() */
	if
	:: revoked || unbound ->
		atomic {
			had = pte[u] | wait_pte[u];
			pte[u] = 0; wait_pte[u] = 0
		}
		if
		:: had -> had = 0; put(u, SPAN(u))
		:: else
		fi
	:: else
	fi
#else
	skip
#endif
}

/* dev_dax_try_folio() */
inline fault(u)
{
#if defined(UNBIND) && !defined(FAST_WITHOUT_RCU)
	atomic { rcu_fault[u] = 1; res = (revoked || unbound -> NODEV : OK) }
#else
	res = (revoked || unbound -> NODEV : OK);
#endif
	if
	:: res == OK -> request(u, SPAN(u))
	:: else
	fi;
#ifdef UNBIND
	rcu_fault[u] = 0;
#endif
	if
	:: res == OK -> map_folio(u)
	:: else
	fi
}

/* dev_dax_slow_fault() and dev_dax_insert() */
inline slow_fault(u)
{
	srcu_enter(u);
	if
	:: res == OK && (revoked || unbound) -> res = NODEV
	:: else
	fi;
	if
	:: res == OK ->
		request(u, SPAN(u));
		if
		:: res != OK -> get_folio(SPAN(u))
		:: else
		fi;
		if
		:: res == OK -> map_folio(u)
		:: else
		fi
	:: else
	fi;
	srcu_leave(u)
}

/* dax_file_do() and dax_ioc_hold() */
inline hold(u)
{
	lock(flock[u]);
	srcu_enter(u);
	if
	:: res == OK ->
		request(u, SPAN(u));
		if
		:: res == OK -> held[u] = 1
		:: else
		fi
	:: else
	fi;
	srcu_leave(u);
	unlock(u, flock[u])
}

/* dax_file_release_held() */
inline release(cpu, usr)
{
	lock(flock[usr]);
	if
	:: held[usr] -> held[usr] = 0; put(cpu, SPAN(usr))
	:: else
	fi;
	unlock(cpu, flock[usr])
}

#define MAPPED(u)	(pte[u] || wait_pte[u])

#define MAY(what)	((me -> USER1 : USER0) & (what))

proctype user(byte me)
{
	mtype res = OK;
	bit z, c, m, late, had, pinned;
	byte t;

	if
	:: MAY(FAULTS | FAULTS_SLOWLY) ->
		/* The slow way may be taken at any time: it is not if there is nothing in the way of the fast one. */
		if
		:: MAY(FAULTS) -> fault(me)
		:: MAY(FAULTS_SLOWLY) -> slow_fault(me)
		fi;
		/* pin_user_pages_fast() of a page that is mapped */
		if
		:: atomic {
			MAY(PINS) && MAPPED(me) -> assert(!gone && count[SPAN(me)]);
			count[SPAN(me)]++; pinned = 1
		   }
		:: atomic { MAY(ACCESSES) && MAPPED(me) -> assert(!gone) }
		:: skip
		fi;
		/* munmap(), or the mapping stays for ever */
		if
		:: zap(me, me)
		:: skip
		fi;
		if
		:: pinned ->
			if
			:: put(me, SPAN(me))
			:: atomic { assert(!gone); stuck++ }
			fi
		:: else
		fi
	:: MAY(HOLDS) ->
		hold(me);
		if
		:: release(me, me)
		:: skip
		fi
	:: MAY(REQUESTS) ->
		/* A user of a pgmap that keeps it alive, but does not know that it is dying */
		srcu[me] = 1;
		if
		:: !gone ->
			request(me, SPAN(me));
			if
			:: res == OK -> put(me, SPAN(me))
			:: else
			fi
		:: else
		fi;
		srcu[me] = 0
	:: skip
	fi
}

/* dax_drain_state(), with dlock held */
inline drain_state()
{
	atomic {
		if
		:: !attached -> st = UNBOUND
		:: attached && !begun -> st = LIVE
		:: else -> st = 0
		fi
	}
	if
	:: st == 0 ->
		sum_active();
		atomic {
			st = (t && !gone -> DRAINING : DRAINED);
			if
			/* An unbind makes it final in another way: nobody gets in. */
			:: st == DRAINED -> final = final | alive
			:: else
			fi;
			t = 0
		}
	:: else
	fi
}

/* dax_drain_announce() */
inline announce()
{
	atomic { events++; told = told | (st == DRAINED) }
}

/* drain_store(), up to its action */
inline store_enter()
{
	lock(dlock);
	drain_state();
	before = st;
	srcu_enter(OPER);
	go = (before != UNBOUND && res == OK)
}

inline store_leave()
{
	if
	:: go -> drain_state()
	:: else
	fi;
	srcu_leave(OPER);
	unlock(OPER, dlock);
	if
	:: st != before -> announce()
	:: else
	fi
}

inline begin()
{
	store_enter();
	if
	:: go && !begun ->
		atomic { wait_closed = 2; wait_shut[0] = 2; wait_shut[1] = 2 }
#ifndef BEGIN_UNORDERED
		atomic { flush(OPER) }
#endif
		check_drained(OPER);
		begun = 1
	:: else
	fi;
	store_leave()
}

inline revoke()
{
	store_enter();
	if
	:: go && begun ->
		wait_revoked = 2;
#ifndef REVOKE_UNORDERED
		atomic { flush(OPER) }
#endif
		zap(OPER, 0);
		zap(OPER, 1);
		release(OPER, 0);
		release(OPER, 1)
	:: else
	fi;
	store_leave()
}

inline cancel()
{
	store_enter();
	if
	:: go && begun ->
		atomic { final = 0; told = 0 }
		wait_revoked = 1;
		begun = 0;
#ifndef CANCEL_LEAVES_CLOSED
		atomic { wait_shut[0] = 1; wait_shut[1] = 1; wait_closed = 1 }
#endif
	:: else
	fi;
	store_leave()
}

proctype operator()
{
	mtype res;
	mtype:state st, before;
	bit z, c, m, had, go, again;
	byte t;

	do
	:: OPERATOR & IDLES -> break
	:: else ->
	   begin();
	   if
	   :: OPERATOR & REVOKES -> revoke()
	   :: skip
	   fi;
	   if
	   :: OPERATOR & CANCELS -> cancel()
	   :: break
	   fi;
	   if
	   :: (OPERATOR & TWICE) && !again -> again = 1
	   :: break
	   fi
	od
}

/* The work item of dax_drain_notify() */
proctype worker()
{
	mtype:state st;
	byte t;

end:	do
	:: work ->
		work = 0;
		lock(dlock);
		drain_state();
		dlock = 0;
		if
		:: st == DRAINED -> announce()
		:: else
		fi
	od
}

/* read() and poll() of the attribute: the count of events is read before the state */
#ifdef WAITER
proctype waiter()
{
	mtype:state st;
	byte t, seen;

	do
	:: seen = events;
	   lock(dlock);
	   drain_state();
	   dlock = 0;
	   if
	   :: st != UNBOUND ->
		atomic { slept = st; sleeping = 1 }
end:		atomic { events != seen -> sleeping = 0 }
	   :: else -> break
	   fi
	od
}
#endif

#ifdef UNBIND
/* kill_dev_dax(), dax_drain_kill(), memunmap_pages(), dax_drain_detach() */
proctype unbinder()
{
	mtype:state st, before;
	bit z, c, m, had;
	byte t;

	/* dax_drain_stop(): the lock is given back before the store need be seen */
	lock(dlock);
	wait_unbound = 2;
	dlock = 0;
#ifndef STOP_UNORDERED
	atomic { flush(UNBINDER) }
#endif

	alive = 0;
#if !defined(UNBIND_LEAVES_READERS) && !defined(KILL_FIRST)
	!srcu[0]; !srcu[1]; !srcu[OPER];
#endif
	zap(UNBINDER, 0);
	zap(UNBINDER, 1);
	lock(dlock);
	drain_state();
	before = st;
	begun = 1;
	release(UNBINDER, 0);
	release(UNBINDER, 1);
	drain_state();
	unlock(UNBINDER, dlock);
#ifndef KILL_NOT_TOLD
	if
	:: st != before -> announce()
	:: else
	fi;
#endif

	/* percpu_ref_kill(): the first reference is put while the bias is in */
	atomic { dead = 1; refs-- }
#ifndef KILL_WITHOUT_GRACE
	!rcu[0]; !rcu[1]; !rcu[OPER]; !rcu_fault[0]; !rcu_fault[1];
#endif
	atomic {
		refs = refs + percpu_refs - BIAS;
		if
		:: refs == 0 -> released = 1
		:: else
		fi
	}
	unbinding = 1;
end:	released;
	unbinding = 0;
#ifdef KILL_FIRST
	atomic { !srcu[0] && !srcu[1] && !srcu[OPER] -> gone = 1 }
#else
	gone = 1
#endif
	;

	lock(dlock);
	atomic { attached = 0; begun = 0; revoked = 0; unbound = 1; final = 0 }
	unlock(UNBINDER, dlock);
	work = 0;
#ifndef UNBOUND_NOT_TOLD
	st = UNBOUND;
	announce()
#endif
}
#endif

proctype memory()
{
end:	do
	:: atomic { wait_add[0] -> used[SPAN(0)]++; wait_add[0] = 0 }
	:: atomic { wait_add[1] -> used[SPAN(1)]++; wait_add[1] = 0 }
	:: atomic { wait_pte[0] -> pte[0] = 1; wait_pte[0] = 0 }
	:: atomic { wait_pte[1] -> pte[1] = 1; wait_pte[1] = 0 }
	:: atomic { wait_closed -> closed = wait_closed - 1; wait_closed = 0 }
	:: atomic { wait_shut[0] -> shut[0] = wait_shut[0] - 1; wait_shut[0] = 0 }
	:: atomic { wait_shut[1] -> shut[1] = wait_shut[1] - 1; wait_shut[1] = 0 }
	:: atomic { wait_unbound -> unbound = wait_unbound - 1; wait_unbound = 0 }
	:: atomic { wait_revoked -> revoked = wait_revoked - 1; wait_revoked = 0 }
	od
}

/* When nothing else can move, only these may be the reasons. */
proctype monitor()
{
	timeout;
	atomic {
		assert(!begun || !attached || !alive || used[0] + used[1] || told);
		assert(!sleeping || attached);
		assert(!sleeping || begun == (slept != LIVE));
		assert(!sleeping || !begun || (slept == DRAINING) == (used[0] + used[1] > 0));
		assert(!unbinding || stuck);
		assert(!revoked || stuck || used[0] + used[1] == 0);
		assert(begun || !attached || !(closed || shut[0] || shut[1]));
		assert(gone || map[0] == (count[0] > 0));
		assert(gone || map[1] == (count[1] > 0));
		assert(used[0] == map[0] && used[1] == map[1])
	}
}

init {
	atomic {
		run user(0);
		run user(1);
		run operator();
		run worker();
#ifdef WAITER
		run waiter();
#endif
		run memory();
#ifdef UNBIND
		run unbinder();
#endif
		run monitor()
	}
}
