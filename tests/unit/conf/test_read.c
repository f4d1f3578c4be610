// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/conf/accepted.h"
#include "tests/unit/conf/refused.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define RATE_WORDS   "; or 0 (blocked), or unlimited"

static const struct refused bad_values[] = {
	{ "- a\n", "t.yaml:1:1: found a list where a mapping belongs" },
	{ "hello\n", "t.yaml:1:1: found \"hello\" where a mapping belongs" },
	{ "mode: off\n", "t.yaml:1:1: needs a \"version\": The version of this format." },
	{ "version: 2\nnew: true\n", "t.yaml:1:10: version: this agent reads version 1" },
	{ "version: []\n", "t.yaml:1:10: version: found a list where a whole number belongs" },
	{ V "tennants: []\n", "t.yaml:2:1: tennants: unknown key; did you mean \"tenants\"?" },
	{ V "sizes:\n  zebra: 1\n",
	  "t.yaml:3:3: sizes.zebra: unknown key; allowed: tenants, flows, services, prefixes, "
	  "blocks, cells, sockets, events_bytes" },
	{ V "<<: {mode: off}\n",
	  "t.yaml:2:1: <<: unknown key; allowed: version, mode, resets_per_s, hash_seed, "
	  "interfaces, sizes, paths, metrics, events, overhead_bytes, defaults, tenants, "
	  "policies, services, unknown, nats, quota, blocks" },
	{ V "mode: off\nsizes: {}\nmode: off\n",
	  "t.yaml:4:1: mode: a key for the second time; see line 2" },
	{ V "mode:\n", "t.yaml:2:6: mode: found nothing where one of enforce, shadow or off "
		       "belongs" },
	{ V "mode: {a: b}\n", "t.yaml:2:7: mode: found a mapping where one of enforce, shadow or "
			      "off belongs" },
	{ V "tenants: {name: a}\n", "t.yaml:2:10: tenants: found a mapping where a list belongs" },
	{ V "tenants:\n", "t.yaml:2:9: tenants: found nothing where a list belongs" },
	{ V "tenants:\n  - steady\n",
	  "t.yaml:3:5: tenants[0]: found \"steady\" where a mapping belongs" },
	{ V "tenants:\n  - name: a\n  - mode: off\n",
	  "t.yaml:4:5: tenants[1]: needs a \"name\": Who it is, in every command, metric and "
	  "event. The counters and buckets of a name outlive a restart." },
	{ V "sizes: 5\n", "t.yaml:2:8: sizes: found \"5\" where a mapping belongs" },

	/* values */
	{ V "mode: on\n", "t.yaml:2:7: mode: \"on\" is not allowed; allowed: enforce, shadow or "
			  "off" },
	{ V "hash_seed: 10k\n", "t.yaml:2:12: hash_seed: \"10k\" is not a whole number; allowed: "
				"0 to 18446744073709551615" },
	{ V "sizes: {tenants: 65537}\n",
	  "t.yaml:2:18: sizes.tenants: \"65537\" is out of range; allowed: 2 to 65536" },
	{ V "sizes: {cells: 5000}\n", "t.yaml:2:16: sizes.cells: \"5000\" is not a power of two; "
				      "allowed: 1024 to 1048576" },
	{ V "sizes: {events_bytes: 1000kB}\n",
	  "t.yaml:2:23: sizes.events_bytes: \"1000kB\" is not a power of two; allowed: 4096 to "
	  "1073741824" },
	{ V "metrics: {port: 70000}\n",
	  "t.yaml:2:17: metrics.port: \"70000\" is out of range; allowed: 0 to 65535" },
	{ V "metrics: {address: localhost}\n",
	  "t.yaml:2:20: metrics.address: \"localhost\" is not an address like 192.0.2.1 or "
	  "2001:db8::1" },
	{ V "paths: {socket: run/x}\n",
	  "t.yaml:2:17: paths.socket: \"run/x\" is not an absolute path of at most 107 bytes" },
	{ V "paths: {socket: \"/a\\nb\"}\n",
	  "t.yaml:2:17: paths.socket: \"/a\\x0ab\" is not an absolute path of at most 107 bytes" },
	{ V "interfaces: [{name: sixteen-or-more1}]\n",
	  "t.yaml:2:21: interfaces[0].name: \"sixteen-or-more1\" is not the name of an "
	  "interface; allowed: 1 to 15 characters, no space, / or :" },
	{ V "interfaces: [{name: eth0, egress: yes}]\n",
	  "t.yaml:2:35: interfaces[0].egress: \"yes\" is neither true nor false" },
	{ V "tenants: [{name: a b}]\n",
	  "t.yaml:2:18: tenants[0].name: \"a b\" is not a name; allowed: 1 to 55 of A-Z a-z 0-9 "
	  ". _ -, the first a letter or digit" },
	{ V "tenants: [{name: unknown}]\n",
	  "t.yaml:2:18: tenants[0].name: \"unknown\" is reserved for traffic that is nobody's" },
	{ V "tenants: [{name: a, ingress: {packets_per_s: fast}}]\n",
	  "t.yaml:2:46: tenants[0].ingress.packets_per_s: \"fast\" is not an amount like 100, "
	  "10k, 2.5M or 1G" RATE_WORDS },
	{ V "tenants: [{name: a, ingress: {bytes_per_s: 10M}}]\n",
	  "t.yaml:2:44: tenants[0].ingress.bytes_per_s: \"10M\": bytes or bits? write MB or "
	  "Mbit" RATE_WORDS },
	{ V "tenants: [{name: a, connections: 0}]\n",
	  "t.yaml:2:34: tenants[0].connections: \"0\" is out of range; allowed: 1 to "
	  "4294967295" },
	{ V "tenants: [{name: a, lease: 1ms}]\n",
	  "t.yaml:2:28: tenants[0].lease: \"1ms\" is out of range; allowed: 1s to 1d, or never" },
	{ V "tenants: [{name: a, sources: [10.0.0.5/8]}]\n",
	  "t.yaml:2:31: tenants[0].sources[0]: \"10.0.0.5/8\" has bits set after the first 8; "
	  "write 10.0.0.0/8" },
	{ V "tenants: [{name: a, cgroups: [a, b/../c]}]\n",
	  "t.yaml:2:34: tenants[0].cgroups[1]: \"b/../c\" is not a path below the cgroup2 mount "
	  "like tenants/steady (no / at either end, no . or ..)" },
	{ V "services: [{port: 80}]\n", "t.yaml:2:12: services[0]: needs a \"address\": The local "
					"address, or any (of both families)." },
	{ V "services: [{address: any, port: 0}]\n",
	  "t.yaml:2:33: services[0].port: \"0\" is out of range; allowed: 1 to 65535" },
	{ V "services: [{address: any, vlan: 4095}]\n",
	  "t.yaml:2:33: services[0].vlan: \"4095\" is out of range; allowed: 1 to 4094" },
	{ V "unknown: {proven: {for: never}}\n",
	  "t.yaml:2:25: unknown.proven.for: \"never\" is out of range; allowed: 1s to 30d" },

	/* bursts */
	{ V "tenants: [{name: a, ingress: {packets_burst: 5}}]\n",
	  "t.yaml:2:46: tenants[0].ingress.packets_burst: a rate that is unlimited has no burst" },
	{ V "unknown: {packets_per_s: 0, packets_burst: 5}\n",
	  "t.yaml:2:44: unknown.packets_burst: a rate that is 0 has no burst" },
	{ V "tenants: [{name: a, egress: {bytes_per_s: 1MB, bytes_burst: 1500}}]\n",
	  "t.yaml:2:61: tenants[0].egress.bytes_burst: a burst of 1.5kB is below one packet; "
	  "allowed: 2.048kB or more" },
	{ V "unknown: {source: {packets_burst: 0}}\n",
	  "t.yaml:2:35: unknown.source.packets_burst: a burst of 0 admits nothing; to block set "
	  "the rate to 0" },
	{ V "tenants:\n  - name: a\n    new_connections_per_s: 1\n"
	    "defaults: {new_connections_burst: 86401}\n",
	  "t.yaml:3:5: tenants[0]: new_connections_burst: a burst of 86.401k is more than the "
	  "rate admits in a day; allowed: up to 86.4k" },
	{ V "defaults: {ingress: {bytes_per_s: 1MB, bytes_burst: 5}}\ntenants: [{name: a}]\n",
	  "t.yaml:2:53: defaults.ingress.bytes_burst: a burst of 5B is below one packet; allowed: "
	  "2.048kB or more" },
};

