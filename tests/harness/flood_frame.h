/* SPDX-License-Identifier: Apache-2.0 */
/* Builds the packets that bin/flood sends. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "tests/harness/flood_template.h"
#include "userspace/domain/config.h"

enum sl_flood_protocol {
	SL_FLOOD_SYN,
	SL_FLOOD_ACK, /* a bare ACK of no connection */
	SL_FLOOD_UDP,
	SL_FLOOD_ICMP,	   /* echo request */
	SL_FLOOD_FRAGMENT, /* a later fragment of UDP */
};

#define SL_FLOOD_FRAME_BYTES_MIN 60
#define SL_FLOOD_FRAME_BYTES_MAX 1518 /* MTU 1500 with Ethernet and VLAN header */

struct sl_flood_spec {
	enum sl_flood_protocol protocol;
	uint8_t source_mac[6];
	uint8_t target_mac[6];
	uint16_t vlan;		      /* 0: untagged */
	struct sl_prefix_spec source; /* each packet is from a random address of it */
	struct sl_address target;
	uint16_t target_port;
	uint16_t source_port; /* 0: random; also the id of an echo request */
	size_t frame_bytes;   /* without checksum; the payload is zeros */
};

/*
 * The template of a stream: sl_template_next() makes each packet of it, and
 * zeros follow the headers.
 * -EINVAL: source and target are of different families.
 * -EMSGSIZE: frame_bytes has no room for the headers, or is over the maximum.
 */
int sl_flood_template(struct sl_template *ret, const struct sl_flood_spec *spec);
