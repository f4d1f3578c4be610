// SPDX-License-Identifier: Apache-2.0
/* flood: a bounded stream of made-up packets, for tests, bench and demo. */
#include <errno.h>
#include <getopt.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/harness/clock.h"
#include "tests/harness/flood_frame.h"
#include "tests/harness/flood_send.h"
#include "tests/harness/netns_guard.h"
#include "tests/harness/options.h"
#include "userspace/base/cleanup.h"
#include "userspace/domain/text.h"

#define EXIT_REFUSED 3

static const char usage[] =
	"usage: flood --interface IF --mac MAC --target ADDRESS (--count N | --for 3s) [options]\n"
	"  --mac MAC              of the next hop\n"
	"  --target ADDRESS       IPv4 or IPv6\n"
	"  --port N               of the target (default 80)\n"
	"  --protocol P[,P...]    tcp-syn, ack, udp, icmp, fragment, in turns (default udp)\n"
	"  --source PREFIX        each packet from a random address of it\n"
	"                         (default 198.18.0.0/15, 2001:db8:f::/48)\n"
	"  --source-port N        default: random; for icmp the id\n"
	"  --source-mac MAC       default: the interface's\n"
	"  --rate N               packets per second, 0 = as fast as can be (default 0)\n"
	"  --count N              packets; with --rate and --for: rate * time\n"
	"  --for TIME             as 3s, 500ms; at most 600s\n"
	"  --size BYTES           of a frame without checksum (default 64; IPv6: 80)\n"
	"  --vlan ID              tagged\n"
	"  --seed N               of the random fields (default 1)\n"
	"  --cpu N                run there\n"
	"  --kernel               send from an XDP program in the kernel: faster\n"
	"Sends only in network namespaces other than the machine's own, or on loopback.\n"
	"Prints one line of JSON: packets, bytes, seconds, rate_per_s, refused.\n";

struct options {
	const char *interface;
	struct sl_flood_spec spec;
	enum sl_flood_protocol protocols[SL_FLOOD_TEMPLATES_MAX];
	size_t protocol_count;
	uint64_t rate_per_s;
	uint64_t count;
	uint64_t for_ns;
	uint64_t seed;
	int cpu;
	bool has_source_mac;
	bool in_kernel;
};

static void parse_mac(uint8_t ret[6], const char *name, const char *text)
{
	unsigned byte[6];
	int end = 0;

	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &byte[0], &byte[1], &byte[2], &byte[3],
		   &byte[4], &byte[5], &end) != 6 ||
	    text[end] != '\0')
		sl_die("--%s: not of the form 02:00:00:00:00:01: %s", name, text);
	for (size_t i = 0; i < 6; i++)
		ret[i] = (uint8_t)byte[i];
}

static void parse_protocols(struct options *o, char *text)
{
	static const char *const names[] = { "tcp-syn", "ack", "udp", "icmp", "fragment" };
	char *rest = text;
	char *name;

	o->protocol_count = 0;
	while ((name = strsep(&rest, ","))) {
		size_t i = 0;

		while (i < 5 && strcmp(name, names[i]) != 0)
			i++;
		if (i == 5 || o->protocol_count == SL_FLOOD_TEMPLATES_MAX)
			sl_die("--protocol: up to 4 of tcp-syn, ack, udp, icmp, fragment");
		o->protocols[o->protocol_count++] = (enum sl_flood_protocol)i;
	}
}

static void parse_addresses(struct options *o, const char *target, const char *source)
{
	struct sl_text_error error;

	if (!target)
		sl_die("--target is missing; see --help");
	o->spec.target = sl_option_address("target", target);
	if (!source)
		source = o->spec.target.family == 4 ? "198.18.0.0/15" : "2001:db8:f::/48";
	if (sl_parse_prefix(&o->spec.source, source, &error) != 0)
		sl_die("--source: %s", error.message);
	if (o->spec.source.address.family != o->spec.target.family)
		sl_die("--source and --target are of different families");
}

