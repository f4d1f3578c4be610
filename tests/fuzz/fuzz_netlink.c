// SPDX-License-Identifier: Apache-2.0
/* A datagram of rtnetlink: whatever is in it, names end and the table stays whole. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/agent/link_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
	struct sl_link_table table;
	int here[2]; /* ifindex by slot, as the callbacks told it */
};

static void require(int truth)
{
	if (!truth)
		abort();
}

static void on_change(const struct sl_link_slot *slot, int ifindex, bool come, void *context)
{
	struct run *run = context;
	size_t at = strcmp(slot->name, "eth0") == 0 ? 0 : 1;

	require(ifindex > 0);
	require(come ? run->here[at] == 0 : run->here[at] == ifindex);
	run->here[at] = come ? ifindex : 0;
}

static void on_event(const struct sl_link_event *event, void *context)
{
	struct run *run = context;

	require(memchr(event->name, '\0', sizeof(event->name)) != NULL);
	require(event->type != SL_LINK_IS || (event->ifindex > 0 && event->name[0]));
	sl_link_table_apply(&run->table, event, on_change, run);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct sl_interface_spec wanted[] = { { .name = "eth0" }, { .name = "eth1" } };
	struct run run = { .here = { 0, 0 } };

	sl_link_table_want(&run.table, wanted, 2);
	sl_link_table_begin(&run.table);
	(void)sl_link_parse(data, size, on_event, &run);
	require(run.table.slots[0].ifindex == run.here[0]);
	require(run.table.slots[1].ifindex == run.here[1]);
	return 0;
}
