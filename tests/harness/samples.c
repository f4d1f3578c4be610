// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/samples.h"

#include <netinet/tcp.h>

#include "tests/harness/suite.h"

#define V4(...)                                                                                    \
	{                                                                                          \
		.to = SL_LOCAL4, __VA_ARGS__                                                       \
	}
#define V6(...)                                                                                    \
	{                                                                                          \
		.to = SL_LOCAL6, __VA_ARGS__                                                       \
	}

const struct sl_sample sl_samples[] = {
	{ "udp", V4(.protocol = IPPROTO_UDP) },
	{ "udp with payload", V4(.protocol = IPPROTO_UDP, .payload_bytes = 100) },
	{ "syn", V4(.protocol = IPPROTO_TCP, .flags = TH_SYN) },
	{ "tcp options", V4(.protocol = IPPROTO_TCP, .option_words = 10, .flags = TH_SYN) },
	{ "tcp data", V4(.protocol = IPPROTO_TCP, .flags = TH_ACK, .payload_bytes = 1400) },
	{ "echo", V4(.protocol = IPPROTO_ICMP, .payload_bytes = 56) },
	{ "gre", V4(.protocol = IPPROTO_GRE, .payload_bytes = 40) },
	{ "ip options", V4(.ip_option_words = 1) },
	{ "all ip options", V4(.ip_option_words = 10, .protocol = IPPROTO_TCP) },
	{ "one tag", V4(.tags = 1, .tci = { 5 }) },
	{ "priority tag", V4(.tags = 1, .tci = { 0xe000 }) },
	{ "two tags", V4(.tags = 2, .tci = { 5, 6 }) },
	{ "two tags, options, tcp", V4(.tags = 2, .tci = { 5, 6 }, .ip_option_words = 10,
				       .protocol = IPPROTO_TCP, .option_words = 10) },
	{ "first fragment", V4(.more_fragments = 1, .payload_bytes = 1400) },
	{ "later fragment", V4(.fragment = 100, .payload_bytes = 8) },
	{ "empty later fragment", V4(.fragment = 1) },
	{ "later fragment of tcp", V4(.protocol = IPPROTO_TCP, .fragment = 2, .payload_bytes = 9) },
	{ "jumbo", V4(.payload_bytes = 8900) },
	{ "udp 6", V6(.protocol = IPPROTO_UDP) },
	{ "syn 6", V6(.protocol = IPPROTO_TCP, .flags = TH_SYN, .option_words = 5) },
	{ "echo 6", V6(.protocol = IPPROTO_ICMPV6) },
	{ "gre 6", V6(.protocol = IPPROTO_GRE, .payload_bytes = 40) },
	{ "two tags 6", V6(.tags = 2, .tci = { 5, 6 }) },
	{ "hop by hop", V6(.extensions = { 0 }, .extension_count = 1) },
	{ "routing", V6(.extensions = { 43 }, .extension_count = 1, .extension_words = 3) },
	{ "destination", V6(.extensions = { 60 }, .extension_count = 1, .extension_words = 2) },
	{ "authentication", V6(.extensions = { 51 }, .extension_count = 1, .extension_words = 1) },
	{ "four extensions", V6(.extensions = { 0, 60, 43, 60 }, .extension_count = 4,
				.protocol = IPPROTO_TCP, .flags = TH_SYN) },
	{ "first fragment 6", V6(.extensions = { 44 }, .extension_count = 1, .more_fragments = 1,
				 .payload_bytes = 1232) },
	{ "later fragment 6",
	  V6(.extensions = { 44 }, .extension_count = 1, .fragment = 154, .payload_bytes = 8) },
	{ "later fragment behind an extension",
	  V6(.extensions = { 0, 44 }, .extension_count = 2, .fragment = 1, .payload_bytes = 1) },
	{ "jumbo 6", V6(.payload_bytes = 8900) },
};

const unsigned sl_sample_count = SL_ROWS(sl_samples);
