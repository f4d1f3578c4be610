// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/harness/clock.h"
#include "tests/harness/flood_frame.h"
#include "tests/harness/flood_send.h"
#include "userspace/base/cleanup.h"

#define BATCH	 64
#define PAUSE_NS 200000 /* a timer cannot do much better */

struct sender {
	struct sl_flood_plan plan;
	__u64 state;
	uint64_t refused;
	int fd;
	uint8_t frames[BATCH][SL_FLOOD_FRAME_BYTES_MAX];
	struct iovec parts[BATCH];
	struct mmsghdr messages[BATCH];
};

static int open_socket(int *ret_fd, unsigned ifindex)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_ifindex = (int)ifindex };
	sl_autoclose int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	int on = 1;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)) != 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0)
		return -errno;
	*ret_fd = SL_TAKE_FD(fd);
	return 0;
}

static void fill_batch(struct sender *s, uint64_t first, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct sl_template *t = &s->plan.templates[(first + i) % s->plan.template_count];

		sl_template_next(t, &s->state);
		memcpy(s->frames[i], t->header, t->header_bytes);
		memset(s->frames[i] + t->header_bytes, 0, s->plan.frame_bytes - t->header_bytes);
		s->parts[i] = (struct iovec){ s->frames[i], s->plan.frame_bytes };
		s->messages[i] = (struct mmsghdr){
			.msg_hdr = { .msg_iov = &s->parts[i], .msg_iovlen = 1 },
		};
	}
}

/* Sends all of a filled batch. What the interface refuses is tried again until @end_ns. */
static int send_batch(size_t *ret_sent, struct sender *s, size_t n, uint64_t end_ns)
{
	size_t done = 0;

	while (done < n) {
		int sent = sendmmsg(s->fd, &s->messages[done], (unsigned)(n - done), 0);

		if (sent > 0) {
			done += (size_t)sent;
			continue;
		}
		if (errno != ENOBUFS && errno != EAGAIN && errno != EINTR)
			return -errno;
		s->refused++;
		if (sl_now_ns() >= end_ns)
			break;
	}
	*ret_sent = done;
	return 0;
}

static uint64_t due_at(const struct sl_flood_plan *plan, uint64_t elapsed_ns)
{
	uint64_t due = plan->count;

	if (plan->rate_per_s)
		due = sl_due(elapsed_ns, plan->rate_per_s) + 1;
	return due < plan->count ? due : plan->count;
}

/* Sleeps until packet number @sent is due, but long enough for a batch to gather. */
static void pause_for(const struct sl_flood_plan *plan, uint64_t start_ns, uint64_t sent)
{
	uint64_t next_ns = start_ns + sent * SL_NS_PER_S / plan->rate_per_s;
	uint64_t soon_ns = sl_now_ns() + PAUSE_NS;

	sl_sleep_until(next_ns > soon_ns ? next_ns : soon_ns);
}

static int run(uint64_t *ret_sent, struct sender *s, uint64_t start_ns)
{
	uint64_t end_ns = start_ns + s->plan.limit_ns;
	uint64_t sent = 0;

	while (sent < s->plan.count) {
		uint64_t now_ns = sl_now_ns();
		uint64_t due = due_at(&s->plan, now_ns - start_ns);
		size_t n = due - sent < BATCH ? (size_t)(due - sent) : BATCH;
		int err;

		if (now_ns >= end_ns)
			break;
		if (n == 0) {
			pause_for(&s->plan, start_ns, sent);
			continue;
		}
		fill_batch(s, sent, n);
		err = send_batch(&n, s, n, end_ns);
		if (err)
			return err;
		sent += n;
	}
	*ret_sent = sent;
	return 0;
}

int sl_flood_by_socket(struct sl_flood_result *ret, const struct sl_flood_plan *plan)
{
	sl_autofree struct sender *s = calloc(1, sizeof(*s));
	sl_autoclose int fd = -1;
	uint64_t start_ns;
	uint64_t sent = 0;
	int err;

	if (!s)
		return -ENOMEM;
	err = open_socket(&fd, plan->ifindex);
	if (err)
		return err;
	s->plan = *plan;
	s->state = plan->seed;
	s->fd = fd;

	start_ns = sl_now_ns();
	err = run(&sent, s, start_ns);
	if (err)
		return err;
	*ret = (struct sl_flood_result){
		.packets = sent,
		.bytes = sent * plan->frame_bytes,
		.refused = s->refused,
		.elapsed_ns = sl_now_ns() - start_ns,
	};
	return 0;
}
