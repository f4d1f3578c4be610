// SPDX-License-Identifier: Apache-2.0
/*
 * A socket filter of ten instructions stores both clocks; it is run again and again
 * until jiffies64 has stepped a few times. The sample just before a step was taken
 * before the step became visible, so with its time the coarse clock is behind; the
 * smallest of them is the least delayed step seen.
 */
#include "userspace/dataplane/clock.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stddef.h>
#include <string.h>

#include "userspace/base/cleanup.h"

#define STEPS_MIN     6u
#define STEPS_MAX     64u
#define SPAN_MIN_NS   30000000ull
#define SPAN_MAX_NS   960000000ull
#define GIVE_UP	      4u      /* spans, when a step is hardly ever seen */
#define GAP_MAX_NS    100000u /* between the samples around a step: else we were not running */
#define GUARD_NS      10000u  /* a step may come this much earlier than those measured */
#define TOLERANCE_DIV 100u    /* less than half of what two known ticks differ by */

#define INSN(op, to, from, offset, immediate)                                                      \
	((struct bpf_insn){ .code = (op),                                                          \
			    .dst_reg = (to),                                                       \
			    .src_reg = (from),                                                     \
			    .off = (offset),                                                       \
			    .imm = (immediate) })
#define CALL(helper)		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, helper)
#define MOVE(to, from)		INSN(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0)
#define STORE(to, offset, from) INSN(BPF_STX | BPF_MEM | BPF_DW, to, from, offset, 0)

static int load_probe(int *ret, int map_fd)
{
	const struct bpf_insn program[] = {
		INSN(BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_FD, 0, map_fd),
		INSN(0, 0, 0, 0, 0),
		INSN(BPF_ST | BPF_MEM | BPF_W, 10, 0, -4, 0),
		MOVE(2, 10),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, -4),
		CALL(BPF_FUNC_map_lookup_elem),
		INSN(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 5, 0),
		MOVE(6, 0),
		/* This order: the time is not later than the jiffy that goes with it. */
		CALL(BPF_FUNC_ktime_get_ns),
		STORE(6, offsetof(struct sl_clock_step, now_ns), 0),
		CALL(BPF_FUNC_jiffies64),
		STORE(6, offsetof(struct sl_clock_step, jiffies), 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "sl_clock", "GPL", program,
			       sizeof(program) / sizeof(*program), NULL);

	if (fd < 0)
		return -errno;
	*ret = fd;
	return 0;
}

static int take(struct sl_clock_step *ret, int prog_fd, int map_fd)
{
	unsigned char packet[64] = { 0 };
	const uint32_t zero = 0;
	struct bpf_test_run_opts run = { .sz = sizeof(run),
					 .data_in = packet,
					 .data_size_in = sizeof(packet) };

	if (bpf_prog_test_run_opts(prog_fd, &run) || bpf_map_lookup_elem(map_fd, &zero, ret))
		return -errno;
	return 0;
}

/* True when @a is a step seen with less delay than @b, for ticks of @tick_ns. */
static int is_sooner(const struct sl_clock_step *a, const struct sl_clock_step *b, uint64_t tick_ns)
{
	uint64_t a_offset = a->now_ns - a->jiffies * tick_ns;
	uint64_t b_offset = b->now_ns - b->jiffies * tick_ns;

	return (int64_t)(a_offset - b_offset) < 0;
}

static uint64_t known_tick(uint64_t measured_ns)
{
	static const uint32_t hz[] = { 100, 250, 300, 1000, 128, 1024, 24, 48 };

	for (size_t i = 0; i < sizeof(hz) / sizeof(*hz); i++) {
		uint64_t tick_ns = (1000000000ull + hz[i] / 2) / hz[i];
		uint64_t off =
			measured_ns > tick_ns ? measured_ns - tick_ns : tick_ns - measured_ns;

		if (off < tick_ns / TOLERANCE_DIV)
			return tick_ns;
	}
	return 0;
}

static int is_enough(const struct sl_clock_step *steps, unsigned count, uint64_t span_ns)
{
	return count == STEPS_MAX ||
	       (count >= STEPS_MIN && steps[count - 1].now_ns - steps[0].now_ns >= span_ns);
}

