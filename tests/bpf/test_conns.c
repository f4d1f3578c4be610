// SPDX-License-Identifier: Apache-2.0
/* Concurrent connections are counted by real sockets, exactly, however they end. */
#include "tests/harness/test.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness/cgroup.h"
#include "tests/harness/suite.h"

#define LINK_TCX_EGRESS 47 /* BPF_TCX_EGRESS: newer than the headers of libbpf 1.1 */
#define MANY		10

struct bench {
	struct sl_shield *shield;
	struct sl_cgroup cgroup;
	struct bpf_link *link;
};

static int open_bench(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->shield = sl_shield_open(SL_SHIELD_CONNS | SL_SHIELD_TC | SL_SHIELD_XDP);
	assert_int_equal(system("ip addr add " SL_LOCAL4 "/32 dev lo && "
				"ip addr add " SL_LOCAL6 "/128 dev lo nodad"),
			 0);
	sl_cgroup_enter(&b->cgroup);
	b->link = bpf_program__attach_cgroup(b->shield->skel->progs.sl_sock_ops, b->cgroup.fd);
	assert_non_null(b->link);
	*state = b;
	return 0;
}

static int close_bench(void **state)
{
	struct bench *b = *state;

	(void)bpf_link__destroy(b->link);
	sl_cgroup_leave(&b->cgroup);
	sl_shield_close(b->shield);
	free(b);
	return 0;
}

static int world(void **state)
{
	struct bench *b = *state;

	sl_shield_reset(b->shield);
	sl_shield_protect(b->shield, 0, SL_TENANT);
	return 0;
}

/* ---- sockets -----------------------------------------------------------------------------------
 */

static bool is_six(const char *address)
{
	return strchr(address, ':') != NULL;
}

static socklen_t address_of(struct sockaddr_storage *ret, const char *text, uint16_t port)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;

	memset(ret, 0, sizeof(*ret));
	if (is_six(text)) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		assert_int_equal(inet_pton(AF_INET6, text, &v6->sin6_addr), 1);
		return sizeof(*v6);
	}
	v4->sin_family = AF_INET;
	v4->sin_port = htons(port);
	assert_int_equal(inet_pton(AF_INET, text, &v4->sin_addr), 1);
	return sizeof(*v4);
}

static int listen_on(const char *address, uint16_t port)
{
	struct sockaddr_storage at;
	const socklen_t length = address_of(&at, address, port);
	const int fd = socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int one = 1;

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, length), 0);
	assert_int_equal(listen(fd, 1024), 0);
	return fd;
}

static int connect_to(const char *address, uint16_t port)
{
	struct sockaddr_storage to;
	const socklen_t length = address_of(&to, address, port);
	const int fd = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, length), 0);
	return fd;
}

static int accept_one(int listener)
{
	const int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

/* Both ends of MANY connections. */
struct pairs {
	int listener;
	int client[MANY], server[MANY];
};

static void open_pairs(struct pairs *ret, const char *address)
{
	ret->listener = listen_on(address, 443);
	for (unsigned i = 0; i < MANY; i++) {
		ret->client[i] = connect_to(address, 443);
		ret->server[i] = accept_one(ret->listener);
	}
}

static void close_all(const int *fds)
{
	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(close(fds[i]), 0);
}

/* Ends the connection by a RST. */
static void abort_all(const int *fds)
{
	const struct linger none = { .l_onoff = 1 };

	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(setsockopt(fds[i], SOL_SOCKET, SO_LINGER, &none, sizeof(none)), 0);
	close_all(fds);
}

/* The last packets of a connection may be on their way. */
static void expect_open(const struct bench *b, uint64_t open)
{
	const volatile struct sl_conns *conns = &b->shield->conns[SL_TENANT];
	const volatile struct sl_ctl *ctl = b->shield->ctl;

	for (unsigned i = 0; i < 400 && conns->open != open; i++)
		assert_int_equal(usleep(5000), 0);
	assert_int_equal(conns->open, open);
	assert_int_equal(ctl->sockets_open, open);
}

/* ---- however they end
 * ------------------------------------------------------------------------------ */

static void connections_are_counted_while_open(void **state)
{
	struct bench *b = *state;
	struct pairs p;

	open_pairs(&p, SL_LOCAL4);
	expect_open(b, MANY);
	assert_int_equal(b->shield->conns[SL_TENANT].opened_total,
			 MANY); /* not the clients' ends */
	close_all(p.client);
	expect_open(b, MANY); /* half closed is not closed */
	close_all(p.server);
	expect_open(b, 0);
	(void)close(p.listener);
	assert_int_equal(b->shield->conns[SL_TENANT].opened_total, MANY);
}

/* The server's end goes into TIME_WAIT, where it holds no resources of the tenant. */
static void the_server_may_close_first(void **state)
{
	struct bench *b = *state;
	struct pairs p;

	open_pairs(&p, SL_LOCAL4);
	close_all(p.server);
	close_all(p.client);
	expect_open(b, 0);
	(void)close(p.listener);
}

static void a_reset_closes(void **state)
{
	struct bench *b = *state;
	struct pairs p;

	for (unsigned i = 0; i < 2; i++) {
		open_pairs(&p, SL_LOCAL4);
		expect_open(b, MANY);
		abort_all(i ? p.server : p.client);
		expect_open(b, 0);
		close_all(i ? p.client : p.server);
		(void)close(p.listener);
		expect_open(b, 0);
	}
}

/* Established, but never accepted: they count, and go with their listener. */
static void connections_waiting_to_be_accepted_count(void **state)
{
	const int listener = listen_on(SL_LOCAL4, 443);
	struct bench *b = *state;
	int client[MANY];

	for (unsigned i = 0; i < MANY; i++)
		client[i] = connect_to(SL_LOCAL4, 443);
	expect_open(b, MANY);
	(void)close(listener);
	expect_open(b, 0);
	close_all(client);
	expect_open(b, 0);
}

/* A worker that inherited the sockets is killed: only then are they closed. */
static void a_killed_process_closes_its_connections(void **state)
{
	struct bench *b = *state;
	struct pairs p;
	pid_t child;

	open_pairs(&p, SL_LOCAL4);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		(void)close_all(p.client);
		(void)pause();
		_exit(0);
	}
	close_all(p.server);
	assert_int_equal(usleep(20000), 0);
	expect_open(b, MANY);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	close_all(p.client);
	expect_open(b, 0);
	(void)close(p.listener);
}

