// SPDX-License-Identifier: Apache-2.0
/*
 * The limit of concurrent connections, on a veth, against the kernel's own TCP: SYNs and
 * ACKs are sent as raw frames, so that a volley of handshakes can be half open at once.
 * Never are more established than the tenant may have.
 */
#include "tests/harness/test.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/harness/cgroup.h"
#include "tests/harness/suite.h"
#include "userspace/base/cleanup.h"

#define CONNS_MAX  3u
#define VOLLEY	   8u
#define FIRST_PORT 20000u
#define SEQ	   1000u

struct bench {
	struct sl_shield *shield;
	struct sl_cgroup cgroup;
	struct bpf_link *link;
	int wire;	     /* the far end of the veth: raw frames */
	int listener;	     /* does not block */
	uint16_t first_port; /* of the clients: others in each test */
};

/* sl0 is the world, sl1 the protected interface. Their neighbours are fixed: no ARP. */
#define SETUP                                                                                      \
	"ip link set sl0 address 02:00:00:00:00:01 && ip link set sl1 address 02:00:00:00:00:02 "  \
	"&& ip link set sl0 up && ip link set sl1 up && ip addr add " SL_LOCAL4 "/24 dev sl1 && "  \
	"ip route add 10.0.0.0/8 dev sl1 && "                                                      \
	"ip neigh add " SL_REMOTE4 " lladdr 02:00:00:00:00:01 dev sl1 nud permanent"

static int open_wire(void)
{
	const struct timeval wait = { .tv_usec = 20000 };
	const struct sockaddr_ll at = { .sll_family = AF_PACKET,
					.sll_protocol = htons(ETH_P_IP),
					.sll_ifindex = (int)if_nametoindex("sl0") };
	const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_IP));

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)), 0);
	return fd;
}

static int open_bench(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	int program;

	assert_non_null(b);
	b->shield = sl_shield_open(SL_SHIELD_CONNS | SL_SHIELD_XDP);
	sl_cgroup_enter(&b->cgroup);
	b->link = bpf_program__attach_cgroup(b->shield->skel->progs.sl_sock_ops, b->cgroup.fd);
	assert_non_null(b->link);
	assert_int_equal(system(SETUP), 0);
	program = bpf_program__fd(b->shield->skel->progs.sl_xdp_ingress);
	assert_int_equal(bpf_xdp_detach((int)if_nametoindex("sl0"), 0, NULL), 0);
	assert_int_equal(bpf_xdp_attach((int)if_nametoindex("sl1"), program, 0, NULL), 0);
	b->wire = open_wire();
	b->first_port = FIRST_PORT;
	*state = b;
	return 0;
}

static int close_bench(void **state)
{
	struct bench *b = *state;

	(void)close(b->wire);
	(void)bpf_link__destroy(b->link);
	sl_cgroup_leave(&b->cgroup);
	sl_shield_close(b->shield);
	free(b);
	return 0;
}

static int listen_here(void)
{
	const struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(443) };
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const int one = 1;

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 128), 0);
	return fd;
}

static void set_cookies(const char *value)
{
	sl_autofclose FILE *file = fopen("/proc/sys/net/ipv4/tcp_syncookies", "we");

	assert_non_null(file);
	assert_true(fputs(value, file) >= 0);
}

static int begin(void **state)
{
	struct bench *b = *state;
	struct sl_limit *l;

	sl_shield_reset(b->shield);
	sl_shield_protect(b->shield, 0, SL_TENANT);
	l = sl_shield_limit(b->shield, SL_TENANT);
	l->ingress.flags = SL_SIDE_CONNS;
	l->conns_max = CONNS_MAX;
	set_cookies("1");
	b->first_port = (uint16_t)(b->first_port + VOLLEY);
	b->listener = listen_here();
	return 0;
}

static int end(void **state)
{
	struct bench *b = *state;

	(void)close(b->listener); /* which resets what it did not hand out */
	return 0;
}

/* ---- the wire
 * ------------------------------------------------------------------------------------ */

static void put32(struct sl_pkt *p, uint32_t at, uint32_t value)
{
	sl_pkt_put16(p, at, (uint16_t)(value >> 16));
	sl_pkt_put16(p, at + 2, (uint16_t)value);
}

static struct sl_pkt segment(const struct bench *b, unsigned client, uint8_t flags, uint32_t seq,
			     uint32_t ack)
{
	struct sl_pkt p = SL_PKT(.to = SL_LOCAL4, .from_port = (uint16_t)(b->first_port + client),
				 .protocol = IPPROTO_TCP, .flags = flags, .seq = seq);

	put32(&p, p.l4 + 8, ack);
	sl_pkt_seal(&p);
	return p;
}

