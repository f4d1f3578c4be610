/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets for the tests of the BPF programs, with right lengths and checksums.
 * What a field leaves 0 has a sound default, so that a test names only what matters:
 *
 *	struct sl_pkt syn = SL_PKT(.protocol = IPPROTO_TCP, .flags = TH_SYN);
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SL_PKT_BYTES_MAX      9216u
#define SL_PKT_EXTENSIONS_MAX 6u

/* 4 or 6 by `to`. */
struct sl_pkt_spec {
	const char *from;   /* "10.0.0.1" or "2001:db8:9::1" */
	const char *to;	    /* "192.0.2.1" */
	uint16_t from_port; /* 40000; also the id of an echo request */
	uint16_t to_port;   /* 443 */
	uint8_t protocol;   /* UDP */
	uint8_t flags;	    /* of TCP */
	uint32_t seq;
	uint8_t option_words;	 /* TCP options */
	uint8_t ip_option_words; /* IPv4 options */
	uint8_t tags;		 /* VLAN: 0..2 */
	uint16_t tci[2];	 /* outer first */
	uint16_t ether_type;	 /* what IP is not: the frame ends after the Ethernet payload */
	uint8_t extensions[SL_PKT_EXTENSIONS_MAX]; /* IPv6 header numbers */
	uint8_t extension_count;
	uint8_t extension_words; /* each is 8 + 8 * this long */
	uint16_t fragment;	 /* offset / 8; IPv6 needs an extension 44 */
	uint8_t more_fragments;
	uint16_t payload_bytes;
};

struct sl_pkt {
	uint32_t length;
	uint32_t l3; /* offsets */
	uint32_t l4;
	uint32_t payload;
	uint8_t bytes[SL_PKT_BYTES_MAX];
};

#define SL_PKT(...) sl_pkt_build(&(struct sl_pkt_spec){ __VA_ARGS__ })

/* Asserts that the spec makes sense. */
struct sl_pkt sl_pkt_build(const struct sl_pkt_spec *spec);

/* Internet checksum of @length bytes, folded, not inverted, on top of @sum. */
uint16_t sl_pkt_sum(uint32_t sum, const void *bytes, size_t length);

/* Puts right the IPv4 and transport checksums of a packet whose headers were changed. */
void sl_pkt_seal(struct sl_pkt *packet);

/* True when the checksums of IPv4 and of TCP, UDP or ICMP are right. */
int sl_pkt_is_sound(const struct sl_pkt *packet);

/* Writes a big-endian number into the packet. */
void sl_pkt_put16(struct sl_pkt *packet, uint32_t at, uint16_t value);
