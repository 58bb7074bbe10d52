/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "mock-kernel.h"

#define GONE "gone-"

static void rename_port(struct port *port, const char *name, const char *decoder)
{
	char text[96];
	size_t i;

	mock_set_string(&port->name, name);
	for (i = 0; i < port->n_decoders; i++) {
		snprintf(text, sizeof(text), "%s.%zu", decoder, i);
		mock_set_string(&port->decoders[i].name, text);
	}
}

/* cxl_mem's remove: the endpoint goes. What hangs on its decoders is lost, or the kernel is. */
int mock_disable_memdev(struct mock *m, const struct step *s, char **reason)
{
	struct picture *p = m->picture;
	int card = picture_find_memdev(p, s->memdev);
	char name[64];
	struct port *port;
	size_t i;

	if (card < 0)
		return say(reason, -ENODEV, "no card %s", s->memdev);
	if (p->memdevs[card].enabled != YES)
		return 0;
	port = mock_endpoint(m, card);
	for (i = 0; i < port->n_decoders; i++)
		if (port->decoders[i].region >= 0 || port->decoders[i].dpa_size)
			return say(reason, -EBUSY, "%s is in use: the kernel would not survive that",
				   port->decoders[i].name);
	/* Kept for the way back, out of everybody's sight. */
	snprintf(name, sizeof(name), GONE "%.20s", s->memdev);
	rename_port(port, name, name);
	port->enabled = NO;
	port->memdev = -1;
	p->memdevs[card].enabled = NO;
	p->memdevs[card].endpoint = -1;
	return 0;
}

/* cxl_port_alloc(): the lowest number that is free. */
static unsigned int free_number(const struct picture *p)
{
	char port[32], endpoint[32];
	unsigned int n = 0;

	do {
		n++;
		snprintf(port, sizeof(port), "port%u", n);
		snprintf(endpoint, sizeof(endpoint), "endpoint%u", n);
	} while (picture_find_port(p, port) >= 0 || picture_find_port(p, endpoint) >= 0);
	return n;
}

int mock_enable_memdev(struct mock *m, const struct step *s, char **reason)
{
	struct picture *p = m->picture;
	int card = picture_find_memdev(p, s->memdev), port;
	char name[64], decoder[32];
	unsigned int n;

	if (card < 0)
		return say(reason, -ENODEV, "%s is gone", s->memdev);
	if (p->memdevs[card].enabled == YES)
		return 0;
	snprintf(name, sizeof(name), GONE "%.20s", s->memdev);
	port = picture_find_port(p, name);
	if (port < 0)
		return say(reason, -ENXIO, "%s has no place", s->memdev);
	n = free_number(p);
	snprintf(name, sizeof(name), "endpoint%u", n);
	snprintf(decoder, sizeof(decoder), "decoder%u", n);
	rename_port(&p->ports[port], name, decoder);
	p->ports[port].enabled = YES;
	p->ports[port].memdev = card;
	p->memdevs[card].enabled = YES;
	p->memdevs[card].endpoint = port;
	if (s->decoder) {
		char expected[32];

		snprintf(expected, sizeof(expected), "%.*s", (int)strcspn(s->decoder, "."), s->decoder);
		if (strcmp(expected, decoder) != 0) {
			mock_set_string(&m->renamed_from, expected);
			mock_set_string(&m->renamed_to, decoder);
		}
	}
	return 0;
}

static void remove_card(struct picture *p, int card)
{
	struct memdev *d = &p->memdevs[card];
	size_t i, k;

	free(d->name);
	free(d->host);
	free(d->path);
	free(d->firmware);
	free(d->health.media);
	memmove(d, d + 1, (p->n_memdevs - card - 1) * sizeof(*d));
	p->n_memdevs--;
	for (i = 0; i < p->n_ports; i++)
		if (p->ports[i].memdev > card)
			p->ports[i].memdev--;
	for (i = 0; i < p->n_regions; i++)
		for (k = 0; k < p->regions[i].n_mappings; k++)
			if (p->regions[i].mappings[k].memdev > card)
				p->regions[i].mappings[k].memdev--;
}

/* pciehp: whatever is in the slot goes, and a card that is not disabled takes memory with it. */
int mock_power_off(struct mock *m, const struct step *s, char **reason)
{
	struct picture *p = m->picture;
	int slot = picture_find_slot(p, s->slot);
	size_t i;

	if (slot < 0)
		return say(reason, -ENODEV, "no slot %s", s->slot);
	for (i = 0; i < p->n_memdevs; i++)
		if (picture_below(p, i, p->slots[slot].port) && p->memdevs[i].enabled != NO)
			return say(reason, -EBUSY, "%s in slot %s is not disabled",
				   p->memdevs[i].name, s->slot);
	for (i = p->n_memdevs; i-- > 0;)
		if (picture_below(p, i, p->slots[slot].port))
			remove_card(p, i);
	p->slots[slot].power = NO;
	if (p->slots[slot].button_request)
		mock_set_string(&p->slots[slot].button_request, "none");
	return 0;
}

static struct dax *find_drainable(struct mock *m, const struct step *s, char **reason)
{
	int dax = picture_find_dax(m->picture, s->dax);

	if (dax >= 0 && m->picture->daxes[dax].drain)
		return &m->picture->daxes[dax];
	say(reason, -ENXIO, "%s cannot be drained", s->dax);
	return NULL;
}

/* Who waits for ever in the kernel is refused here. */
int mock_drain(struct mock *m, const struct step *s, char **reason)
{
	struct dax *d = find_drainable(m, s, reason);

	if (!d)
		return -ENXIO;
	mock_set_string(&d->drain, "draining");
	if (streq_null(m->used_dax, s->dax))
		return say(reason, -EBUSY, "somebody has %s open", s->dax);
	mock_set_string(&d->drain, "drained");
	return 0;
}

int mock_revoke(struct mock *m, const struct step *s, char **reason)
{
	struct dax *d = find_drainable(m, s, reason);

	if (!d)
		return -ENXIO;
	if (streq_null(m->used_dax, s->dax))
		mock_set_string(&m->used_dax, NULL);
	mock_set_string(&d->drain, "drained");
	return 0;
}

int mock_cancel_drain(struct mock *m, const struct step *s, char **reason)
{
	struct dax *d = find_drainable(m, s, reason);

	if (!d)
		return -ENXIO;
	mock_set_string(&d->drain, "live");
	return 0;
}
