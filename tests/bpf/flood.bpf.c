// SPDX-License-Identifier: GPL-2.0-only
/* The packet generator of bin/flood --kernel, run by BPF_PROG_TEST_RUN with live frames. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "tests/harness/flood_template.h"

#define TEMPLATES_MAX  4
#define INTERVAL_SHIFT 10
#define BURST	       32
#define SHORT_COPY     60
#define LONG_COPY      SL_TEMPLATE_HEADERS_MAX

/* Set by the sender before the run; the templates, state and sent change during it. */
struct sl_template templates[TEMPLATES_MAX];
__u32 template_count = 1;
__u32 ifindex;
__u64 count;
__u64 interval;	  /* ns << INTERVAL_SHIFT between two packets; 0: as fast as can be */
__u64 began_at;	  /* ns << INTERVAL_SHIFT; 0: begins now */
__u64 next_at;	  /* of the next burst, by the schedule */
__u64 not_before; /* and at no more than twice the rate when it is behind */
__u64 ended_at;
__u64 state;
__u64 sent;

/*
 * Packets come in bursts, as from a NIC that gathers some before it interrupts:
 * one by one, each would pay for a wake-up of the receiver.
 */
static __always_inline bool is_due(void)
{
	__u64 now;

	if (sent >= count)
		return false;
	if (!interval || sent % BURST != 0)
		return true;
	now = bpf_ktime_get_ns() << INTERVAL_SHIFT;
	if (!began_at)
		began_at = next_at = now;
	if (now < next_at || now < not_before)
		return false;
	next_at += interval * BURST;
	ended_at = now + interval * BURST; /* when this is the last one */
	not_before = now + interval * BURST / 2;
	return true;
}

/*
 * A frame whose time has not come is dropped here: the run goes on, so that one
 * system call sends at an even pace. The headers are written anew each time,
 * because frames come back as the other side left them.
 */
SEC("xdp")
int generate(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	struct sl_template *t;

	if (!is_due())
		return XDP_DROP;

	t = &templates[sent % template_count & (TEMPLATES_MAX - 1)];
	sl_template_next(t, &state);
	if (data + LONG_COPY <= end)
		__builtin_memcpy(data, t->header, LONG_COPY);
	else if (data + SHORT_COPY <= end)
		__builtin_memcpy(data, t->header, SHORT_COPY);
	else
		return XDP_ABORTED;

	sent++;
	return (int)bpf_redirect(ifindex, 0);
}

char _license[] SEC("license") = "GPL";
