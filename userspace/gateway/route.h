/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The routes of the contract (1.1) as a static table: what a method and a path
 * mean, who may, and what they are charged to.
 *
 * Thread: pure functions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "userspace/base/span.h"

#define SL_ROUTE_PARAMETERS_MAX 2

enum sl_method {
	SL_METHOD_OTHER = 0,
	SL_METHOD_GET, /* and HEAD */
	SL_METHOD_POST,
	SL_METHOD_PUT,
	SL_METHOD_DELETE,
};

/* What requests are counted and limited by. */
enum sl_rate_class {
	SL_CLASS_NONE = 0,
	SL_CLASS_ROUTES_DECIDE,
	SL_CLASS_MESSAGES,
	SL_CLASS_REGISTRY_BLOCKS,
	SL_CLASS_GLOBAL, /* all of a tenant's classes together */
	SL_CLASSES,
};

enum sl_access {
	SL_ACCESS_ANYBODY = 0,
	SL_ACCESS_TENANT,
	SL_ACCESS_ADMIN,
	SL_ACCESS_OPERATOR, /* only on the listener of metrics */
};

enum sl_action {
	SL_ACTION_NONE = 0, /* no such route */
	SL_ACTION_DECIDE,
	SL_ACTION_GET_DECISION,
	SL_ACTION_MESSAGE_CREATE,
	SL_ACTION_MESSAGE_LIST,
	SL_ACTION_MESSAGE_GET,
	SL_ACTION_MESSAGE_PUT,
	SL_ACTION_MESSAGE_DELETE,
	SL_ACTION_MESSAGE_STREAM,
	SL_ACTION_RESULT_STREAM,
	SL_ACTION_BLOCK_CREATE,
	SL_ACTION_BLOCK_UPDATE,
	SL_ACTION_BLOCK_DELETE,
	SL_ACTION_BLOCK_GET,
	SL_ACTION_BLOCK_LIST,
	SL_ACTION_EXTENSION_HEALTH,
	SL_ACTION_BREAKERS,
	SL_ACTION_DRY_RUN,
	SL_ACTION_COMPLEXITY,
	SL_ACTION_LIMIT_USAGE,
	SL_ACTION_LIMIT_OVERRIDE,
	SL_ACTION_HEALTH,
	SL_ACTION_LIVE,
	SL_ACTION_READY,
	SL_ACTION_METRICS,
	SL_ACTION_METRICS_JSON,
	SL_ACTIONS,
};

struct sl_route {
	enum sl_method method;
	const char *path; /* a star stands for one part that is not empty */
	enum sl_action action;
	enum sl_access access;
	enum sl_rate_class rate_class;
	bool has_body;
	bool shed; /* refused while the router is overloaded */
};

struct sl_route_match {
	const struct sl_route *route; /* never NULL: the last one is SL_ACTION_NONE */
	size_t index;		      /* below sl_route_count() */
	struct sl_span parameters[SL_ROUTE_PARAMETERS_MAX];
};

/* @path is decoded and without a query. */
void sl_route_find(struct sl_route_match *ret, enum sl_method method, struct sl_span path);

size_t sl_route_count(void);
const struct sl_route *sl_route_at(size_t index);

enum sl_method sl_method_of(struct sl_span name);
const char *sl_method_name(enum sl_method method);
/* "routes_decide", ...; "" for none. */
const char *sl_rate_class_name(enum sl_rate_class rate_class);
/* SL_CLASSES when there is none of that name. */
enum sl_rate_class sl_rate_class_of(struct sl_span name);
