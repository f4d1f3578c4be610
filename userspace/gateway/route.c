/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/gateway/route.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define API  "/api/v1"
#define GET  SL_METHOD_GET
#define POST SL_METHOD_POST
#define PUT  SL_METHOD_PUT
#define DEL  SL_METHOD_DELETE

#define OPEN   SL_ACCESS_ANYBODY, SL_CLASS_NONE
#define DECIDE SL_ACCESS_TENANT, SL_CLASS_ROUTES_DECIDE
#define MSGS   SL_ACCESS_TENANT, SL_CLASS_MESSAGES
#define BLOCKS SL_ACCESS_TENANT, SL_CLASS_REGISTRY_BLOCKS
#define STREAM SL_ACCESS_TENANT, SL_CLASS_NONE
#define ADMIN  SL_ACCESS_ADMIN, SL_CLASS_NONE
#define OWN    SL_ACCESS_OPERATOR, SL_CLASS_NONE

/* The first that fits: a fixed part stands before a star in its place. */
static const struct sl_route routes[] = {
	{ POST, API "/routes/decide", SL_ACTION_DECIDE, DECIDE, true, true },
	{ GET, API "/routes/decide/*", SL_ACTION_GET_DECISION, DECIDE, false, false },
	{ POST, API "/messages", SL_ACTION_MESSAGE_CREATE, MSGS, true, true },
	{ GET, API "/messages", SL_ACTION_MESSAGE_LIST, MSGS, false, false },
	{ GET, API "/messages/stream", SL_ACTION_MESSAGE_STREAM, STREAM, false, false },
	{ GET, API "/results/stream", SL_ACTION_RESULT_STREAM, STREAM, false, false },
	{ GET, API "/messages/*", SL_ACTION_MESSAGE_GET, MSGS, false, false },
	{ PUT, API "/messages/*", SL_ACTION_MESSAGE_PUT, MSGS, true, false },
	{ DEL, API "/messages/*", SL_ACTION_MESSAGE_DELETE, MSGS, false, false },
	{ POST, API "/registry/blocks/*/*", SL_ACTION_BLOCK_CREATE, BLOCKS, true, false },
	{ PUT, API "/registry/blocks/*/*", SL_ACTION_BLOCK_UPDATE, BLOCKS, true, false },
	{ DEL, API "/registry/blocks/*/*", SL_ACTION_BLOCK_DELETE, BLOCKS, false, false },
	{ GET, API "/registry/blocks/*/*", SL_ACTION_BLOCK_GET, BLOCKS, false, false },
	{ GET, API "/registry/blocks/*", SL_ACTION_BLOCK_LIST, BLOCKS, false, false },
	{ GET, API "/registry/blocks", SL_ACTION_BLOCK_LIST, BLOCKS, false, false },
	{ GET, API "/extensions/health", SL_ACTION_EXTENSION_HEALTH, ADMIN, false, false },
	{ GET, API "/extensions/circuit-breakers", SL_ACTION_BREAKERS, ADMIN, false, false },
	{ POST, API "/policies/dry-run", SL_ACTION_DRY_RUN, ADMIN, true, false },
	{ GET, API "/policies/*/*/complexity", SL_ACTION_COMPLEXITY, ADMIN, false, false },
	{ GET, API "/admin/rate-limit/usage", SL_ACTION_LIMIT_USAGE, ADMIN, false, false },
	{ POST, API "/admin/rate-limit/overrides", SL_ACTION_LIMIT_OVERRIDE, ADMIN, true, false },
	{ GET, "/health", SL_ACTION_HEALTH, OPEN, false, false },
	{ GET, "/_health", SL_ACTION_HEALTH, OPEN, false, false },
	{ GET, "/health/live", SL_ACTION_LIVE, OPEN, false, false },
	{ GET, "/health/ready", SL_ACTION_READY, OPEN, false, false },
	{ GET, "/metrics", SL_ACTION_METRICS, OWN, false, false },
	{ GET, "/_metrics", SL_ACTION_METRICS_JSON, OWN, false, false },
	{ SL_METHOD_OTHER, "", SL_ACTION_NONE, OPEN, false, false },
};

/* The part of a path up to the next slash. */
static struct sl_span part_of(const char *at, const char *end)
{
	const char *slash = at < end ? memchr(at, '/', (size_t)(end - at)) : NULL;

	return (struct sl_span){ at, (size_t)((slash ? slash : end) - at) };
}

static bool fits(const struct sl_route *route, struct sl_span path,
		 struct sl_span parameters[SL_ROUTE_PARAMETERS_MAX])
{
	const char *at = path.at, *end = path.at + path.length, *pattern = route->path;
	size_t found = 0;

	for (; *pattern; pattern++) {
		struct sl_span part;

		if (*pattern != '*') {
			if (at == end || *at++ != *pattern)
				return false;
			continue;
		}
		part = part_of(at, end);
		if (!part.length || found == SL_ROUTE_PARAMETERS_MAX)
			return false;
		parameters[found++] = part;
		at += part.length;
	}
	return at == end;
}

void sl_route_find(struct sl_route_match *ret, enum sl_method method, struct sl_span path)
{
	size_t last = COUNT(routes) - 1;

	for (size_t i = 0; i < last; i++) {
		*ret = (struct sl_route_match){ .route = &routes[i], .index = i };
		if (routes[i].method == method && fits(&routes[i], path, ret->parameters))
			return;
	}
	*ret = (struct sl_route_match){ .route = &routes[last], .index = last };
}

size_t sl_route_count(void)
{
	return COUNT(routes);
}

const struct sl_route *sl_route_at(size_t index)
{
	return &routes[index];
}

static const char *const methods[] = { "OTHER", "GET", "POST", "PUT", "DELETE" };

enum sl_method sl_method_of(struct sl_span name)
{
	for (size_t i = 1; i < COUNT(methods); i++)
		if (sl_span_is(name, methods[i]))
			return (enum sl_method)i;
	return sl_span_is(name, "HEAD") ? SL_METHOD_GET : SL_METHOD_OTHER;
}

const char *sl_method_name(enum sl_method method)
{
	return methods[method];
}

static const char *const classes[SL_CLASSES] = {
	[SL_CLASS_NONE] = "",
	[SL_CLASS_ROUTES_DECIDE] = "routes_decide",
	[SL_CLASS_MESSAGES] = "messages",
	[SL_CLASS_REGISTRY_BLOCKS] = "registry_blocks",
	[SL_CLASS_GLOBAL] = "global",
};

const char *sl_rate_class_name(enum sl_rate_class rate_class)
{
	return classes[rate_class];
}

enum sl_rate_class sl_rate_class_of(struct sl_span name)
{
	for (size_t i = 1; i < SL_CLASSES; i++)
		if (sl_span_is(name, classes[i]))
			return (enum sl_rate_class)i;
	return SL_CLASSES;
}