static void transmit(const struct bench *b, const struct sl_pkt *p)
{
	assert_int_equal(send(b->wire, p->bytes, p->length, 0), (ssize_t)p->length);
}

/* The sequence number of the SYN+ACK to @client, or -1 when none comes. */
static int64_t receive_synack(const struct bench *b, unsigned client)
{
	uint8_t frame[2048];
	uint16_t port;
	uint32_t seq;

	for (unsigned tries = 0; tries < 100; tries++) {
		const ssize_t got = recv(b->wire, frame, sizeof(frame), 0);

		if (got < 0)
			return -1;
		memcpy(&port, frame + 36, sizeof(port));
		memcpy(&seq, frame + 38, sizeof(seq));
		if (got >= 54 && frame[23] == IPPROTO_TCP &&
		    ntohs(port) == b->first_port + client && frame[47] == (TH_SYN | TH_ACK))
			return ntohl(seq);
	}
	return -1;
}

static int64_t send_syn(const struct bench *b, unsigned client)
{
	const struct sl_pkt p = segment(b, client, TH_SYN, SEQ, 0);

	transmit(b, &p);
	return receive_synack(b, client);
}

static void send_ack(const struct bench *b, unsigned client, int64_t synack)
{
	const struct sl_pkt p = segment(b, client, TH_ACK, SEQ + 1, (uint32_t)synack + 1);

	assert_true(synack >= 0);
	transmit(b, &p);
}

static void send_rst(const struct bench *b, unsigned client)
{
	const struct sl_pkt p = segment(b, client, TH_RST, SEQ + 1, 0);

	transmit(b, &p);
}

static uint64_t counted(const struct bench *b, enum sl_reason reason)
{
	return sl_counted(b->shield, SL_TENANT, reason).packets;
}

/* Until the tenant has had @count packets in all; the interface has others. */
static void wait_packets(const struct bench *b, uint64_t count)
{
	uint64_t seen = 0;

	for (unsigned i = 0; i < 400 && seen < count; i++) {
		seen = counted(b, SL_REASON_PASS) + counted(b, SL_REASON_CONNS_MAX);
		assert_int_equal(usleep(2000), 0);
	}
	assert_int_equal(seen, count);
	assert_int_equal(usleep(20000), 0); /* and TCP has seen what passed */
}

