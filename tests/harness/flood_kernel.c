// SPDX-License-Identifier: Apache-2.0
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>

#include "tests/harness/clock.h"
#include "tests/harness/flood_frame.h"
#include "tests/harness/flood_send.h"
#include "flood.skel.h"
#include "userspace/base/cleanup.h"

#define BATCH	       64
#define INTERVAL_SHIFT 10	 /* of flood.bpf.c */
#define SHORT_COPY     60	 /* the same */
#define REPEAT_MAX     (1 << 30) /* a run ends by the timer's signal long before */
#define SETUP_NS       50000000	 /* what a run may take to begin */

_Static_assert(SL_FLOOD_TEMPLATES_MAX == 4, "flood.bpf.c: TEMPLATES_MAX");

static void destroy_skeleton(struct flood_bpf **skeleton)
{
	flood_bpf__destroy(*skeleton);
}

static void on_alarm(int signal)
{
	(void)signal; /* that it came ends the system call */
}

static void set_timer(uint64_t ns)
{
	struct itimerval timer = {
		.it_value = { .tv_sec = (time_t)(ns / SL_NS_PER_S),
			      .tv_usec = (suseconds_t)(ns % SL_NS_PER_S / SL_NS_PER_US) },
		.it_interval = { .tv_usec = 10000 }, /* if the first came before the call */
	};

	(void)setitimer(ITIMER_REAL, &timer, NULL);
}

static void stop_timer(void)
{
	struct itimerval off = { 0 };

	(void)setitimer(ITIMER_REAL, &off, NULL);
}

static void prepare(struct flood_bpf *skeleton, const struct sl_flood_plan *plan)
{
	memcpy(skeleton->bss->templates, plan->templates, sizeof(plan->templates));
	skeleton->data->template_count = (uint32_t)plan->template_count;
	skeleton->bss->ifindex = plan->ifindex;
	skeleton->bss->count = plan->count;
	skeleton->bss->state = plan->seed;
	if (plan->rate_per_s)
		skeleton->bss->interval = (SL_NS_PER_S << INTERVAL_SHIFT) / plan->rate_per_s;
}

/* One system call; 0 also when the timer ended it. */
static int run_once(int program, const struct sl_flood_plan *plan, uint64_t left)
{
	uint8_t frame[SL_FLOOD_FRAME_BYTES_MAX] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame,
		    .data_size_in = (uint32_t)plan->frame_bytes, .batch_size = BATCH,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES);
	int err;

	memcpy(frame, plan->templates[0].header, plan->templates[0].header_bytes);
	options.repeat = !plan->rate_per_s && left < REPEAT_MAX ? (int)left : REPEAT_MAX;
	err = bpf_prog_test_run_opts(program, &options);
	return err == -EINTR ? 0 : err;
}

static int run(struct sl_flood_result *ret, struct flood_bpf *skeleton,
	       const struct sl_flood_plan *plan)
{
	uint64_t start_ns = sl_now_ns();
	uint64_t end_ns = start_ns + plan->limit_ns;
	uint64_t wait_ns = plan->limit_ns;
	uint64_t now_ns = start_ns;
	uint64_t sent = 0;

	if (plan->rate_per_s && plan->count * SL_NS_PER_S / plan->rate_per_s + SETUP_NS < wait_ns)
		wait_ns = plan->count * SL_NS_PER_S / plan->rate_per_s + SETUP_NS;

	while (sent < plan->count && now_ns < end_ns) {
		int err;

		set_timer(wait_ns < end_ns - now_ns ? wait_ns : end_ns - now_ns);
		err = run_once(bpf_program__fd(skeleton->progs.generate), plan, plan->count - sent);
		stop_timer();
		if (err)
			return err;
		sent = skeleton->bss->sent;
		now_ns = sl_now_ns();
		wait_ns = SETUP_NS;
	}
	ret->packets = sent;
	ret->bytes = sent * plan->frame_bytes;
	ret->refused = 0;
	ret->elapsed_ns = now_ns - start_ns;
	if (plan->rate_per_s && sent == plan->count)
		ret->elapsed_ns =
			(skeleton->bss->ended_at - skeleton->bss->began_at) >> INTERVAL_SHIFT;
	return 0;
}

int sl_flood_by_kernel(struct sl_flood_result *ret, const struct sl_flood_plan *plan)
{
	sl_cleanup(destroy_skeleton) struct flood_bpf *skeleton = NULL;
	struct sigaction action = { .sa_handler = on_alarm };
	struct sigaction before;
	int err;

	for (size_t i = 0; i < plan->template_count; i++) {
		if (plan->frame_bytes < SL_TEMPLATE_HEADERS_MAX &&
		    plan->templates[i].header_bytes > SHORT_COPY)
			return -EMSGSIZE;
	}
	skeleton = flood_bpf__open_and_load();
	if (!skeleton)
		return -errno;
	prepare(skeleton, plan);

	(void)sigaction(SIGALRM, &action, &before);
	err = run(ret, skeleton, plan);
	(void)sigaction(SIGALRM, &before, NULL);
	return err;
}
