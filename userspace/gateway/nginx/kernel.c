/* SPDX-License-Identifier: Apache-2.0 */
/* The TCP connection below a request, for the kernel. */
#include "userspace/gateway/nginx/glue.h"

#include "userspace/gateway/kernel.h"
#include "userspace/gateway/settings.h"

/* ::ffff:a.b.c.d is IPv4 on the wire. */
static bool read_address(struct sl_address *ret, uint16_t *ret_port, const struct sockaddr *from)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct sockaddr_in6 six;
	struct sockaddr_in four;

	*ret = (struct sl_address){ 0 };
	if (from->sa_family == AF_INET) {
		memcpy(&four, from, sizeof(four));
		ret->family = 4;
		memcpy(ret->bytes, &four.sin_addr, 4);
		*ret_port = ntohs(four.sin_port);
		return true;
	}
	if (from->sa_family != AF_INET6)
		return false;
	memcpy(&six, from, sizeof(six));
	*ret_port = ntohs(six.sin6_port);
	if (!memcmp(&six.sin6_addr, mapped, sizeof(mapped))) {
		ret->family = 4;
		memcpy(ret->bytes, (const char *)&six.sin6_addr + sizeof(mapped), 4);
		return true;
	}
	ret->family = 6;
	memcpy(ret->bytes, &six.sin6_addr, sizeof(ret->bytes));
	return true;
}

/* From the socket: nginx's own notion of the peer may come from a proxy's header. */
static void read_flow(struct sl_flow_spec *ret, int fd)
{
	struct sl_flow_spec flow = { .protocol = IPPROTO_TCP };
	struct sockaddr_storage at = { 0 };
	socklen_t length = sizeof(at);

	if (getpeername(fd, (struct sockaddr *)(void *)&at, &length) ||
	    !read_address(&flow.remote, &flow.remote_port, (struct sockaddr *)(void *)&at))
		return;
	length = sizeof(at);
	if (getsockname(fd, (struct sockaddr *)(void *)&at, &length) ||
	    !read_address(&flow.local, &flow.local_port, (struct sockaddr *)(void *)&at))
		return;
	*ret = flow;
}

static void over(void *data)
{
	sl_kernel_forget(data);
}

struct sl_kernel_connection *sl_glue_connection(ngx_http_request_t *r)
{
	const struct sl_settings *settings = sl_glue_worker()->main->settings;
	ngx_connection_t *connection = r->connection;
	struct sl_kernel_connection *own;
	ngx_pool_cleanup_t *cleanup;

	if (!settings->agent.socket[0])
		return NULL;
#if (NGX_HTTP_V2)
	if (r->stream)
		connection = r->stream->connection->connection;
#endif
	for (cleanup = connection->pool->cleanup; cleanup; cleanup = cleanup->next)
		if (cleanup->handler == over)
			return cleanup->data;
	cleanup = ngx_pool_cleanup_add(connection->pool, sizeof(*own));
	if (!cleanup)
		return NULL;
	own = cleanup->data;
	ngx_memzero(own, sizeof(*own));
	read_flow(&own->flow, connection->fd);
	cleanup->handler = over;
	return own;
}

size_t sl_glue_ports(uint16_t *ret, size_t max, const ngx_cycle_t *cycle)
{
	const ngx_listening_t *listening = cycle->listening.elts;
	size_t count = 0;

	for (ngx_uint_t i = 0; i < cycle->listening.nelts && count < max; i++) {
		struct sl_address address;
		uint16_t port;

		if (read_address(&address, &port, listening[i].sockaddr))
			ret[count++] = port;
	}
	return count;
}
