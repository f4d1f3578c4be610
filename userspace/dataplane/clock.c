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
#define SPAN_MIN_NS   30000000u
#define GAP_MAX_NS    100000u /* between the samples around a step: else we were not running */
#define SAMPLES_MAX   400000u
#define GUARD_NS      10000u /* a step may come this much earlier than those measured */
#define TOLERANCE_DIV 50u    /* a measured tick is within a fiftieth of a real one */

struct sample {
	uint64_t now_ns;
	uint64_t jiffies;
};

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
		STORE(6, offsetof(struct sample, now_ns), 0),
		CALL(BPF_FUNC_jiffies64),
		STORE(6, offsetof(struct sample, jiffies), 0),
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

static int take(struct sample *ret, int prog_fd, int map_fd)
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
static int is_sooner(const struct sample *a, const struct sample *b, uint64_t tick_ns)
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

/* Enough steps, far enough apart that GAP_MAX_NS is nothing in what they measure. */
static int is_enough(const struct sample *steps, unsigned count)
{
	return count == STEPS_MAX ||
	       (count >= STEPS_MIN && steps[count - 1].now_ns - steps[0].now_ns >= SPAN_MIN_NS);
}

static int watch(struct sample *steps, unsigned *ret_count, int prog_fd, int map_fd)
{
	struct sample before = { 0 };
	unsigned count = 0;
	int r = take(&before, prog_fd, map_fd);

	for (unsigned i = 0; !r && !is_enough(steps, count) && i < SAMPLES_MAX; i++) {
		struct sample now = { 0 };

		r = take(&now, prog_fd, map_fd);
		if (r)
			break;
		if (now.jiffies == before.jiffies + 1 && now.now_ns - before.now_ns < GAP_MAX_NS)
			steps[count++] = (struct sample){ before.now_ns, now.jiffies };
		before = now;
	}
	*ret_count = count;
	return r;
}

static int measure(struct sl_clock *ret, const struct sample *steps, unsigned count)
{
	const struct sample *least = &steps[0];
	uint64_t ticks, tick_ns;

	if (count < 2)
		return -ERANGE;
	ticks = steps[count - 1].jiffies - steps[0].jiffies;
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

int sl_clock_measure(struct sl_clock *ret, struct sl_dp_error *error)
{
	sl_autoclose int map_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "sl_clock", sizeof(uint32_t),
						 sizeof(struct sample), 1, NULL);
	sl_autoclose int prog_fd = -1;
	struct sample steps[STEPS_MAX] = { { 0 } };
	unsigned count = 0;
	int r;

	if (map_fd < 0)
		return sl_dp_fail(error, -errno,
				  "cannot create a BPF map: %s (needs CAP_BPF and CAP_NET_ADMIN)",
				  strerror(errno));
	r = load_probe(&prog_fd, map_fd);
	if (!r)
		r = watch(steps, &count, prog_fd, map_fd);
	if (r)
		return sl_dp_fail(error, r, "cannot run the program that measures a jiffy: %s",
				  strerror(-r));
	r = measure(ret, steps, count);
	if (r)
		return sl_dp_fail(error, r, "no tick of 1/100 to 1/1024 s seen in %u steps", count);
	return 0;
}

struct sl_clock sl_clock_choose(const struct sl_clock *kept, const struct sl_clock *measured)
{
	int64_t ahead = (int64_t)(kept->offset_ns - measured->offset_ns);
	int64_t tick = (int64_t)measured->tick_ns;

	if (kept->tick_ns == measured->tick_ns && ahead > -tick && ahead < tick)
		return *kept;
	return *measured;
}
