// SPDX-License-Identifier: Apache-2.0
/* With sockets of the test's own on loopback. */
#include "tests/harness/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/domain/flow_reader.h"
#include "userspace/gateway/kernel_sweep.h"

#define LINES 64u

struct pair {
	int listener, client, server;
	uint16_t port, client_port;
};

static uint16_t port_of(int fd)
{
	struct sockaddr_in6 address;
	socklen_t length = sizeof(address);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	return ntohs(address.sin6_port); /* at the same place in both families */
}

static struct pair connect_pair(uint8_t family)
{
	struct sockaddr_in four = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr *address = family == 4 ? (struct sockaddr *)&four : (struct sockaddr *)&six;
	socklen_t length = family == 4 ? sizeof(four) : sizeof(six);
	struct pair pair = { .listener = socket(address->sa_family, SOCK_STREAM, 0) };

	assert_int_equal(bind(pair.listener, address, length), 0);
	assert_int_equal(listen(pair.listener, 4), 0);
	pair.port = port_of(pair.listener);
	four.sin_port = six.sin6_port = htons(pair.port);
	pair.client = socket(address->sa_family, SOCK_STREAM, 0);
	assert_int_equal(connect(pair.client, address, length), 0);
	pair.client_port = port_of(pair.client);
	pair.server = accept(pair.listener, NULL, NULL);
	assert_true(pair.server >= 0);
	return pair;
}

static struct sl_flow_spec flow_of(const struct pair *pair, uint8_t family)
{
	struct sl_flow_spec made = { .remote.family = family,
				     .local.family = family,
				     .remote_port = pair->client_port,
				     .local_port = pair->port,
				     .protocol = TCP,
				     .tenant = 7 };

	if (family == 4)
		memcpy(made.local.bytes, &(uint32_t){ htonl(INADDR_LOOPBACK) }, 4);
	else
		memcpy(made.local.bytes, &in6addr_loopback, 16);
	made.remote = made.local;
	return made;
}

static uint64_t sweep(const struct pair *pair, const struct sl_flow_table *flows4,
		      const struct sl_flow_table *flows6)
{
	struct sl_kernel_sweep *sweep = NULL;
	uint64_t freed = 0;

	assert_int_equal(sl_kernel_sweep_new(&sweep, &pair->port, 1), 0);
	assert_false(sl_kernel_sweep_step(sweep, flows4, flows6, &freed)); /* not begun */
	assert_int_equal(sl_kernel_sweep_begin(sweep), 0);
	while (sl_kernel_sweep_step(sweep, flows4, flows6, &freed))
		;
	sl_kernel_sweep_free(sweep);
	return freed;
}

static void put(const struct sl_flow_table *table, const struct sl_flow_spec *flow)
{
	assert_int_equal(sl_flow_table_bind(table, flow), 0);
}

static void a_flow_goes_with_its_socket_and_no_other_does(void **state)
{
	for (uint8_t family = 4; family <= 6; family += 2) {
		struct sl_flow_table flows4 = new_table(4, LINES), flows6 = new_table(6, LINES);
		struct sl_flow_table *table = family == 4 ? &flows4 : &flows6;
		struct pair pair = connect_pair(family);
		const struct sl_flow_spec held = flow_of(&pair, family);
		struct sl_flow_spec gone = held, port = held, address = held, udp = held;

		gone.remote_port ^= 1; /* finds the listener only */
		port.local_port ^= 1;
		port.remote_port ^= 1;
		address.local.bytes[0] = 192;
		udp.remote_port ^= 1;
		udp.protocol = UDP;
		put(table, &held);
		put(table, &gone);
		put(table, &port);
		put(table, &address);
		put(table, &udp);
		assert_int_equal(sweep(&pair, &flows4, &flows6), 1);
		assert_int_equal(find(table, &gone), NOBODY);
		assert_int_equal(find(table, &held), 7);
		assert_int_equal(close(pair.server), 0); /* says goodbye, and is nobody's */
		assert_int_equal(sweep(&pair, &flows4, &flows6), 1);
		assert_int_equal(find(table, &held), NOBODY);
		assert_int_equal(find(table, &port), 7);
		assert_int_equal(find(table, &address), 7);
		assert_int_equal(find(table, &udp), 7);
		(void)close(pair.client);
		(void)close(pair.listener);
		put(table, &gone); /* without a listener nobody can tell */
		assert_int_equal(sweep(&pair, &flows4, &flows6), 0);
		free(flows4.lines);
		free(flows6.lines);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flow_goes_with_its_socket_and_no_other_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
