/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration engine for every program: a table for each mapping, from which
 * reading, checking of ranges, defaults, environment and documentation all come.
 * A program writes its tables beside its code and describes them by one
 * struct sl_conf_schema.
 *
 * Strict: what is unknown, doubled, of another type or out of range is refused,
 * never guessed or skipped.
 *
 * Owner:  the caller owns what it was given and frees its lists by sl_conf_clear().
 * Thread: no state.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "userspace/domain/config.h"
#include "userspace/domain/text.h"

struct sl_conf_error {
	/* "FILE:LINE:COL: key.path: what is wrong, and what is allowed" */
	char message[512];
};

struct sl_conf_field;

/* How one kind of scalar is read. */
struct sl_conf_type {
	const char *name; /* in the documentation: "a rate" */
	/* Writes to @at. 0, -ENOMEM, or another errno with @error filled. */
	int (*parse)(void *at, const char *text, const struct sl_conf_field *field,
		     struct sl_text_error *error);
	enum sl_unit unit;
	bool on_heap; /* a char * that sl_conf_clear() frees */
};

extern const struct sl_conf_type sl_conf_bool;
extern const struct sl_conf_type sl_conf_choice;    /* one of .choices */
extern const struct sl_conf_type sl_conf_integer;   /* digits only, min..max */
extern const struct sl_conf_type sl_conf_count;	    /* digits and k, M, G, min..max */
extern const struct sl_conf_type sl_conf_bytes;	    /* with units, min..max */
extern const struct sl_conf_type sl_conf_real;	    /* 0.25, 3: into a double, min..max */
extern const struct sl_conf_type sl_conf_limit;	    /* a count, or "unlimited" stored as 0 */
extern const struct sl_conf_type sl_conf_allowance; /* a count, 0: none, or "unlimited" */
extern const struct sl_conf_type sl_conf_port;	    /* 1..65535, or "any" stored as 0 */
extern const struct sl_conf_type sl_conf_vlan;	    /* 1..4094, any, none */
extern const struct sl_conf_type sl_conf_duration;  /* min..max, in ns */
extern const struct sl_conf_type sl_conf_rate;	    /* into a struct sl_rate_spec */
extern const struct sl_conf_type sl_conf_byte_rate;
extern const struct sl_conf_type sl_conf_burst; /* of the struct sl_rate_spec at .offset */
extern const struct sl_conf_type sl_conf_byte_burst;
extern const struct sl_conf_type sl_conf_name;	    /* of a tenant, char[SL_TENANT_NAME_BYTES] */
extern const struct sl_conf_type sl_conf_reference; /* to a tenant; check.c resolves it */
extern const struct sl_conf_type sl_conf_ifname;
extern const struct sl_conf_type sl_conf_path;	  /* absolute, of at most .max bytes */
extern const struct sl_conf_type sl_conf_cgroup;  /* relative, into a char * on the heap */
extern const struct sl_conf_type sl_conf_ip_text; /* an address kept as text */
extern const struct sl_conf_type sl_conf_address; /* or "any" */
extern const struct sl_conf_type sl_conf_prefix;

/* Into a char array of .size bytes, in lists as well: at most .size - 1 bytes. */
extern const struct sl_conf_type sl_conf_text;	  /* UTF-8 without control characters */
extern const struct sl_conf_type sl_conf_word;	  /* A-Z a-z 0-9 . _ - */
extern const struct sl_conf_type sl_conf_subject; /* of NATS, without wildcards */
extern const struct sl_conf_type sl_conf_url;	  /* its scheme is one of .choices */
extern const struct sl_conf_type sl_conf_urls;	  /* the same, several with commas */
extern const struct sl_conf_type sl_conf_file;	  /* an absolute path */

