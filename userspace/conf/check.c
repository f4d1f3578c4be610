// SPDX-License-Identifier: Apache-2.0
/*
 * What no table can say: that parts of the file agree with each other. Doubles
 * are found by sorting, so that no input makes it quadratic.
 *
 * Each array of the config was read from one list, so walking the list's nodes
 * walks the array: item i is node i.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/conf/read.h"
#include "userspace/conf/schema.h"

static struct sl_conf_draft *draft_of(struct sl_conf_context *ctx)
{
	return (struct sl_conf_draft *)(void *)ctx->filled;
}

/* Something that may stand in the file once. */
struct entry {
	const void *key;
	uint32_t length;
	uint32_t order; /* in the file */
	const struct sl_yaml *node;
};

struct entries {
	struct entry *at;
	size_t count;
};

static void entries_release(struct entries *entries)
{
	free(entries->at);
}

static int entries_reserve(struct entries *entries, size_t count)
{
	entries->at = calloc(count ? count : 1, sizeof(*entries->at));
	return entries->at ? 0 : -ENOMEM;
}

static void entries_add(struct entries *entries, const void *key, size_t length,
			const struct sl_yaml *node)
{
	entries->at[entries->count] = (struct entry){
		.key = key,
		.length = (uint32_t)length,
		.order = (uint32_t)entries->count,
		.node = node,
	};
	entries->count++;
}

static int compare_keys(const struct entry *a, const struct entry *b)
{
	int order;

	if (a->length != b->length)
		return a->length < b->length ? -1 : 1;
	order = memcmp(a->key, b->key, a->length);
	return order;
}

static int compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = compare_keys(x, y);

	if (order)
		return order;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* Sorts; the first double in the file is an error. */
static int refuse_doubles(struct sl_conf_context *ctx, struct entries *entries, const char *what)
{
	const struct entry *first = NULL, *second = NULL;

	qsort(entries->at, entries->count, sizeof(*entries->at), compare);
	for (size_t i = 1; i < entries->count; i++) {
		const struct entry *e = &entries->at[i];

		if (compare_keys(e - 1, e) == 0 && (!second || e->order < second->order)) {
			first = e - 1;
			second = e;
		}
	}
	if (!second)
		return 0;
	return sl_conf_fail(ctx, second->node, "the same %s is at line %u", what,
			    first->node->line);
}

static int check_count(struct sl_conf_context *ctx, const struct sl_yaml *node, size_t count,
		       size_t room, const char *what, const char *size)
{
	if (count <= room)
		return 0;
	return sl_conf_fail(ctx, node, "%zu %s, but sizes.%s leaves room for %zu", count, what,
			    size, room);
}

/* ---- interfaces and blocks ----------------------------------------------------- */

static int check_interfaces(struct sl_conf_context *ctx, const struct sl_yaml *list)
{
	struct sl_config *config = &draft_of(ctx)->config;
	sl_cleanup(entries_release) struct entries names = { 0 };
	const struct sl_yaml *node = list ? list->first : NULL;

	if (entries_reserve(&names, config->interface_count))
		return -ENOMEM;
	for (size_t i = 0; node; i++, node = node->next) {
		struct sl_interface_spec *interface = &config->interfaces[i];

		interface->tc_ingress = interface->attach == SL_ATTACH_TC_ONLY;
		entries_add(&names, interface->name, strlen(interface->name),
			    sl_yaml_get(node, "name"));
	}
	return refuse_doubles(ctx, &names, "interface");
}

static int check_blocks(struct sl_conf_context *ctx, const struct sl_yaml *list)
{
	struct sl_config *config = &draft_of(ctx)->config;
	sl_cleanup(entries_release) struct entries prefixes = { 0 };
	const struct sl_yaml *node = list ? list->first : NULL;
	size_t v4 = 0;
	int err;

	if (entries_reserve(&prefixes, config->block_count))
		return -ENOMEM;
	for (size_t i = 0; node; i++, node = node->next) {
		const struct sl_prefix_spec *prefix = &config->blocks[i].prefix;

		v4 += prefix->address.family == 4;
		entries_add(&prefixes, prefix, sizeof(*prefix), sl_yaml_get(node, "prefix"));
	}
	err = check_count(ctx, list, v4, config->sizes.blocks, "IPv4 blocks", "blocks");
	if (!err)
		err = check_count(ctx, list, config->block_count - v4, config->sizes.blocks,
				  "IPv6 blocks", "blocks");
	return err ? err : refuse_doubles(ctx, &prefixes, "prefix");
}

/* ---- tenants --------------------------------------------------------------------- */

/* What a tenant gives for @key, else the tenant itself: something to point at. */
static const struct sl_yaml *given_or_self(const struct sl_yaml *node, const char *key)
{
	const struct sl_yaml *given = sl_yaml_get(node, key);

	return given ? given : node;
}

