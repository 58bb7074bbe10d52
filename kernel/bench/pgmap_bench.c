// SPDX-License-Identifier: GPL-2.0
/*
 * What it costs to activate and to release a folio of a pgmap, in nanoseconds:
 * with zone_device_page_init() on any kernel, and with pgmap_request_folio() on
 * one that has it. Loading the module measures and prints; it unloads itself by
 * failing to load.
 */
#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/sort.h>

#define LARGEST		(PUD_SHIFT - PAGE_SHIFT)
#define SAMPLES		31
/* Folios that are active at the same time, so that reading the clock is free. */
#define BATCH		256UL

static const unsigned int orders[] = { 0, 9, LARGEST };

static void bench_folio_free(struct folio *folio)
{
}

static vm_fault_t bench_migrate_to_ram(struct vm_fault *vmf)
{
	return VM_FAULT_SIGBUS;
}

static const struct dev_pagemap_ops bench_ops = {
	.folio_free	= bench_folio_free,
	.migrate_to_ram	= bench_migrate_to_ram,
};

static struct dev_pagemap pgmap;
static struct page *base;
static struct folio *folios[BATCH];

static int by_value(const void *a, const void *b)
{
	const u64 *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The old way. Nothing resets what the folio was before but the next init. */
static struct folio *activate_page_init(struct page *page, unsigned int order)
{
	zone_device_page_init(page, &pgmap, order);
	folio_unlock(page_folio(page));
	return page_folio(page);
}

#ifdef PGMAP_FOLIO_REQUEST
static struct folio *activate_request(struct page *page, unsigned int order)
{
	pgoff_t offset = page_to_pfn(page) - PHYS_PFN(pgmap.range.start);

	return pgmap_request_folio(&pgmap, offset, order);
}
#endif

typedef struct folio *(*activate_fn)(struct page *page, unsigned int order);

/* Activate and put @nr neighbours; tells what it took for each of them. */
static int sample(unsigned int order, unsigned long nr, activate_fn activate,
		  u64 *ret_in, u64 *ret_out)
{
	unsigned long done = 0;
	u64 start, middle;

	start = ktime_get_ns();
	for (; done < nr; done++) {
		folios[done] = activate(base + (done << order), order);
		if (IS_ERR(folios[done]))
			break;
	}
	middle = ktime_get_ns();
	for (unsigned long i = 0; i < done; i++)
		folio_put(folios[i]);
	*ret_out = div64_ul(ktime_get_ns() - middle, nr);
	*ret_in = div64_ul(middle - start, nr);
	return done < nr ? PTR_ERR(folios[done]) : 0;
}

static int measure(const char *name, unsigned int order, activate_fn activate)
{
	unsigned long nr = min(BATCH, 1UL << (LARGEST - order));
	u64 in[SAMPLES], out[SAMPLES];
	int error;

	/* The first time may have to restructure the pages. */
	error = sample(order, nr, activate, &in[0], &out[0]);
	for (int i = 0; !error && i < SAMPLES; i++) {
		error = sample(order, nr, activate, &in[i], &out[i]);
		cond_resched();
	}
	if (error)
		return error;

	sort(in, SAMPLES, sizeof(in[0]), by_value, NULL);
	sort(out, SAMPLES, sizeof(out[0]), by_value, NULL);
	pr_info("%s order %u activate %llu release %llu ns\n", name, order,
		in[SAMPLES / 2], out[SAMPLES / 2]);
	return 0;
}

static int bench(const char *name, unsigned int flags, activate_fn activate)
{
	unsigned long pfn;
	void *addr;
	int error = 0;

	pgmap.flags = flags;
	pgmap.ops = &bench_ops;
	pgmap.owner = &pgmap;
	pgmap.type = MEMORY_DEVICE_PRIVATE;
	pgmap.nr_range = 1;
	addr = memremap_pages(&pgmap, numa_mem_id());
	if (IS_ERR(addr))
		return PTR_ERR(addr);
	pfn = PHYS_PFN(pgmap.range.start);
	base = pfn_to_page(ALIGN(pfn, 1UL << LARGEST));
	for (int i = 0; !error && i < ARRAY_SIZE(orders); i++)
		error = measure(name, orders[i], activate);
	memunmap_pages(&pgmap);
	return error;
}

static int __init pgmap_bench_init(void)
{
	struct resource *res;
	int error;

	res = request_free_mem_region(&iomem_resource, 2UL << PUD_SHIFT,
				      "pgmap_bench");
	if (IS_ERR(res))
		return PTR_ERR(res);
	pgmap.range.start = res->start;
	pgmap.range.end = res->end;

	error = bench("zone_device_page_init", 0, activate_page_init);
#ifdef PGMAP_FOLIO_REQUEST
	if (!error)
		error = bench("pgmap_request_folio", PGMAP_FOLIO_REQUEST,
			      activate_request);
#endif
	release_mem_region(res->start, resource_size(res));
	/* Done: nothing is left to unload. */
	return error ?: -EAGAIN;
}
module_init(pgmap_bench_init);

MODULE_DESCRIPTION("Cost of activating folios of a pgmap");
MODULE_LICENSE("GPL");
