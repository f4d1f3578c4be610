/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What nginx refuses by itself, before or behind the gateway, is told in the
 * contract's form as well. And bodies without a length are bounded here: nginx's own
 * bound would answer before it is known who asks.
 */
#include "userspace/gateway/nginx/glue.h"

static ngx_http_output_header_filter_pt next_header;
static ngx_http_output_body_filter_pt next_body;
static ngx_http_request_body_filter_pt next_request_body;

static bool is_ours(ngx_http_request_t *r)
{
	const struct sl_glue_server *server =
		ngx_http_get_module_srv_conf(r, ngx_http_sluice_module);
	const struct sl_worker *worker = sl_glue_worker();

	return r == r->main && r->headers_out.status >= NGX_HTTP_BAD_REQUEST && server->ours &&
	       worker && worker->gateway;
}

/* Own words in place of nginx's page: the body filter puts them out. */
static void replace(ngx_http_request_t *r, struct sl_glue_request *own)
{
	struct sl_exchange *exchange = &own->exchange;
	int status = (int)r->headers_out.status;

	own->capturing = true;
	if (r->headers_out.content_length) {
		r->headers_out.content_length->hash = 0;
		r->headers_out.content_length = NULL;
	}
	if (!exchange->gateway)
		sl_exchange_fail(exchange, sl_glue_worker()->gateway, status);
	else if (exchange->stage != SL_STAGE_DONE)
		sl_exchange_refuse(exchange, status);
}

static ngx_int_t filter_header(ngx_http_request_t *r)
{
	struct sl_glue_request *own = ngx_http_get_module_ctx(r, ngx_http_sluice_module);

	if (!is_ours(r) || (own && own->answered))
		return next_header(r);
	if (!own)
		own = sl_glue_request_new(r);
	if (own)
		replace(r, own);
	return next_header(r);
}

static ngx_int_t filter_body(ngx_http_request_t *r, ngx_chain_t *in)
{
	struct sl_glue_request *own = ngx_http_get_module_ctx(r, ngx_http_sluice_module);
	ngx_chain_t out = { 0 };
	ngx_buf_t *buffer;

	if (r != r->main || !own || !own->capturing || !own->body.len || !in)
		return next_body(r, in);
	for (; in; in = in->next)
		in->buf->pos = in->buf->last;
	if (own->replaced)
		return NGX_OK;
	own->replaced = true;
	buffer = ngx_calloc_buf(r->pool);
	if (!buffer)
		return NGX_ERROR;
	buffer->pos = own->body.data;
	buffer->last = own->body.data + own->body.len;
	buffer->memory = 1;
	buffer->last_buf = 1;
	buffer->last_in_chain = 1;
	out.buf = buffer;
	return next_body(r, &out);
}

static ngx_int_t filter_request_body(ngx_http_request_t *r, ngx_chain_t *in)
{
	struct sl_glue_request *own = ngx_http_get_module_ctx(r, ngx_http_sluice_module);

	if (own && own->reading) {
		for (const ngx_chain_t *link = in; link; link = link->next)
			own->body_bytes += (size_t)(link->buf->last - link->buf->pos);
		if (own->body_bytes > sl_glue_worker()->main->settings->requests.body_bytes_max)
			return NGX_HTTP_REQUEST_ENTITY_TOO_LARGE;
	}
	return next_request_body(r, in);
}

ngx_int_t sl_glue_filter_init(ngx_conf_t *cf)
{
	(void)cf;
	next_header = ngx_http_top_header_filter;
	ngx_http_top_header_filter = filter_header;
	next_body = ngx_http_top_body_filter;
	ngx_http_top_body_filter = filter_body;
	next_request_body = ngx_http_top_request_body_filter;
	ngx_http_top_request_body_filter = filter_request_body;
	return NGX_OK;
}
