/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of an interface matters to XDP, and sentences about it: for the error of a
 * refused attach, and for `sluicectl doctor`.
 *
 * Thread: any; each call opens its own socket.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/dataplane/error.h"
#include "userspace/domain/config.h"

struct sl_nic {
	char ifname[SL_CONFIG_IFNAME_BYTES];
	int ifindex;
	char driver[32]; /* "" when the driver does not say */
	uint32_t mtu;
	uint32_t channels; /* combined + rx, in use; 0 = unknown */
	uint32_t channels_max;
	bool up;
	bool carrier;
	bool lro;
	bool gro_hw;
};

/* -ENODEV. What a driver does not answer stays 0. */
int sl_nic_read(struct sl_nic *ret, const char *ifname, struct sl_dp_error *error);

/*
 * Appends to @text, which holds a string, what about @nic may keep it from native
 * XDP and what to do about each. Nothing suspicious: says so.
 */
void sl_nic_explain(const struct sl_nic *nic, char *text, size_t size);
