/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The packet that `explain` asks about: built from what a person says of it, or
 * read from hex or a capture. Pure, but for sl_packet_read_pcap's file.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/domain/config.h"
#include "userspace/domain/text.h"

#define SL_PACKET_BYTES_LIMIT 9000u
#define SL_PACKET_VLANS_MAX   2

struct sl_packet {
	uint8_t bytes[SL_PACKET_BYTES_LIMIT];
	size_t length;
};

/* enum of the TCP header's flag bits */
#define SL_TCP_FIN 0x01u
#define SL_TCP_SYN 0x02u
#define SL_TCP_RST 0x04u
#define SL_TCP_PSH 0x08u
#define SL_TCP_ACK 0x10u
#define SL_TCP_URG 0x20u

struct sl_packet_spec {
	struct sl_address source; /* both of one family */
	struct sl_address destination;
	uint8_t protocol;     /* IPPROTO_TCP, _UDP, _ICMP, _ICMPV6 */
	uint16_t source_port; /* host order */
	uint16_t destination_port;
	uint8_t tcp_flags;
	uint16_t vlans[SL_PACKET_VLANS_MAX]; /* outer first */
	size_t vlan_count;
	bool later_fragment; /* of an IP packet: it has no ports */
	size_t length_bytes; /* of the whole frame; 0: just the headers */
};

/* "syn", "syn,ack", "s", "SA": -EINVAL with @error (may be NULL). */
int sl_packet_parse_flags(uint8_t *ret, const char *text, struct sl_text_error *error);

/*
 * An Ethernet frame with right lengths and checksums, padded by zeros.
 * -EINVAL: families or protocol do not go together; -ERANGE: length_bytes below
 * the headers or above SL_PACKET_BYTES_LIMIT.
 */
int sl_packet_build(struct sl_packet *ret, const struct sl_packet_spec *spec,
		    struct sl_text_error *error);

/* Hex digits; space, ':' and '-' between bytes are skipped. At least 14 bytes. */
int sl_packet_parse_hex(struct sl_packet *ret, const char *text, struct sl_text_error *error);

/* The first Ethernet packet of a pcap or pcapng file, in memory or by its path. */
int sl_packet_parse_pcap(struct sl_packet *ret, const uint8_t *bytes, size_t length,
			 struct sl_text_error *error);
int sl_packet_read_pcap(struct sl_packet *ret, const char *path, struct sl_text_error *error);
