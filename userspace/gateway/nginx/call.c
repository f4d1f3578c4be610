/* SPDX-License-Identifier: Apache-2.0 */
/* An nginx request as a call of the gateway. */
#include "userspace/gateway/nginx/glue.h"

struct known {
	const char *name;
	size_t length;
	size_t offset;
};

#define KNOWN(text, member)                                                                        \
	{                                                                                          \
		text, sizeof(text) - 1, offsetof(struct sl_call, member)                           \
	}

static const struct known fields[] = {
	KNOWN("content-type", content_type),   KNOWN("accept", accept),
	KNOWN("x-tenant-id", tenant_id),       KNOWN("x-api-key", api_key),
	KNOWN("authorization", authorization), KNOWN("traceparent", traceparent),
	KNOWN("tracestate", tracestate),       KNOWN("x-request-id", request_id),
	KNOWN("x-trace-id", trace_id),	       KNOWN("idempotency-key", idempotency_key),
};

/* Lists of tracestate may come in pieces; elsewhere a second value contradicts. */
static void again(struct sl_call *call, struct sl_span *at, const ngx_table_elt_t *header,
		  ngx_http_request_t *r)
{
	u_char *joined;

	if (at == &call->traceparent) {
		call->traceparent = SL_SPAN("doubled");
		return;
	}
	if (at == &call->accept)
		return;
	if (at != &call->tracestate) {
		call->doubled = true;
		return;
	}
	joined = ngx_pnalloc(r->pool, at->length + 1 + header->value.len);
	if (!joined)
		return;
	ngx_memcpy(joined, at->at, at->length);
	joined[at->length] = ',';
	ngx_memcpy(joined + at->length + 1, header->value.data, header->value.len);
	*at = (struct sl_span){ (char *)joined, at->length + 1 + header->value.len };
}

static void read_field(struct sl_call *call, const ngx_table_elt_t *header, ngx_http_request_t *r)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		struct sl_span *at = (void *)((char *)call + fields[i].offset);

		if (header->key.len != fields[i].length ||
		    memcmp(header->lowcase_key, fields[i].name, fields[i].length) != 0)
			continue;
		if (at->at)
			again(call, at, header, r);
		else
			*at = sl_glue_span(header->value);
		return;
	}
}

static void read_fields(struct sl_call *call, ngx_http_request_t *r)
{
	const ngx_list_part_t *part = &r->headers_in.headers.part;

	for (; part; part = part->next) {
		const ngx_table_elt_t *headers = part->elts;

		for (ngx_uint_t i = 0; i < part->nelts; i++)
			read_field(call, &headers[i], r);
	}
}

static void read_peer(struct sl_call *call, const struct sockaddr *address)
{
	if (address->sa_family == AF_INET) {
		memcpy(call->peer, (const char *)address + offsetof(struct sockaddr_in, sin_addr),
		       4);
		call->peer_bytes = 4;
	} else if (address->sa_family == AF_INET6) {
		memcpy(call->peer, (const char *)address + offsetof(struct sockaddr_in6, sin6_addr),
		       16);
		call->peer_bytes = 16;
	}
}

/* The subject of a client certificate that nginx has verified. */
static void read_subject(struct sl_call *call, ngx_http_request_t *r)
{
	ngx_str_t text;

	if (!r->connection->ssl ||
	    ngx_ssl_get_client_verify(r->connection, r->pool, &text) != NGX_OK ||
	    !sl_span_is(sl_glue_span(text), "SUCCESS"))
		return;
	if (ngx_ssl_get_subject_dn(r->connection, r->pool, &text) == NGX_OK)
		call->client_subject = sl_glue_span(text);
}

void sl_glue_read_call(struct sl_call *call, ngx_http_request_t *r)
{
	call->method = sl_method_of(sl_glue_span(r->method_name));
	call->path = sl_glue_span(r->uri);
	call->query = sl_glue_span(r->args);
	call->content_length = r->headers_in.chunked ? -1 : r->headers_in.content_length_n;
	read_fields(call, r);
	read_peer(call, r->connection->sockaddr);
	if (!call->api_key.length && !call->authorization.length)
		read_subject(call, r);
}