static void many_short_connections_add_up(void **state)
{
	const int listener = listen_on(SL_LOCAL4, 443);
	struct bench *b = *state;
	pid_t children[2];

	for (unsigned i = 0; i < 2; i++) {
		children[i] = fork();
		assert_true(children[i] >= 0);
		if (children[i])
			continue;
		for (unsigned n = 0; n < 500; n++)
			(void)close(connect_to(SL_LOCAL4, 443));
		_exit(0);
	}
	for (unsigned n = 0; n < 1000; n++)
		(void)close(accept_one(listener));
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(waitpid(children[i], NULL, 0), children[i]);
	expect_open(b, 0);
	assert_int_equal(b->shield->conns[SL_TENANT].opened_total, 1000);
	(void)close(listener);
}

/* ---- whose they are
 * ---------------------------------------------------------------------------------- */

static void ipv6_is_counted(void **state)
{
	struct bench *b = *state;
	struct pairs p;

	open_pairs(&p, SL_LOCAL6);
	expect_open(b, MANY);
	close_all(p.client);
	close_all(p.server);
	expect_open(b, 0);
	(void)close(p.listener);
}

/* A listener of both families calls 192.0.2.1 ::ffff:192.0.2.1; the service does not. */
static void ipv4_at_a_listener_of_ipv6_is_ipv4(void **state)
{
	const int listener = listen_on("::", 443);
	const int client = connect_to(SL_LOCAL4, 443);
	const int server = accept_one(listener);
	struct bench *b = *state;

	expect_open(b, 1);
	(void)close(client);
	(void)close(server);
	(void)close(listener);
	expect_open(b, 0);
}

static void what_is_not_protected_is_not_counted(void **state)
{
	const int listener = listen_on(SL_LOCAL4, 444);
	const int client = connect_to(SL_LOCAL4, 444);
	const int server = accept_one(listener);
	struct bench *b = *state;

	expect_open(b, 0);
	(void)close(client);
	(void)close(server);
	(void)close(listener);
	expect_open(b, 0);
	assert_int_equal(b->shield->conns[SL_TENANT].opened_total, 0);
}

/* By the prefix of the client, or nobody's: then tenant 0's. */
static void the_owner_is_found_as_for_a_packet(void **state)
{
	struct bench *b = *state;
	struct sl_shield *s = b->shield;
	struct pairs p;

	sl_shield_reset(s);
	sl_shield_protect(s, 0, SL_TENANT_NONE);
	sl_shield_source(s, SL_LOCAL4 "/32", 9, SL_TENANT_NONE);
	open_pairs(&p, SL_LOCAL4);
	assert_int_equal(s->conns[9].open, MANY);
	close_all(p.client);
	close_all(p.server);
	(void)close(p.listener);
	open_pairs(&p, SL_LOCAL6);
	assert_int_equal(s->conns[SL_TENANT_UNKNOWN].open, MANY);
	close_all(p.client);
	close_all(p.server);
	(void)close(p.listener);
	expect_open(b, 0);
	assert_int_equal(s->conns[9].open + s->conns[SL_TENANT_UNKNOWN].open, 0);
}

/* ---- limits and changes
 * -------------------------------------------------------------------------------- */

