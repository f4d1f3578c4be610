// SPDX-License-Identifier: Apache-2.0
/*
 * bench-shield IFACE ADDRESS: Sluice with one tenant that is far over its limit, loaded
 * once and put on the interface and taken off as told on standard input: "on" or "off", a
 * word a line, each answered by itself. Ends, and is off, when the input does. For veth.sh.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/harness/bench.h"
#include "tests/harness/bench_node.h"
#include "tests/harness/netns_guard.h"

static int switch_to(const char *word, int link_fd, int prog_fd, unsigned ifindex)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_DRV_MODE);

	if (link_fd >= 0)
		(void)close(link_fd);
	if (strcmp(word, "on") != 0)
		return -1;
	link_fd = bpf_link_create(prog_fd, (int)ifindex, BPF_XDP, &options);
	if (link_fd < 0)
		sl_bench_die("cannot attach: %s", strerror(-link_fd));
	return link_fd;
}

int main(int argc, char **argv)
{
	struct sl_bench_node node;
	struct sl_config *config;
	unsigned ifindex;
	int link_fd = -1;
	char text[512], word[8];

	if (argc != 3 || !sl_may_flood(argv[1]))
		sl_bench_die("bench-shield IFACE ADDRESS, in a namespace made for it");
	ifindex = if_nametoindex(argv[1]);
	if (ifindex == 0)
		sl_bench_die("no interface %s here", argv[1]);
	(void)snprintf(
		text, sizeof(text),
		"version: 1\n"
		"sizes: {tenants: 16, services: 64}\n"
		"services: [{address: %s, port: 80, protocol: udp, tenant: over}]\n"
		"tenants: [{name: over, ingress: {packets_per_s: 1k, packets_burst: 100}}]\n",
		argv[2]);
	config = sl_bench_config(text, strlen(text));
	sl_bench_node_open(&node, config);
	sl_config_free(config);
	while (scanf("%7s", word) == 1) {
		link_fd = switch_to(word, link_fd, node.xdp_fd, ifindex);
		puts(word);
		(void)fflush(stdout);
	}
	return EXIT_SUCCESS;
}