enum {
	OPT_INTERFACE = 1,
	OPT_MAC,
	OPT_TARGET,
	OPT_PORT,
	OPT_PROTOCOL,
	OPT_SOURCE,
	OPT_SOURCE_PORT,
	OPT_SOURCE_MAC,
	OPT_RATE,
	OPT_COUNT,
	OPT_FOR,
	OPT_SIZE,
	OPT_VLAN,
	OPT_SEED,
	OPT_CPU,
	OPT_KERNEL,
	OPT_HELP,
};

static const struct option known[] = {
	{ "interface", required_argument, NULL, OPT_INTERFACE },
	{ "mac", required_argument, NULL, OPT_MAC },
	{ "target", required_argument, NULL, OPT_TARGET },
	{ "port", required_argument, NULL, OPT_PORT },
	{ "protocol", required_argument, NULL, OPT_PROTOCOL },
	{ "source", required_argument, NULL, OPT_SOURCE },
	{ "source-port", required_argument, NULL, OPT_SOURCE_PORT },
	{ "source-mac", required_argument, NULL, OPT_SOURCE_MAC },
	{ "rate", required_argument, NULL, OPT_RATE },
	{ "count", required_argument, NULL, OPT_COUNT },
	{ "for", required_argument, NULL, OPT_FOR },
	{ "size", required_argument, NULL, OPT_SIZE },
	{ "vlan", required_argument, NULL, OPT_VLAN },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "cpu", required_argument, NULL, OPT_CPU },
	{ "kernel", no_argument, NULL, OPT_KERNEL },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

static void take(struct options *o, int option, char *text)
{
	switch (option) {
	case OPT_MAC:
		parse_mac(o->spec.target_mac, "mac", text);
		break;
	case OPT_PORT:
		o->spec.target_port = (uint16_t)sl_option_amount("port", text, 0, UINT16_MAX);
		break;
	case OPT_PROTOCOL:
		parse_protocols(o, text);
		break;
	case OPT_SOURCE_PORT:
		o->spec.source_port =
			(uint16_t)sl_option_amount("source-port", text, 0, UINT16_MAX);
		break;
	case OPT_SOURCE_MAC:
		parse_mac(o->spec.source_mac, "source-mac", text);
		o->has_source_mac = true;
		break;
	case OPT_RATE:
		o->rate_per_s = sl_option_amount("rate", text, 0, SL_RATE_PER_S_MAX);
		break;
	case OPT_COUNT:
		o->count = sl_option_amount("count", text, 0, SL_FLOOD_COUNT_MAX);
		break;
	case OPT_FOR:
		o->for_ns = sl_option_duration("for", text);
		break;
	case OPT_SIZE:
		o->spec.frame_bytes =
			(size_t)sl_option_amount("size", text, 0, SL_FLOOD_FRAME_BYTES_MAX);
		break;
	case OPT_VLAN:
		o->spec.vlan = (uint16_t)sl_option_amount("vlan", text, 0, 4094);
		break;
	case OPT_SEED:
		o->seed = sl_option_amount("seed", text, 0, UINT64_MAX);
		break;
	case OPT_CPU:
		o->cpu = (int)sl_option_amount("cpu", text, 0, CPU_SETSIZE - 1);
		break;
	case OPT_KERNEL:
		o->in_kernel = true;
		break;
	default:
		fputs(usage, stderr);
		exit(SL_EXIT_USAGE);
	}
}

static void read_options(struct options *o, int argc, char **argv)
{
	const char *target = NULL;
	const char *source = NULL;
	bool has_mac = false;
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (option == OPT_HELP) {
			fputs(usage, stdout);
			exit(EXIT_SUCCESS);
		}
		has_mac |= option == OPT_MAC;
		if (option == OPT_INTERFACE)
			o->interface = optarg;
		else if (option == OPT_TARGET)
			target = optarg;
		else if (option == OPT_SOURCE)
			source = optarg;
		else
			take(o, option, optarg);
	}
	if (optind != argc || !o->interface || !has_mac)
		sl_die("--interface, --mac and --target are needed; see --help");
	parse_addresses(o, target, source);
	if (!o->count && !o->for_ns)
		sl_die("--count or --for must say when it ends");
	if (!o->spec.frame_bytes)
		o->spec.frame_bytes = o->spec.target.family == 4 ? 64 : SL_TEMPLATE_HEADERS_MAX;
}

