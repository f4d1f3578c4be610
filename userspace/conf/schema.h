/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the configuration may hold: a table for each mapping, from which
 * reading, checking of ranges, defaults and documentation all come. Private to
 * conf/.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "userspace/domain/config.h"
#include "userspace/domain/text.h"

/* What the root table fills. The config comes first: freeing it frees the draft. */
struct sl_conf_draft {
	struct sl_config config;
	struct sl_tenant_spec defaults; /* each tenant begins as a copy */
	uint32_t version;
};

struct sl_conf_field;

/* How one kind of scalar is read. */
struct sl_conf_type {
	const char *name; /* in the documentation: "a rate" */
	/* Writes to @at. 0, -ENOMEM, or another errno with @error filled. */
	int (*parse)(void *at, const char *text, const struct sl_conf_field *field,
		     struct sl_text_error *error);
	enum sl_unit unit;
};

extern const struct sl_conf_type sl_conf_bool;
extern const struct sl_conf_type sl_conf_choice;   /* one of .choices */
extern const struct sl_conf_type sl_conf_integer;  /* digits only, min..max */
extern const struct sl_conf_type sl_conf_count;	   /* digits and k, M, G, min..max */
extern const struct sl_conf_type sl_conf_bytes;	   /* with units, min..max */
extern const struct sl_conf_type sl_conf_limit;	   /* a count, or "unlimited" stored as 0 */
extern const struct sl_conf_type sl_conf_port;	   /* 1..65535, or "any" stored as 0 */
extern const struct sl_conf_type sl_conf_vlan;	   /* 1..4094, any, none */
extern const struct sl_conf_type sl_conf_duration; /* min..max, in ns */
extern const struct sl_conf_type sl_conf_rate;	   /* into a struct sl_rate_spec */
extern const struct sl_conf_type sl_conf_byte_rate;
extern const struct sl_conf_type sl_conf_burst; /* of the struct sl_rate_spec at .offset */
extern const struct sl_conf_type sl_conf_byte_burst;
extern const struct sl_conf_type sl_conf_name;	    /* of a tenant */
extern const struct sl_conf_type sl_conf_reference; /* to a tenant; check.c resolves it */
extern const struct sl_conf_type sl_conf_ifname;
extern const struct sl_conf_type sl_conf_path;	  /* absolute, of at most .max bytes */
extern const struct sl_conf_type sl_conf_cgroup;  /* relative, into a char * on the heap */
extern const struct sl_conf_type sl_conf_ip_text; /* an address kept as text */
extern const struct sl_conf_type sl_conf_address; /* or "any" */
extern const struct sl_conf_type sl_conf_prefix;

#define SL_CONF_REQUIRED     0x1u
#define SL_CONF_POWER_OF_TWO 0x2u
#define SL_CONF_NEVER	     0x4u  /* a duration may be "never" */
#define SL_CONF_TEMPLATE     0x8u  /* items begin as a copy of sl_conf_draft.defaults */
#define SL_CONF_RAW	     0x10u /* bursts are completed by who inherits them */

struct sl_conf_field {
	const char *key;
	const struct sl_conf_type *type; /* of the value, or of a list's items; NULL: .table */
	const struct sl_conf_table *table;
	const char *fallback; /* the default, written as in the file; NULL: all zero */
	const char *help;
	const struct sl_choice *choices;
	uint64_t min;
	uint64_t max; /* also of a list's items */
	size_t offset;
	size_t size;	     /* of the member; of an item, when it is a list */
	size_t count_offset; /* of a list's size_t; 0: no list */
	unsigned int flags;
};

struct sl_conf_table {
	const char *help;
	const struct sl_conf_field *fields; /* in the order they are read */
	size_t count;
	size_t line_offset; /* where a list's item keeps its line; 0: nowhere */
};

#define SL_CONF_FIELDS_MAX 24 /* of one table */

extern const struct sl_conf_table sl_conf_root;
extern const struct sl_conf_table sl_conf_tenant;
extern const struct sl_conf_table sl_conf_defaults;