/* A limit that is to be shared has to be one. */
static int check_global(struct sl_conf_context *ctx, const struct sl_yaml *node,
			const struct sl_tenant_spec *tenant)
{
	const struct sl_global_spec *global = &tenant->global;
	const struct {
		bool asked, unlimited;
		const char *key, *of;
	} rows[] = {
		{ global->packets, tenant->ingress_packets.unlimited, "packets",
		  "ingress.packets_per_s" },
		{ global->bytes, tenant->ingress_bytes.unlimited, "bytes", "ingress.bytes_per_s" },
		{ global->new_connections, tenant->new_connections.unlimited, "new_connections",
		  "new_connections_per_s" },
		{ global->requests,
		  tenant->requests.per_window[SL_REQUEST_GLOBAL] == SL_REQUESTS_UNLIMITED,
		  "requests", "requests.global" },
		{ global->cost,
		  tenant->requests.per_window[SL_REQUEST_COST] == SL_REQUESTS_UNLIMITED, "cost",
		  "requests.cost" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].asked && rows[i].unlimited)
			return sl_conf_fail(ctx, given_or_self(node, "global"),
					    "global.%s shares %s, which is unlimited", rows[i].key,
					    rows[i].of);
	if (tenant->lease_ns)
		return sl_conf_fail(ctx, given_or_self(node, "lease"),
				    "a global limit has a lease of its own: quota.ttl");
	return 0;
}

static bool has_global(const struct sl_global_spec *global)
{
	return global->packets || global->bytes || global->new_connections || global->requests ||
	       global->cost;
}

static int check_tenant(struct sl_conf_context *ctx, const struct sl_yaml *node,
			const struct sl_tenant_spec *tenant)
{
	if (has_global(&tenant->global))
		return check_global(ctx, node, tenant);
	if (tenant->on_lease_expiry != SL_FALLBACK_LAST && tenant->lease_ns == 0)
		return sl_conf_fail(
			ctx, given_or_self(node, "on_lease_expiry"),
			"on_lease_expiry: %s needs a lease, and there is none",
			sl_choice_name(sl_choices_fallback, (int)tenant->on_lease_expiry));
	if ((tenant->on_lease_expiry == SL_FALLBACK_SAFE ||
	     tenant->on_lease_expiry == SL_FALLBACK_BLEND) &&
	    tenant->safe_packets.unlimited && tenant->safe_bytes.unlimited)
		return sl_conf_fail(
			ctx, given_or_self(node, "on_lease_expiry"),
			"on_lease_expiry: %s needs safe.packets_per_s or safe.bytes_per_s",
			sl_choice_name(sl_choices_fallback, (int)tenant->on_lease_expiry));
	if (tenant->connections_max && draft_of(ctx)->config.sizes.sockets == 0)
		return sl_conf_fail(ctx, given_or_self(node, "connections"),
				    "a limit of connections needs sizes.sockets, which is 0");
	return 0;
}

static int check_sources(struct sl_conf_context *ctx, const struct sl_yaml *list)
{
	const struct sl_config *config = &draft_of(ctx)->config;
	sl_cleanup(entries_release) struct entries prefixes = { 0 };
	const struct sl_yaml *node = list ? list->first : NULL;
	size_t total = 0, v4 = 0;
	int err;

	for (size_t i = 0; i < config->tenant_count; i++)
		total += config->tenants[i].source_count;
	if (entries_reserve(&prefixes, total))
		return -ENOMEM;
	for (size_t i = 0; node; i++, node = node->next) {
		const struct sl_tenant_spec *tenant = &config->tenants[i];
		const struct sl_yaml *sources = sl_yaml_get(node, "sources");
		const struct sl_yaml *at = sources ? sources->first : NULL;

		for (size_t j = 0; at; j++, at = at->next) {
			v4 += tenant->sources[j].address.family == 4;
			entries_add(&prefixes, &tenant->sources[j], sizeof(tenant->sources[j]), at);
		}
	}
	err = check_count(ctx, list, v4, config->sizes.prefixes, "IPv4 sources", "prefixes");
	if (!err)
		err = check_count(ctx, list, total - v4, config->sizes.prefixes, "IPv6 sources",
				  "prefixes");
	return err ? err : refuse_doubles(ctx, &prefixes, "source prefix");
}

