/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/gateway/kernel_sweep.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "userspace/base/cleanup.h"

#define STEP_SLOTS   16384 /* of which most are free: read at memory speed */
#define PART_SLOTS   64
#define STEP_ASKED   256 /* questions to the kernel, a few microseconds each */
#define ADDRESSES    1024
#define ANSWER_BYTES 1024
#define TIMEOUT_US   100000

struct sl_kernel_sweep {
	int fd;
	uint32_t sequence;
	bool failed;
	uint8_t family; /* 4, then 6; 0: not begun */
	uint64_t place;
	unsigned int asked;
	struct sl_address address[ADDRESSES]; /* this node's */
	size_t address_count;
	size_t port_count;
	uint16_t ports[];
};

/* ---- which flows are ours to judge ----------------------------------------------------- */

static void keep(struct sl_kernel_sweep *sweep, const struct sockaddr *from)
{
	struct sl_address *to = &sweep->address[sweep->address_count];

	if (!from || sweep->address_count == ADDRESSES)
		return;
	*to = (struct sl_address){ 0 };
	if (from->sa_family == AF_INET) {
		to->family = 4;
		memcpy(to->bytes, (const char *)from + offsetof(struct sockaddr_in, sin_addr), 4);
	} else if (from->sa_family == AF_INET6) {
		to->family = 6;
		memcpy(to->bytes, (const char *)from + offsetof(struct sockaddr_in6, sin6_addr),
		       16);
	} else {
		return;
	}
	sweep->address_count++;
}

static int read_addresses(struct sl_kernel_sweep *sweep)
{
	struct ifaddrs *all;

	if (getifaddrs(&all))
		return -errno;
	sweep->address_count = 0;
	for (const struct ifaddrs *one = all; one; one = one->ifa_next)
		keep(sweep, one->ifa_addr);
	freeifaddrs(all);
	return 0;
}

static bool is_ours(const struct sl_kernel_sweep *sweep, const struct sl_flow_spec *flow)
{
	bool port = false;

	if (flow->protocol != IPPROTO_TCP)
		return false;
	for (size_t i = 0; i < sweep->port_count && !port; i++)
		port = sweep->ports[i] == flow->local_port;
	for (size_t i = 0; port && i < sweep->address_count; i++)
		if (!memcmp(&sweep->address[i], &flow->local, sizeof(flow->local)))
			return true;
	return false;
}

/* ---- asking the kernel ------------------------------------------------------------------- */

struct question {
	struct nlmsghdr header;
	struct inet_diag_req_v2 body;
};

static int ask(struct sl_kernel_sweep *sweep, const struct sl_flow_spec *flow)
{
	struct question question = {
		.header = { .nlmsg_len = sizeof(question),
			    .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			    .nlmsg_flags = NLM_F_REQUEST,
			    .nlmsg_seq = ++sweep->sequence },
		.body = { .sdiag_family = flow->local.family == 4 ? AF_INET : AF_INET6,
			  .sdiag_protocol = IPPROTO_TCP,
			  .idiag_states = UINT32_MAX,
			  .id = { .idiag_sport = htons(flow->local_port),
				  .idiag_dport = htons(flow->remote_port),
				  .idiag_cookie = { INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE } } },
	};

	memcpy(question.body.id.idiag_src, flow->local.bytes, 16);
	memcpy(question.body.id.idiag_dst, flow->remote.bytes, 16);
	if (send(sweep->fd, &question, sizeof(question), 0) != (ssize_t)sizeof(question))
		return errno ? -errno : -EIO;
	return 0;
}

/* Of the connection itself and somebody's: one whose process is gone only says goodbye. */
static bool is_held(const struct inet_diag_msg *found, const struct sl_flow_spec *flow)
{
	return found->idiag_state != TCP_LISTEN && found->idiag_inode != 0 &&
	       found->id.idiag_sport == htons(flow->local_port) &&
	       found->id.idiag_dport == htons(flow->remote_port);
}