#define SL_CONF_REQUIRED     0x1u
#define SL_CONF_POWER_OF_TWO 0x2u
#define SL_CONF_NEVER	     0x4u  /* a duration may be "never" */
#define SL_CONF_TEMPLATE     0x8u  /* a list's items begin as a copy of .template_offset */
#define SL_CONF_RAW	     0x10u /* such a template: who inherits it completes its bursts */
#define SL_CONF_UNIQUE	     0x20u /* no two items of the list alike: in the first field */

struct sl_conf_field {
	const char *key;
	const struct sl_conf_type *type; /* of the value, or of a list's items; NULL: .table */
	const struct sl_conf_table *table;
	const char *fallback; /* the default, written as in the file; NULL: all zero */
	const char *help;
	const struct sl_choice *choices;
	uint64_t min;
	uint64_t max; /* of a list: how many items */
	size_t offset;
	size_t size;		/* of the member; of an item, when it is a list */
	size_t count_offset;	/* of a list's size_t; 0: no list */
	size_t template_offset; /* in what the root fills; of a field that is SL_CONF_RAW */
	unsigned int flags;
};

struct sl_conf_table {
	const char *help;
	const struct sl_conf_field *fields; /* in the order they are read */
	size_t count;
	size_t line_offset; /* where a list's item keeps its line, an unsigned; 0: nowhere */
};

#define SL_CONF_FIELDS_MAX 40 /* of one table */

#define SL_CONF_MEMBER(type, member)                                                               \
	.offset = offsetof(struct type, member), .size = sizeof(((struct type *)NULL)->member)
/* A list's pointer and its size_t, which may not be the struct's first member. */
#define SL_CONF_LIST(list_type, items, counter)                                                    \
	.offset = offsetof(struct list_type, items),                                               \
	.size = sizeof(*((struct list_type *)NULL)->items),                                        \
	.count_offset = offsetof(struct list_type, counter)
#define SL_CONF_TABLE(array) .fields = (array), .count = sizeof(array) / sizeof((array)[0])

struct sl_conf_context;

/* A variable that says what a key says, and wins over the file. */
struct sl_conf_variable {
	const char *name; /* "NATS_URL" */
	const char *path; /* "nats.servers": never into a list */
	const char *unit; /* appended to a number without one, as "ms"; NULL: as it is */
};

/*
 * One kind of file. Its root has a key "version", 1; what it fills is @size bytes.
 * @check, which may be NULL, is called once all is read: it says by sl_conf_refuse()
 * what no table can, and may complete what it was given.
 */
struct sl_conf_schema {
	const char *program; /* "router": this router reads version 1 */
	const char *intro;   /* of sl_conf_describe_schema(): Markdown */
	const struct sl_conf_table *root;
	size_t size;
	int (*check)(struct sl_conf_context *ctx, void *filled);
	const struct sl_conf_variable *variables;
	size_t variable_count;
};

/*
 * Reads the file at @path (NULL: none, defaults and environment only) into @ret, which
 * is overwritten on 0 and untouched on failure. @environment is like environ, or NULL.
 * -EINVAL: the content, with @error; -EFBIG: more than 16 MiB; -ENOMEM, or why the file
 * could not be read, also in @error.
 */
int sl_conf_read_file(void *ret, const struct sl_conf_schema *schema, const char *path,
		      char *const *environment, struct sl_conf_error *error);

/* The same from memory; @name stands for the file in messages. */
int sl_conf_read_text(void *ret, const struct sl_conf_schema *schema, const char *name,
		      const void *text, size_t length, char *const *environment,
		      struct sl_conf_error *error);

/* Frees every list of what was read; all of it is then zero. */
void sl_conf_clear(void *filled, const struct sl_conf_schema *schema);

/* Every key with type, range, default and help, as Markdown. -EIO: @out failed. */
int sl_conf_describe_schema(FILE *out, const struct sl_conf_schema *schema);

/*
 * For .check: "FILE:LINE:COL: @path: ..." and -EINVAL. A path is "tenants[3].policy";
 * what of it the file does not have is pointed at by what contains it.
 */
int sl_conf_refuse(struct sl_conf_context *ctx, const char *path, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