static int check_egress_marks(struct sl_conf_context *ctx, const struct sl_yaml *list)
{
	const struct sl_config *config = &draft_of(ctx)->config;
	sl_cleanup(entries_release) struct entries cgroups = { 0 };
	sl_cleanup(entries_release) struct entries marks = { 0 };
	const struct sl_yaml *node = list ? list->first : NULL;
	size_t total = 0;
	int err;

	for (size_t i = 0; i < config->tenant_count; i++)
		total += config->tenants[i].cgroup_count;
	if (entries_reserve(&cgroups, total) || entries_reserve(&marks, config->tenant_count))
		return -ENOMEM;
	for (size_t i = 0; node; i++, node = node->next) {
		const struct sl_tenant_spec *tenant = &config->tenants[i];
		const struct sl_yaml *given = sl_yaml_get(node, "cgroups");
		const struct sl_yaml *at = given ? given->first : NULL;

		for (size_t j = 0; at; j++, at = at->next)
			entries_add(&cgroups, tenant->cgroups[j], strlen(tenant->cgroups[j]), at);
		if (tenant->mark)
			entries_add(&marks, &tenant->mark, sizeof(tenant->mark),
				    sl_yaml_get(node, "mark"));
	}
	err = refuse_doubles(ctx, &cgroups, "cgroup");
	return err ? err : refuse_doubles(ctx, &marks, "mark");
}

/* Leaves @names sorted, .order being the index of the tenant. */
static int check_tenants(struct sl_conf_context *ctx, const struct sl_yaml *list,
			 struct entries *names)
{
	struct sl_config *config = &draft_of(ctx)->config;
	const struct sl_yaml *node = list ? list->first : NULL;
	const struct sl_yaml *defaults = sl_yaml_get(ctx->root, "defaults");
	const bool in_defaults = defaults && sl_yaml_get(defaults, "requests");
	const bool says_expiry = defaults && sl_yaml_get(defaults, "on_lease_expiry");
	int err = check_count(ctx, list, config->tenant_count, config->sizes.tenants - 1, "tenants",
			      "tenants");

	if (!err)
		err = entries_reserve(names, config->tenant_count);
	for (size_t i = 0; node && !err; i++, node = node->next) {
		const char *name = config->tenants[i].name;

		if (in_defaults || sl_yaml_get(node, "requests"))
			config->tenants[i].requests.set = (1u << SL_REQUEST_CLASSES) - 1;
		if (has_global(&config->tenants[i].global) && !says_expiry &&
		    !sl_yaml_get(node, "on_lease_expiry"))
			config->tenants[i].on_lease_expiry = SL_FALLBACK_BLEND;
		entries_add(names, name, strlen(name), sl_yaml_get(node, "name"));
		err = check_tenant(ctx, node, &config->tenants[i]);
	}
	if (!err)
		err = refuse_doubles(ctx, names, "tenant");
	if (!err)
		err = check_sources(ctx, list);
	return err ? err : check_egress_marks(ctx, list);
}

/* ---- quota ------------------------------------------------------------------------- */

static bool is_word(const char *text, const char *also)
{
	for (; *text; text++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
			    *text) &&
		    !strchr(also, *text))
			return false;
	return true;
}

static int check_capacity(struct sl_conf_context *ctx, const struct sl_yaml *node)
{
	const struct sl_capacity_spec *capacity = &draft_of(ctx)->config.quota.capacity;
	const struct {
		const char *key;
		const struct sl_rate_spec *rate;
	} rows[] = {
		{ "packets_per_s", &capacity->packets },
		{ "bytes_per_s", &capacity->bytes },
		{ "new_connections_per_s", &capacity->new_connections },
		{ "requests_per_s", &capacity->requests },
		{ "cost_per_s", &capacity->cost },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!rows[i].rate->unlimited && !rows[i].rate->per_s)
			return sl_conf_fail(ctx, given_or_self(node, rows[i].key),
					    "a platform that can do nothing shares nothing");
	return 0;
}

static int check_quota(struct sl_conf_context *ctx, const struct sl_yaml *node)
{
	const struct sl_quota_spec *quota = &draft_of(ctx)->config.quota;

	if (!node) /* all of it is as by default */
		return 0;
	if (!is_word(quota->node, ".-_"))
		return sl_conf_fail(ctx, given_or_self(node, "node"),
				    "quota.node: letters, digits, \".\", \"-\" and \"_\"");
	if (!quota->prefix[0] || !is_word(quota->prefix, ""))
		return sl_conf_fail(ctx, given_or_self(node, "prefix"),
				    "quota.prefix: letters and digits");
	if (draft_of(ctx)->config.redis.tls)
		return sl_conf_fail(ctx, given_or_self(sl_yaml_get(node, "redis"), "tls"),
				    "this client library has no TLS: use a proxy that has");
	if (quota->ttl_ns < 2 * quota->period_ns)
		return sl_conf_fail(ctx, given_or_self(node, "ttl"),
				    "quota.ttl: at least two periods");
	return check_capacity(ctx, given_or_self(node, "capacity"));
}

