/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One sampled drop as `drops` shows it, from the agent's stream or from the ring
 * buffer, and which of them a person wants to see. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "sluice/abi.h"
#include "userspace/cli/sheet.h"
#include "userspace/domain/config.h"

struct sl_drop {
	uint64_t time_unix_ns;
	char tenant[SL_TENANT_NAME_BYTES * 4];
	char interface[SL_CONFIG_IFNAME_BYTES * 4]; /* "" when it is not known */
	uint16_t reason;
	enum sl_direction direction;
	bool shadow;
	uint8_t protocol;
	uint8_t tcp_flags;
	uint32_t length_bytes;
	bool parsed; /* the addresses were found */
	struct sl_address remote;
	struct sl_address local;
	uint16_t remote_port; /* host order */
	uint16_t local_port;
};

/*
 * Of an event of the map; tenant and interface are the caller's to name.
 * @wall_ns: CLOCK_REALTIME - CLOCK_MONOTONIC.
 */
void sl_drop_of_event(struct sl_drop *ret, const struct sl_event *event, int64_t wall_ns);

/* Of a line of events.follow. -EINVAL: it is not an event. */
int sl_drop_of_json(struct sl_drop *ret, const json_t *json);

/* What of them to show; all that is zero is not looked at. */
struct sl_drop_filter {
	const char *tenant;
	int reason; /* 0: every one; PASS is none */
	bool has_prefix;
	struct sl_prefix_spec prefix;
};

bool sl_drop_matches(const struct sl_drop *drop, const struct sl_drop_filter *filter);

extern const struct sl_column sl_drop_columns[];
#define SL_DROP_COLUMNS 16u

void sl_drop_put(struct sl_sheet *sheet, const struct sl_drop *drop);

/* "SA" and the like; "-" when none is set. Returns @buffer of 8. */
const char *sl_tcp_flags_format(char *buffer, uint8_t flags);
