/* SPDX-License-Identifier: GPL-2.0-only */
/* Protocol numbers that are macros in the kernel and so not in BTF. */
#pragma once

#define ETH_P_IP     0x0800
#define ETH_P_IPV6   0x86dd
#define ETH_P_8021Q  0x8100
#define ETH_P_8021AD 0x88a8

#define VLAN_ID_MASK 0x0fff

#define IP4_MORE_FRAGMENTS  0x2000
#define IP4_FRAGMENT_OFFSET 0x1fff

#define NEXT_HOP_BY_HOP	    0
#define NEXT_ROUTING	    43
#define NEXT_FRAGMENT	    44
#define NEXT_AUTH	    51
#define NEXT_DESTINATION    60
#define IP6_FRAGMENT_OFFSET 0xfff8
#define IP6_EXTENSIONS_MAX  4

#define PROTO_ICMP   1
#define PROTO_TCP    6
#define PROTO_UDP    17
#define PROTO_ICMPV6 58

#define SL_ICMP_BYTES 4 /* type, code and checksum: all that every ICMP message has */

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

#define TC_ACT_UNSPEC (-1) /* go on with the next program or filter */
#define TC_ACT_SHOT   2

#define AF_INET	 2
#define AF_INET6 10