static void bad_keys_and_values_are_named_with_their_line(void **state)
{
	assert_refused(bad_values, COUNT(bad_values));
}

static void bursts_follow_the_rate_they_are_given_with(void **state)
{
	struct sl_config *config =
		parse("version: 1\n"
		      "tenants:\n"
		      "  - {name: a, ingress: {packets_per_s: 1, bytes_per_s: 1kB}}\n"
		      "  - {name: b, ingress: {packets_per_s: unlimited, bytes_per_s: 0}}\n"
		      "  - {name: c, ingress: {packets_per_s: 500}}\n"
		      "defaults: {ingress: {packets_per_s: 5k, packets_burst: 7}}\n"
		      "unknown: {source: {packets_per_s: 0}, fragments_per_s: unlimited}\n");

	assert_rate(config->tenants[0].ingress_packets, 1, 7);
	assert_rate(config->tenants[0].ingress_bytes, 1000, 16384);
	assert_unlimited(config->tenants[1].ingress_packets);
	assert_rate(config->tenants[1].ingress_bytes, 0, 0);
	assert_rate(config->tenants[2].ingress_packets, 500, 7);
	assert_rate(config->unknown.source_packets, 0, 0);
	assert_unlimited(config->unknown.fragments);
	sl_config_free(config);
}

