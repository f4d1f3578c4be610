// SPDX-License-Identifier: Apache-2.0
/* Any bytes as the agent's answer to maps.fds, and as what the kernel says of a descriptor:
 * without maps behind it nothing is ever accepted, and no descriptor is closed. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "userspace/gateway/kernel_maps.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
	if (!truth)
		abort();
}

static void read_fdinfo(struct sl_span text)
{
	for (int which = 0; which < SL_KERNEL_MAPS; which++) {
		struct sl_kernel_mapping map;

		if (sl_kernel_map_read(&map, (enum sl_kernel_map)which, text))
			continue;
		require(map.entries > 0 && map.bytes >= map.entries && !map.at && map.fd == -1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct sl_span text = { (const char *)data, size };
	const int fds[6] = { 0, 0, 0, 0, 0, 0 };
	struct sl_kernel_error error = { "" };
	struct sl_kernel_maps *maps = NULL;
	int r = sl_kernel_maps_new(&maps, text, fds, 6, &error);

	require(r == -EINVAL || r == -EACCES || r == -EPROTO || r == -ENOENT);
	require(!maps && error.message[0]);
	read_fdinfo(text);
	return 0;
}