static unsigned accepted(const struct bench *b, int *ret_fds)
{
	unsigned count = 0;

	for (;;) {
		const int fd = accept4(b->listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			return count;
		ret_fds[count++] = fd;
		assert_true(count <= VOLLEY);
	}
}

/* ---- the volley
 * ---------------------------------------------------------------------------------- */

/* VOLLEY handshakes half open at once; then all ACKs. */
static void fire(const struct bench *b, int64_t *ret_synacks)
{
	for (unsigned i = 0; i < VOLLEY; i++) {
		ret_synacks[i] = send_syn(b, i);
		assert_true(ret_synacks[i] >= 0);
	}
	for (unsigned i = 0; i < VOLLEY; i++)
		send_ack(b, i, ret_synacks[i]);
}

static void expect_no_more_than_allowed(const struct bench *b)
{
	int64_t synacks[VOLLEY];
	int fds[VOLLEY];
	unsigned open;

	fire(b, synacks);
	wait_packets(b, 2 * VOLLEY);
	assert_int_equal(b->shield->conns[SL_TENANT].open, CONNS_MAX);
	assert_int_equal(counted(b, SL_REASON_PASS), VOLLEY + CONNS_MAX);
	assert_int_equal(counted(b, SL_REASON_CONNS_MAX), VOLLEY - CONNS_MAX);
	open = accepted(b, fds);
	assert_int_equal(open, CONNS_MAX);
	for (unsigned i = 0; i < open; i++)
		(void)close(fds[i]);
}

static void a_volley_of_handshakes_is_cut_at_the_limit(void **state)
{
	expect_no_more_than_allowed(*state);
}

/* With SYN cookies there is no request to look up: the listener itself is found. */
static void so_is_one_with_cookies(void **state)
{
	set_cookies("2");
	expect_no_more_than_allowed(*state);
}

static void when_one_ends_the_next_may_finish(void **state)
{
	struct bench *b = *state;
	int64_t synacks[VOLLEY];
	int fds[VOLLEY];

	fire(b, synacks);
	wait_packets(b, 2 * VOLLEY);
	send_rst(b, 0);
	wait_packets(b, 2 * VOLLEY + 1);
	assert_int_equal(b->shield->conns[SL_TENANT].open, CONNS_MAX - 1);
	send_ack(b, CONNS_MAX, synacks[CONNS_MAX]); /* the refused client tries again */
	send_ack(b, CONNS_MAX + 1, synacks[CONNS_MAX + 1]);
	wait_packets(b, 2 * VOLLEY + 3);
	assert_int_equal(b->shield->conns[SL_TENANT].open, CONNS_MAX);
	assert_int_equal(counted(b, SL_REASON_CONNS_MAX), VOLLEY - CONNS_MAX + 1);
	for (unsigned n = accepted(b, fds); n > 0; n--)
		(void)close(fds[n - 1]);
}

/* A SYN at the limit gets no answer; those who are in are not disturbed. */
static void at_the_limit_the_established_go_on(void **state)
{
	struct bench *b = *state;
	int64_t synacks[CONNS_MAX];
	char byte = 0;
	int fds[VOLLEY];
	unsigned open;

	for (unsigned i = 0; i < CONNS_MAX; i++) {
		synacks[i] = send_syn(b, i);
		send_ack(b, i, synacks[i]);
	}
	wait_packets(b, 2 * CONNS_MAX);
	assert_true(send_syn(b, CONNS_MAX) < 0);
	assert_int_equal(counted(b, SL_REASON_CONNS_MAX), 1);
	for (unsigned i = 0; i < CONNS_MAX; i++) {
		struct sl_pkt p =
			SL_PKT(.to = SL_LOCAL4, .from_port = (uint16_t)(b->first_port + i),
			       .protocol = IPPROTO_TCP, .flags = TH_ACK | TH_PUSH, .seq = SEQ + 1,
			       .payload_bytes = 1);

		put32(&p, p.l4 + 8, (uint32_t)synacks[i] + 1);
		sl_pkt_seal(&p);
		transmit(b, &p);
	}
	wait_packets(b, 3 * CONNS_MAX + 1);
	assert_int_equal(counted(b, SL_REASON_CONNS_MAX), 1);
	open = accepted(b, fds);
	assert_int_equal(open, CONNS_MAX);
	for (unsigned i = 0; i < open; i++) {
		assert_int_equal(recv(fds[i], &byte, 1, MSG_DONTWAIT), 1);
		(void)close(fds[i]);
	}
}

/* ---- by test run: what is a handshake's last packet
 * ------------------------------------------------- */

static void only_what_opens_a_connection_is_refused(void **state)
{
	static const struct {
		const char *name;
		uint16_t port;
		uint8_t flags, protocol;
		enum sl_reason reason;
	} rows[] = {
		{ "syn", 443, TH_SYN, IPPROTO_TCP, SL_REASON_CONNS_MAX },
		{ "ack to a listener", 443, TH_ACK, IPPROTO_TCP, SL_REASON_CONNS_MAX },
		{ "data to a listener", 443, TH_ACK | TH_PUSH, IPPROTO_TCP, SL_REASON_CONNS_MAX },
		{ "rst", 443, TH_RST, IPPROTO_TCP, SL_REASON_PASS },
		{ "rst of a syn", 443, TH_RST | TH_SYN, IPPROTO_TCP, SL_REASON_PASS },
		{ "udp", 443, 0, IPPROTO_UDP, SL_REASON_PASS },
	};
	struct bench *b = *state;
	struct sl_shield *s = b->shield;

	for (unsigned full = 0; full < 2; full++) {
		s->conns[SL_TENANT].open = full ? CONNS_MAX : CONNS_MAX - 1;
		for (size_t i = 0; i < SL_ROWS(rows); i++) {
			const struct sl_pkt p =
				SL_PKT(.to = SL_LOCAL4, .to_port = rows[i].port,
				       .flags = rows[i].flags, .protocol = rows[i].protocol);

			sl_expect_at(SL_HERE(rows[i].name), s, SL_AT_XDP, &p,
				     (struct sl_expected){ .tenant = SL_TENANT,
							   .reason = full ? rows[i].reason
									  : SL_REASON_PASS });
		}
	}
	/* Nobody listens: an ACK can open nothing. A SYN is refused all the same. */
	(void)close(b->listener);
	b->listener = -1;
	for (size_t i = 1; i < SL_ROWS(rows); i++) {
		const struct sl_pkt p =
			SL_PKT(.to = SL_LOCAL4, .to_port = rows[i].port, .flags = rows[i].flags,
			       .protocol = rows[i].protocol);

		sl_expect_at(SL_HERE(rows[i].name), s, SL_AT_XDP, &p,
			     (struct sl_expected){ .tenant = SL_TENANT });
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_volley_of_handshakes_is_cut_at_the_limit, begin,
						end),
		cmocka_unit_test_setup_teardown(so_is_one_with_cookies, begin, end),
		cmocka_unit_test_setup_teardown(when_one_ends_the_next_may_finish, begin, end),
		cmocka_unit_test_setup_teardown(at_the_limit_the_established_go_on, begin, end),
		cmocka_unit_test_setup_teardown(only_what_opens_a_connection_is_refused, begin,
						end),
	};

	return cmocka_run_group_tests(tests, open_bench, close_bench);
}