/* Each default, written out, means what leaving the key out means. */
static void defaults_in_the_manual_can_be_written(void **state)
{
	struct sl_config *left_out = parse("version: 1\n");
	struct sl_config *written = parse(
		V "mode: enforce\nresets_per_s: 10k\nhash_seed: 0\n"
		  "sizes: {tenants: 1024, flows: 65536, services: 1024, prefixes: 1024, "
		  "blocks: 4096, cells: 65536, sockets: 65536, events_bytes: 1MiB}\n"
		  "metrics: {address: 127.0.0.1, port: 9477, tenants_max: 1000}\n"
		  "events: {per_s: 1000, sample: 64}\noverhead_bytes: {ingress: 0, egress: 0}\n"
		  "unknown: {on_miss: limit, mode: enforce, packets_per_s: 10k, "
		  "bytes_per_s: unlimited, new_connections_per_s: 1k, fragments_per_s: 100, "
		  "fragments_burst: 100, source: {packets_per_s: 100, packets_burst: 50}, "
		  "proven: {packets_per_s: 10k, for: 10m}}\n");

	assert_memory_equal(&left_out->sizes, &written->sizes, sizeof(left_out->sizes));
	assert_memory_equal(&left_out->unknown.packets, &written->unknown.packets,
			    sizeof(struct sl_rate_spec));
	assert_memory_equal(&left_out->unknown.proven_packets, &written->unknown.proven_packets,
			    sizeof(struct sl_rate_spec));
	assert_int_equal(left_out->unknown.proven_ns, written->unknown.proven_ns);
	assert_int_equal(left_out->metrics_port, written->metrics_port);
	sl_config_free(left_out);
	sl_config_free(written);
	sl_config_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_keys_and_values_are_named_with_their_line),
		cmocka_unit_test(bursts_follow_the_rate_they_are_given_with),
		cmocka_unit_test(defaults_in_the_manual_can_be_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