/* ---- services ---------------------------------------------------------------------- */

static int check_protocol(struct sl_conf_context *ctx, const struct sl_yaml *node,
			  const struct sl_service_spec *service)
{
	const bool icmp = service->protocol == IPPROTO_ICMP;
	const bool icmpv6 = service->protocol == IPPROTO_ICMPV6;

	if ((icmp || icmpv6) && service->port)
		return sl_conf_fail(ctx, given_or_self(node, "port"), "ICMP has no ports");
	if (icmp && service->address.family == 6)
		return sl_conf_fail(ctx, given_or_self(node, "protocol"),
				    "the address is IPv6; its protocol is icmpv6");
	if (icmpv6 && service->address.family == 4)
		return sl_conf_fail(ctx, given_or_self(node, "protocol"),
				    "the address is IPv4; its protocol is icmp");
	return 0;
}

/* The tenant's index, and whether to look for bound flows. */
static int check_owner(struct sl_conf_context *ctx, const struct sl_yaml *node,
		       struct sl_service_spec *service, const struct entries *names)
{
	const bool flows = draft_of(ctx)->config.sizes.flows > 0;
	const struct sl_yaml *bind = sl_yaml_get(node, "bind");
	const struct sl_yaml *tenant = sl_yaml_get(node, "tenant");
	char quoted[SL_QUOTE_BYTES];

	if (tenant) {
		struct entry key = { tenant->text, (uint32_t)strlen(tenant->text), 0, NULL };
		size_t low = 0, high = names->count;

		while (low < high) {
			size_t middle = low + (high - low) / 2;

			if (compare_keys(&names->at[middle], &key) < 0)
				low = middle + 1;
			else
				high = middle;
		}
		if (low == names->count || compare_keys(&names->at[low], &key) != 0)
			return sl_conf_fail(ctx, tenant, "no tenant is called %s",
					    sl_text_quote(quoted, tenant->text));
		service->tenant = (int)names->at[low].order;
	}
	if (!bind)
		service->bind = flows && !tenant;
	else if (service->bind && !flows)
		return sl_conf_fail(ctx, bind, "looking for flows needs sizes.flows, which is 0");
	return 0;
}

/* What tells two services apart, without padding. */
struct service_key {
	struct sl_address address;
	uint8_t protocol;
	uint16_t port;
	uint16_t vlan;
};
_Static_assert(sizeof(struct service_key) == 22, "conf: keys are compared as bytes");

static int check_services(struct sl_conf_context *ctx, const struct sl_yaml *list,
			  const struct entries *names)
{
	struct sl_config *config = &draft_of(ctx)->config;
	sl_cleanup(entries_release) struct entries entries = { 0 };
	sl_autofree struct service_key *keys = calloc(config->service_count + 1, sizeof(*keys));
	const struct sl_yaml *node = list ? list->first : NULL;
	size_t v4 = 0, v6 = 0;
	int err = 0;

	if (!keys || entries_reserve(&entries, config->service_count))
		return -ENOMEM;
	for (size_t i = 0; node && !err; i++, node = node->next) {
		struct sl_service_spec *service = &config->services[i];

		keys[i] = (struct service_key){ service->address, service->protocol, service->port,
						service->vlan };
		entries_add(&entries, &keys[i], sizeof(keys[i]), node);
		v4 += service->address.family != 6 && service->protocol != IPPROTO_ICMPV6;
		v6 += service->address.family != 4 && service->protocol != IPPROTO_ICMP;
		err = check_protocol(ctx, node, service);
		if (!err)
			err = check_owner(ctx, node, service, names);
	}
	if (!err)
		err = check_count(ctx, list, v4, config->sizes.services, "IPv4 services",
				  "services");
	if (!err)
		err = check_count(ctx, list, v6, config->sizes.services, "IPv6 services",
				  "services");
	return err ? err : refuse_doubles(ctx, &entries, "service");
}

int sl_conf_check(struct sl_conf_context *ctx, void *filled)
{
	sl_cleanup(entries_release) struct entries names = { 0 };
	const struct sl_yaml *root = ctx->root;
	int err = check_interfaces(ctx, sl_yaml_get(root, "interfaces"));

	(void)filled;
	draft_of(ctx)->config.has_nats = sl_yaml_get(root, "nats") != NULL;
	if (!err)
		err = check_tenants(ctx, sl_yaml_get(root, "tenants"), &names);
	if (!err)
		err = check_services(ctx, sl_yaml_get(root, "services"), &names);
	if (!err)
		err = sl_conf_add_policies(ctx, draft_of(ctx));
	if (!err)
		err = check_quota(ctx, sl_yaml_get(root, "quota"));
	if (!err)
		err = check_blocks(ctx, sl_yaml_get(root, "blocks"));
	return err;
}