/*
 * 0: its socket is gone; 1: it is there and held, or cannot be told; -errno: the kernel
 * did not say. For a socket that is gone the kernel answers with the listener, which is
 * ours; that it found nothing at all is also what one without tcp_diag says.
 */
static int hear(struct sl_kernel_sweep *sweep, const struct sl_flow_spec *flow)
{
	union {
		struct nlmsghdr header;
		char room[ANSWER_BYTES];
	} answer;
	ssize_t length;

	do {
		length = recv(sweep->fd, &answer, sizeof(answer), 0);
		if (length < (ssize_t)NLMSG_HDRLEN)
			return length < 0 && errno ? -errno : -EIO;
	} while (answer.header.nlmsg_seq != sweep->sequence);
	if (answer.header.nlmsg_type == NLMSG_ERROR &&
	    length >= (ssize_t)NLMSG_LENGTH(sizeof(struct nlmsgerr))) {
		const struct nlmsgerr *error = NLMSG_DATA(&answer.header);

		return error->error == -ENOENT ? 1 : error->error < 0 ? error->error : -EIO;
	}
	if (answer.header.nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    length < (ssize_t)NLMSG_LENGTH(sizeof(struct inet_diag_msg)))
		return -EIO;
	return is_held(NLMSG_DATA(&answer.header), flow);
}

static bool is_over(void *context, const struct sl_flow_spec *flow)
{
	struct sl_kernel_sweep *sweep = context;
	int r;

	if (sweep->failed || !is_ours(sweep, flow))
		return false;
	sweep->asked++;
	r = ask(sweep, flow);
	if (!r)
		r = hear(sweep, flow);
	sweep->failed = r < 0;
	return r == 0;
}

/* ---- a run ---------------------------------------------------------------------------------- */

int sl_kernel_sweep_new(struct sl_kernel_sweep **ret, const uint16_t *ports, size_t count)
{
	const struct timeval timeout = { .tv_usec = TIMEOUT_US };
	sl_autofree struct sl_kernel_sweep *sweep =
		calloc(1, sizeof(*sweep) + count * sizeof(*ports));

	if (!sweep)
		return -ENOMEM;
	sweep->port_count = count;
	if (count)
		memcpy(sweep->ports, ports, count * sizeof(*ports));
	sweep->fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	if (sweep->fd < 0)
		return -errno;
	/* The answer is there when the question was sent; this only bounds a surprise. */
	(void)setsockopt(sweep->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	*ret = SL_TAKE_PTR(sweep);
	return 0;
}

void sl_kernel_sweep_free(struct sl_kernel_sweep *sweep)
{
	if (!sweep)
		return;
	(void)close(sweep->fd);
	free(sweep);
}

int sl_kernel_sweep_begin(struct sl_kernel_sweep *sweep)
{
	int r = read_addresses(sweep);

	sweep->family = r ? 0 : 4;
	sweep->place = 0;
	sweep->failed = false;
	return r;
}

bool sl_kernel_sweep_step(struct sl_kernel_sweep *sweep, const struct sl_flow_table *flows4,
			  const struct sl_flow_table *flows6, uint64_t *ret_freed)
{
	sweep->asked = 0;
	for (unsigned int slots = 0; slots < STEP_SLOTS && sweep->asked < STEP_ASKED;
	     slots += PART_SLOTS) {
		const struct sl_flow_table *table = sweep->family == 4 ? flows4 : flows6;

		if (!sweep->family || sweep->failed)
			return false;
		*ret_freed += sl_flow_table_sweep(table, &sweep->place, PART_SLOTS, is_over, sweep);
		if (sweep->place < sl_flow_table_slots(table))
			continue;
		sweep->family = sweep->family == 4 ? 6 : 0;
		sweep->place = 0;
	}
	return sweep->family != 0;
}
