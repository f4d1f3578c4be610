// SPDX-License-Identifier: Apache-2.0
#include "userspace/dataplane/events.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/dataplane/libbpf_log.h"

#define ENOUGH (-ECANCELED) /* ends a poll; the record that said so is consumed */

struct sl_events {
	struct ring_buffer *ring;
	sl_event_fn *function;
	void *context;
	size_t left;
	size_t count;
};

static int take(void *context, void *record, size_t bytes)
{
	struct sl_events *events = context;

	if (bytes >= sizeof(struct sl_event)) {
		events->function(record, events->context);
		events->count++;
	}
	return --events->left ? 0 : ENOUGH;
}

int sl_events_open(struct sl_events **ret, const struct sl_maps *maps, sl_event_fn *function,
		   void *context, struct sl_dp_error *error)
{
	sl_cleanup(sl_events_closep) struct sl_events *events = calloc(1, sizeof(*events));

	if (!events)
		return sl_dp_fail(error, -ENOMEM, "out of memory");
	events->function = function;
	events->context = context;
	sl_libbpf_log_begin();
	events->ring = ring_buffer__new(sl_maps_fd(maps, SL_MAP_EVENTS), take, events, NULL);
	if (!events->ring)
		return sl_libbpf_fail(error, -errno, "cannot open the ring buffer of events: %s",
				      strerror(errno));
	*ret = SL_TAKE_PTR(events);
	return 0;
}

void sl_events_close(struct sl_events *events)
{
	if (!events)
		return;
	ring_buffer__free(events->ring);
	free(events);
}

int sl_events_poll(size_t *ret_count, struct sl_events *events, size_t max,
		   struct sl_dp_error *error)
{
	int r;

	events->left = max;
	events->count = 0;
	r = max ? ring_buffer__consume(events->ring) : 0;
	if (r < 0 && r != ENOUGH)
		return sl_dp_fail(error, r, "cannot read events: %s", strerror(-r));
	*ret_count = events->count;
	return 0;
}