/* Whether jiffies stepped by one from @before to @now, and apart from the steps so far. */
static int is_step(const struct sl_clock_step *before, const struct sl_clock_step *now,
		   const struct sl_clock_step *last, uint64_t apart_ns)
{
	return now->jiffies == before->jiffies + 1 && now->now_ns - before->now_ns < GAP_MAX_NS &&
	       (!last || now->now_ns - last->now_ns >= apart_ns);
}

static int watch(struct sl_clock_step *steps, unsigned *ret_count, uint64_t span_ns, int prog_fd,
		 int map_fd)
{
	struct sl_clock_step before = { 0 }, now;
	uint64_t end_ns;
	unsigned count = 0;
	int r = take(&before, prog_fd, map_fd);

	end_ns = before.now_ns + GIVE_UP * span_ns;
	now = before;
	while (!r && !is_enough(steps, count, span_ns) && now.now_ns < end_ns) {
		r = take(&now, prog_fd, map_fd);
		if (r)
			break;
		if (is_step(&before, &now, count ? &steps[count - 1] : NULL,
			    span_ns / (STEPS_MAX / 2)))
			steps[count++] = (struct sl_clock_step){ before.now_ns, now.jiffies };
		before = now;
	}
	*ret_count = count;
	return r;
}

int sl_clock_fit(struct sl_clock *ret, const struct sl_clock_step *steps, unsigned count)
{
	const struct sl_clock_step *least = &steps[0];
	uint64_t ticks, tick_ns;

	if (count < 2)
		return -ERANGE;
	ticks = steps[count - 1].jiffies - steps[0].jiffies;
	if (!ticks)
		return -ERANGE;
	tick_ns = known_tick((steps[count - 1].now_ns - steps[0].now_ns) / ticks);
	if (!tick_ns)
		return -ERANGE;
	for (unsigned i = 1; i < count; i++) {
		if (is_sooner(&steps[i], least, tick_ns))
			least = &steps[i];
	}
	ret->tick_ns = tick_ns;
	ret->offset_ns = least->now_ns - least->jiffies * tick_ns - GUARD_NS;
	return 0;
}

/*
 * A step can come milliseconds late where the CPU that counts jiffies is not ours and
 * loses its time to other guests: over a longer span that is less of a tick.
 */
static int watch_until_it_fits(struct sl_clock *ret, int prog_fd, int map_fd,
			       struct sl_dp_error *error)
{
	struct sl_clock_step steps[STEPS_MAX] = { { 0 } };
	unsigned count = 0;

	for (uint64_t span_ns = SPAN_MIN_NS; span_ns <= SPAN_MAX_NS; span_ns *= 2) {
		int r = watch(steps, &count, span_ns, prog_fd, map_fd);

		if (r)
			return sl_dp_fail(error, r,
					  "cannot run the program that measures a jiffy: %s",
					  strerror(-r));
		if (!sl_clock_fit(ret, steps, count))
			return 0;
	}
	return sl_dp_fail(error, -ERANGE, "no tick of 1/24 to 1/1024 s seen in %u steps", count);
}

int sl_clock_measure(struct sl_clock *ret, struct sl_dp_error *error)
{
	sl_autoclose int map_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "sl_clock", sizeof(uint32_t),
						 sizeof(struct sl_clock_step), 1, NULL);
	sl_autoclose int prog_fd = -1;
	int r;

	if (map_fd < 0)
		return sl_dp_fail(error, -errno,
				  "cannot create a BPF map: %s (needs CAP_BPF and CAP_NET_ADMIN)",
				  strerror(errno));
	r = load_probe(&prog_fd, map_fd);
	if (r)
		return sl_dp_fail(error, r, "cannot load the program that measures a jiffy: %s",
				  strerror(-r));
	return watch_until_it_fits(ret, prog_fd, map_fd, error);
}

struct sl_clock sl_clock_choose(const struct sl_clock *kept, const struct sl_clock *measured)
{
	int64_t ahead = (int64_t)(kept->offset_ns - measured->offset_ns);
	int64_t tick = (int64_t)measured->tick_ns;

	if (kept->tick_ns == measured->tick_ns && ahead > -tick && ahead < tick)
		return *kept;
	return *measured;
}