static void beyond_the_storage_they_are_told_apart(void **state)
{
	struct bench *b = *state;
	struct sl_tally tally;
	struct pairs p;

	b->shield->ctl->sockets_open = SL_SHIELD_SOCKETS_MAX - 4;
	open_pairs(&p, SL_LOCAL4);
	assert_int_equal(b->shield->conns[SL_TENANT].open, 4);
	assert_int_equal(b->shield->ctl->sockets_open, SL_SHIELD_SOCKETS_MAX);
	sl_tally_read(&tally, b->shield);
	assert_int_equal(tally.node.conns_untracked, MANY - 4);
	close_all(p.client);
	close_all(p.server);
	for (unsigned i = 0; i < 200 && b->shield->conns[SL_TENANT].open; i++)
		assert_int_equal(usleep(5000), 0);
	b->shield->ctl->sockets_open -= SL_SHIELD_SOCKETS_MAX - 4;
	expect_open(b, 0);
	(void)close(p.listener);
}

/* The id went to another tenant, whose count the agent has set to 0. */
static void a_former_tenants_connections_are_not_taken_off(void **state)
{
	struct bench *b = *state;
	struct pairs p;

	open_pairs(&p, SL_LOCAL4);
	sl_shield_limit(b->shield, SL_TENANT)->ingress.gen++;
	b->shield->conns[SL_TENANT].open = 0;
	close_all(p.client);
	close_all(p.server);
	(void)close(p.listener);
	expect_open(b, 0);
	open_pairs(&p, SL_LOCAL4);
	expect_open(b, MANY);
	close_all(p.client);
	close_all(p.server);
	expect_open(b, 0);
	(void)close(p.listener);
}

static void a_handshake_proves_its_source(void **state)
{
	const struct sl_pkt p = SL_PKT(.to = SL_LOCAL4, .from = SL_LOCAL4);
	const struct sl_pkt stranger = SL_PKT(.to = SL_LOCAL4);
	struct bench *b = *state;
	struct sl_shield *s = b->shield;
	struct pairs pairs;

	sl_shield_reset(s);
	sl_shield_protect(s, 0, SL_TENANT_NONE);
	sl_shield_live(s)->features |= SL_FEATURE_PROVEN;
	sl_shield_live(s)->proven_s = 60;
	assert_false(sl_explain(s, SL_AT_XDP, &p).proven);
	open_pairs(&pairs, SL_LOCAL4);
	assert_true(sl_explain(s, SL_AT_XDP, &p).proven);
	assert_false(sl_explain(s, SL_AT_XDP, &stranger).proven);
	close_all(pairs.client);
	close_all(pairs.server);
	(void)close(pairs.listener);
	expect_open(b, 0);
}

/* What a counted socket sends is its tenant's, even when no service claims it. */
static void a_socket_names_the_tenant_going_out(void **state)
{
	struct bench *b = *state;
	struct sl_shield *s = b->shield;
	struct pairs p;
	int link;

	open_pairs(&p, SL_LOCAL4);
	s->ctl->half[0].shapes4_count = 0; /* the service is gone, its connections are not */
	s->ctl->half[0].features |= SL_FEATURE_SOCKETS;
	link = bpf_link_create(bpf_program__fd(s->skel->progs.sl_tc_egress),
			       (int)if_nametoindex("lo"), LINK_TCX_EGRESS, NULL);
	assert_true(link >= 0);
	assert_int_equal(send(p.server[0], "x", 1, 0), 1);
	assert_int_equal(send(p.server[1], "x", 1, 0), 1);
	assert_int_equal(usleep(20000), 0);
	(void)close(link);
	assert_int_equal(sl_counted_egress(s, SL_TENANT, SL_REASON_PASS).packets, 2);
	assert_int_equal(sl_counted_egress(s, SL_TENANT_UNKNOWN, SL_REASON_PASS).packets, 0);
	close_all(p.client);
	close_all(p.server);
	(void)close(p.listener);
	expect_open(b, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(connections_are_counted_while_open, world),
		cmocka_unit_test_setup(the_server_may_close_first, world),
		cmocka_unit_test_setup(a_reset_closes, world),
		cmocka_unit_test_setup(connections_waiting_to_be_accepted_count, world),
		cmocka_unit_test_setup(a_killed_process_closes_its_connections, world),
		cmocka_unit_test_setup(many_short_connections_add_up, world),
		cmocka_unit_test_setup(ipv6_is_counted, world),
		cmocka_unit_test_setup(ipv4_at_a_listener_of_ipv6_is_ipv4, world),
		cmocka_unit_test_setup(what_is_not_protected_is_not_counted, world),
		cmocka_unit_test_setup(the_owner_is_found_as_for_a_packet, world),
		cmocka_unit_test_setup(beyond_the_storage_they_are_told_apart, world),
		cmocka_unit_test_setup(a_former_tenants_connections_are_not_taken_off, world),
		cmocka_unit_test_setup(a_handshake_proves_its_source, world),
		cmocka_unit_test_setup(a_socket_names_the_tenant_going_out, world),
	};

	return cmocka_run_group_tests(tests, open_bench, close_bench);
}
