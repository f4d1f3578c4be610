/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls of the store's functions as arguments of FCALL, and their replies. Any Redis
 * client can carry them: a call is an argv, a reply the bytes of one bulk string.
 *
 * Keys: PREFIX:{bNNN}:TENANT:K, NNN the bucket of the tenant, K a letter of the kind. All
 * keys of a bucket are in one slot of a Redis Cluster, so one call may carry up to
 * SL_WIRE_TENANTS_MAX of them. The bucket is SipHash-2-4 (base/siphash.h) of the tenant
 * under a fixed key, modulo `buckets`: nodes must agree on it, and it is no secret.
 *
 * The numbers of a renewal and of a charge are one argument: big-endian 64-bit words, six for
 * each tenant, which Redis reads in a fifth of the time. Other calls have an argument for each.
 *
 * Replies: big-endian 64-bit words: version, call id, the store's time in us (a node
 * compares it with nothing of its own, and counts on from it for struct sl_charge), count, then the
 * words of each tenant. What does not fit that to the byte is -EPROTO, and nothing is taken: a
 * store is not trusted more than a network.
 *
 * Owner:  a call owns its bytes; it is as large as the largest one: not for small stacks.
 * Thread: pure functions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/base/span.h"
#include "userspace/quota/renewal.h"
#include "userspace/quota/store.h"
#include "userspace/quota/terms.h"

#define SL_WIRE_TENANTS_MAX  50
#define SL_WIRE_TENANT_BYTES 128 /* of a tenant's, or a scope's, name */
#define SL_WIRE_NODE_BYTES   64
#define SL_WIRE_PREFIX_BYTES 16
#define SL_WIRE_KEY_BYTES    (SL_WIRE_PREFIX_BYTES + SL_WIRE_TENANT_BYTES + 16)
#define SL_WIRE_BUCKETS	     256u /* the default; at most SL_WIRE_BUCKETS_MAX */
#define SL_WIRE_BUCKETS_MAX  1024u
#define SL_WIRE_ARGS_MAX     (8 + SL_WIRE_TENANTS_MAX * 2)
#define SL_WIRE_BYTES_MAX    (512 + SL_WIRE_TENANTS_MAX * (SL_WIRE_KEY_BYTES + 6 * 17))
#define SL_WIRE_VERSION	     1

struct sl_wire_keys {
	const char *prefix; /* "q"; letters and digits */
	uint32_t buckets;   /* 1..SL_WIRE_BUCKETS_MAX; the same on all nodes */
};

/* One tenant in a call. */
struct sl_wire_tenant {
	struct sl_span name; /* 1..128 printable characters without space, "{" and "}" */
	enum sl_quota_kind kind;
};

struct sl_wire_call {
	const char *argv[SL_WIRE_ARGS_MAX];
	size_t lengths[SL_WIRE_ARGS_MAX];
	size_t argc;
	char bytes[SL_WIRE_BYTES_MAX]; /* what argv points to */
	size_t used;
};

uint32_t sl_wire_bucket(const struct sl_wire_keys *keys, struct sl_span tenant);

/* NUL-terminated, into @ret[SL_WIRE_KEY_BYTES]. -EINVAL: the name is not allowed. */
int sl_wire_key(const struct sl_wire_keys *keys, const struct sl_wire_tenant *tenant, char *ret);

/*
 * The calls. @call_id, 1..2^53-1, comes back in the reply. @count: 1..SL_WIRE_TENANTS_MAX,
 * all of one bucket. -EINVAL: a name, node or number is not allowed, or two buckets; the
 * call is then empty.
 */
int sl_wire_renew(struct sl_wire_call *ret, const struct sl_wire_keys *keys, uint64_t call_id,
		  struct sl_span node, int64_t incarnation, const struct sl_wire_tenant *tenants,
		  const struct sl_renew *renewals, size_t count);
int sl_wire_central(struct sl_wire_call *ret, const struct sl_wire_keys *keys, uint64_t call_id,
		    struct sl_span node, int64_t incarnation, const struct sl_wire_tenant *tenants,
		    const struct sl_charge *charges, size_t count);
int sl_wire_terms(struct sl_wire_call *ret, const struct sl_wire_keys *keys, uint64_t call_id,
		  const struct sl_wire_tenant *tenant, const struct sl_terms *terms);
/* Effective rates of the leader with @token. */
int sl_wire_share(struct sl_wire_call *ret, const struct sl_wire_keys *keys, uint64_t call_id,
		  int64_t token, const struct sl_wire_tenant *tenants,
		  const int64_t *rates_mu_per_s, size_t count);
/* Everything about up to SL_WIRE_TENANTS_MAX tenants; @rows: each node's row as well. */
int sl_wire_show(struct sl_wire_call *ret, const struct sl_wire_keys *keys, uint64_t call_id,
		 const struct sl_wire_tenant *tenants, size_t count, bool rows);
/* Takes a node that is gone out of these tenants. */
int sl_wire_release(struct sl_wire_call *ret, const struct sl_wire_keys *keys, uint64_t call_id,
		    struct sl_span node, const struct sl_wire_tenant *tenants, size_t count);
/* The leader's lock, whose key is PREFIX:{alloc}. */
int sl_wire_lead(struct sl_wire_call *ret, const struct sl_wire_keys *keys, uint64_t call_id,
		 struct sl_span node);
/* ---- replies ------------------------------------------------------------------------ */

/* -EPROTO: not the reply to call @call_id with @count tenants; the outputs are untouched. */
int sl_wire_read_renewed(struct sl_renewed *ret, size_t count, uint64_t call_id,
			 struct sl_span reply);
int sl_wire_read_charged(struct sl_charged *ret, size_t count, uint64_t call_id,
			 struct sl_span reply);
/* Of terms, share, release: a status each. */
int sl_wire_read_statuses(enum sl_quota_status *ret, size_t count, uint64_t call_id,
			  struct sl_span reply);
/* *ret_token 0: another node leads. */
int sl_wire_read_lead(int64_t *ret_token, uint64_t call_id, struct sl_span reply);

/* One tenant of quota_show. */
struct sl_wire_shown {
	enum sl_quota_status status; /* UNKNOWN: nothing else is set */
	struct sl_terms terms;
	struct sl_store_sums sums;
	uint32_t row_count; /* read them before the next tenant */
};
struct sl_wire_shown_row {
	struct sl_span node;	 /* within the reply */
	struct sl_store_row row; /* .node is not set */
};

/* Reads a reply of quota_show from front to end. */
struct sl_wire_show_reader {
	struct sl_span rest;
	int64_t now_us; /* the store's, for people: how long a row still holds */
	size_t tenants; /* that are left */
	uint32_t rows;	/* of the last one, left */
};
int sl_wire_read_show(struct sl_wire_show_reader *ret, size_t count, uint64_t call_id,
		      struct sl_span reply);
/* 1: there is one; 0: that was all; -EPROTO. Rows not read are passed over. */
int sl_wire_next_shown(struct sl_wire_show_reader *reader, struct sl_wire_shown *ret);
int sl_wire_next_row(struct sl_wire_show_reader *reader, struct sl_wire_shown_row *ret);

/* What an error reply of Redis ("ERR Function not found") means. */
enum sl_wire_error {
	SL_WIRE_ERROR_OTHER = 0,
	SL_WIRE_ERROR_NO_LIBRARY, /* load library.h */
	SL_WIRE_ERROR_REFUSED,	  /* the function refused the arguments: a fault of ours */
	SL_WIRE_ERROR_AWAY,	  /* loading, read-only, down, moved: the client's to handle */
};
enum sl_wire_error sl_wire_error(struct sl_span text);
