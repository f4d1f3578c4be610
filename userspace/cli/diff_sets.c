// SPDX-License-Identifier: Apache-2.0
/*
 * Services, sources and blocks are sets whose places in memory say nothing: each
 * entry becomes a key and a value in words, both sets are sorted and walked side
 * by side.
 */
#include "userspace/cli/diff_sets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/cli/endpoint.h"
#include "userspace/cli/live.h"

struct entry {
	char key[SL_ENDPOINT_BYTES + 48];
	char value[SL_TENANT_NAME_BYTES * 4 + 16];
};

struct entries {
	struct entry *at;
	size_t count;
	size_t room;
};

static void release(struct entries *entries)
{
	free(entries->at);
}

static struct entry *add(struct entries *entries)
{
	size_t room = entries->room ? entries->room * 2 : 64;
	struct entry *more;

	if (entries->count == entries->room) {
		more = reallocarray(entries->at, room, sizeof(*more));
		if (!more)
			return NULL;
		entries->at = more;
		entries->room = room;
	}
	entries->at[entries->count] = (struct entry){ .key = "" };
	return &entries->at[entries->count++];
}

static int by_key(const void *a, const void *b)
{
	const struct entry *left = a, *right = b;

	return strcmp(left->key, right->key);
}

static void sort(struct entries *entries)
{
	if (entries->count)
		qsort(entries->at, entries->count, sizeof(*entries->at), by_key);
}

static void compare(struct sl_sheet *sheet, const char *field, struct entries *maps,
		    struct entries *config)
{
	size_t i = 0, j = 0;

	sort(maps);
	sort(config);
	while (i < maps->count || j < config->count) {
		int order = i == maps->count	 ? 1
			    : j == config->count ? -1
						 : by_key(&maps->at[i], &config->at[j]);
		const struct entry *a = order <= 0 ? &maps->at[i++] : NULL;
		const struct entry *b = order >= 0 ? &config->at[j++] : NULL;

		sl_diff_row(sheet, a ? a->key : b->key, field, a ? a->value : NULL,
			    b ? b->value : NULL);
	}
}

/* ---- services ---- */

struct service {
	struct sl_address address;
	uint16_t port;
	uint16_t vlan;
	uint8_t protocol;
	uint8_t flags;
	uint32_t tenant;
};

static struct service of4(const struct sl_service4 *slot)
{
	struct service service = { .address = { .family = 4 },
				   .port = ntohs(slot->port),
				   .vlan = slot->vlan,
				   .protocol = slot->protocol,
				   .flags = slot->flags,
				   .tenant = slot->tenant };

	memcpy(service.address.bytes, &slot->address, sizeof(slot->address));
	return service;
}

static struct service of6(const struct sl_service6 *slot)
{
	struct service service = { .address = { .family = 6 },
				   .port = ntohs(slot->port),
				   .vlan = slot->vlan,
				   .protocol = slot->protocol,
				   .flags = slot->flags,
				   .tenant = slot->tenant };

	memcpy(service.address.bytes, slot->address, sizeof(slot->address));
	return service;
}

static int add_service(struct entries *entries, const struct sl_maps_view *view,
		       const struct service *service)
{
	char endpoint[SL_ENDPOINT_BYTES], name[SL_TENANT_NAME_BYTES * 4], vlan[16] = "any";
	struct entry *entry;

	if (!(service->flags & SL_SERVICE_USED) || service->protocol == SL_PROTO_FRAGMENT)
		return 0; /* those for fragments follow from the others */
	entry = add(entries);
	if (!entry)
		return -ENOMEM;
	if (service->vlan != SL_VLAN_ANY)
		(void)snprintf(vlan, sizeof(vlan), "%u", service->vlan);
	(void)snprintf(entry->key, sizeof(entry->key), "service %s %s vlan %s",
		       sl_choice_name(sl_choices_protocol, service->protocol),
		       sl_endpoint_format(endpoint, &service->address, service->port), vlan);
	(void)snprintf(entry->value, sizeof(entry->value), "%s%s",
		       service->flags & SL_SERVICE_TENANT
			       ? sl_live_name(name, view, service->tenant)
			       : "by source",
		       service->flags & SL_SERVICE_BIND ? ", by flow" : "");
	return 0;
}

static int collect_services(struct entries *entries, const struct sl_maps_view *view,
			    const struct sl_service4_line *lines4, size_t count4,
			    const struct sl_service6_line *lines6, size_t count6)
{
	int err = 0;

	for (size_t i = 0; i < count4 * SL_SERVICE4_SLOTS && !err; i++) {
		struct service service =
			of4(&lines4[i / SL_SERVICE4_SLOTS].slot[i % SL_SERVICE4_SLOTS]);

		err = add_service(entries, view, &service);
	}
	for (size_t i = 0; i < count6 * SL_SERVICE6_SLOTS && !err; i++) {
		struct service service =
			of6(&lines6[i / SL_SERVICE6_SLOTS].slot[i % SL_SERVICE6_SLOTS]);

		err = add_service(entries, view, &service);
	}
	return err;
}