/* What ends it: the count; the time is a limit, with some grace when the count is what matters. */
static void set_end(struct sl_flood_plan *plan, const struct options *o)
{
	plan->count = o->count ? o->count : SL_FLOOD_COUNT_MAX;
	plan->limit_ns = o->for_ns ? o->for_ns : SL_RUN_NS_MAX;
	if (!o->rate_per_s || !o->for_ns)
		return;
	if (sl_due(o->for_ns, o->rate_per_s) < plan->count)
		plan->count = sl_due(o->for_ns, o->rate_per_s);
	plan->limit_ns *= 2; /* a busy machine may take longer for the same count */
}

static void read_source_mac(struct options *o)
{
	sl_autoclose int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { 0 };

	memcpy(request.ifr_name, o->interface, strlen(o->interface));
	if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &request) != 0)
		sl_die("%s has no address: %s", o->interface, strerror(errno));
	memcpy(o->spec.source_mac, request.ifr_hwaddr.sa_data, sizeof(o->spec.source_mac));
}

static void make_plan(struct sl_flood_plan *plan, struct options *o)
{
	plan->ifindex = if_nametoindex(o->interface);
	if (plan->ifindex == 0)
		sl_die("no interface %s here", o->interface);
	if (!o->has_source_mac)
		read_source_mac(o);
	for (size_t i = 0; i < o->protocol_count; i++) {
		o->spec.protocol = o->protocols[i];
		if (sl_flood_template(&plan->templates[i], &o->spec) != 0)
			sl_die("--size: the headers do not fit into %zu bytes",
			       o->spec.frame_bytes);
	}
	plan->template_count = o->protocol_count;
	plan->frame_bytes = o->spec.frame_bytes;
	plan->rate_per_s = o->rate_per_s;
	plan->seed = o->seed;
	set_end(plan, o);
}

static void move_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) != 0)
		sl_die("--cpu %d: %s", cpu, strerror(errno));
}

static void print_result(const struct sl_flood_result *r)
{
	double seconds = (double)r->elapsed_ns / (double)SL_NS_PER_S;

	printf("{\"packets\": %llu, \"bytes\": %llu, \"seconds\": %.6f, \"rate_per_s\": %.1f, "
	       "\"refused\": %llu}\n",
	       (unsigned long long)r->packets, (unsigned long long)r->bytes, seconds,
	       (double)r->packets / seconds, (unsigned long long)r->refused);
}

int main(int argc, char **argv)
{
	struct options o = { .protocols = { SL_FLOOD_UDP },
			     .protocol_count = 1,
			     .seed = 1,
			     .cpu = -1,
			     .spec = { .target_port = 80 } };
	struct sl_flood_plan plan = { 0 };
	struct sl_flood_result result;
	int err;

	read_options(&o, argc, argv);
	if (!sl_may_flood(o.interface)) {
		fprintf(stderr,
			"flood: refused: %s is an interface of the machine itself. This tool floods "
			"only in other network namespaces (ip netns exec NAME flood ...) or on "
			"loopback.\n",
			o.interface);
		return EXIT_REFUSED;
	}
	make_plan(&plan, &o);
	if (o.cpu >= 0)
		move_to(o.cpu);
	err = o.in_kernel ? sl_flood_by_kernel(&result, &plan) : sl_flood_by_socket(&result, &plan);
	if (err) {
		fprintf(stderr, "flood: %s: %s\n", o.interface,
			err == -EMSGSIZE ? "--kernel needs --size 80 or more for these headers"
					 : strerror(-err));
		return EXIT_FAILURE;
	}
	print_result(&result);
	return EXIT_SUCCESS;
}