int sl_diff_services(struct sl_sheet *sheet, const struct sl_diff_live *live,
		     const struct sl_plan *plan)
{
	sl_cleanup(release) struct entries maps = { 0 };
	sl_cleanup(release) struct entries config = { 0 };
	const struct sl_maps_view *view = live->view;
	size_t half = view->ctl->epoch & 1;
	int err = collect_services(
		&maps, view, view->services4 + half * view->services4_lines, view->services4_lines,
		view->services6 + half * view->services6_lines, view->services6_lines);

	if (!err)
		err = collect_services(&config, view, plan->services4, plan->services4_lines,
				       plan->services6, plan->services6_lines);
	if (!err)
		compare(sheet, "tenant", &maps, &config);
	return err;
}

/* ---- prefixes ---- */

static struct sl_prefix_spec spec_of(const union sl_prefix_key *key, uint8_t family)
{
	struct sl_prefix_spec prefix = { .address = { .family = family },
					 .bits = (uint8_t)key->v6.prefix_bits };

	memcpy(prefix.address.bytes, key->v6.address, family == 4 ? 4 : 16);
	return prefix;
}

static struct entry *add_prefix(struct entries *entries, const char *what,
				const struct sl_prefix_spec *prefix)
{
	struct entry *entry = add(entries);
	char text[SL_PREFIX_BYTES];

	if (entry)
		(void)snprintf(entry->key, sizeof(entry->key), "%s %s", what,
			       sl_format_prefix(text, sizeof(text), prefix));
	return entry;
}

static int collect_sources(struct entries *entries, const struct sl_maps_view *view,
			   const struct sl_source_entry *sources, size_t count, uint8_t family)
{
	char name[SL_TENANT_NAME_BYTES * 4];

	for (size_t i = 0; i < count; i++) {
		struct sl_prefix_spec prefix = spec_of(&sources[i].key, family);
		struct entry *entry = add_prefix(entries, "source", &prefix);

		if (!entry)
			return -ENOMEM;
		(void)snprintf(entry->value, sizeof(entry->value), "%s",
			       sl_live_name(name, view, sources[i].tenant));
	}
	return 0;
}

int sl_diff_sources(struct sl_sheet *sheet, const struct sl_diff_live *live,
		    const struct sl_plan *plan)
{
	sl_cleanup(release) struct entries maps = { 0 };
	sl_cleanup(release) struct entries config = { 0 };
	int err = collect_sources(&maps, live->view, live->sources4, live->sources4_count, 4);

	if (!err)
		err = collect_sources(&maps, live->view, live->sources6, live->sources6_count, 6);
	if (!err)
		err = collect_sources(&config, live->view, plan->sources4, plan->sources4_count, 4);
	if (!err)
		err = collect_sources(&config, live->view, plan->sources6, plan->sources6_count, 6);
	if (!err)
		compare(sheet, "tenant", &maps, &config);
	return err;
}

static int collect_planned_blocks(struct entries *entries, const struct sl_block_entry *blocks,
				  size_t count, uint8_t family)
{
	for (size_t i = 0; i < count; i++) {
		struct sl_prefix_spec prefix = spec_of(&blocks[i].key, family);
		struct entry *entry = add_prefix(entries, "block", &prefix);

		if (!entry)
			return -ENOMEM;
		(void)snprintf(entry->value, sizeof(entry->value), "blocked");
	}
	return 0;
}

static int collect_live_blocks(struct entries *entries, const struct sl_diff_live *live)
{
	for (size_t i = 0; i < live->block_count; i++) {
		const struct sl_block_listed *block = &live->blocks[i];
		struct entry *entry;

		if (block->until_ns && block->until_ns <= live->now_ns)
			continue;
		entry = add_prefix(entries, "block", &block->prefix);
		if (!entry)
			return -ENOMEM;
		(void)snprintf(entry->value, sizeof(entry->value), "blocked");
	}
	return 0;
}

int sl_diff_blocks(struct sl_sheet *sheet, const struct sl_diff_live *live,
		   const struct sl_plan *plan)
{
	sl_cleanup(release) struct entries maps = { 0 };
	sl_cleanup(release) struct entries config = { 0 };
	int err = collect_live_blocks(&maps, live);

	if (!err)
		err = collect_planned_blocks(&config, plan->blocks4, plan->blocks4_count, 4);
	if (!err)
		err = collect_planned_blocks(&config, plan->blocks6, plan->blocks6_count, 6);
	if (!err)
		compare(sheet, "state", &maps, &config);
	return err;
}
