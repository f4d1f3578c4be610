// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/conf/accepted.h"
#include "tests/unit/conf/refused.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct refused contradictions[] = {
	{ V "interfaces: [{name: a}, {name: b},\n {name: a}]\n",
	  "t.yaml:3:9: interfaces[2].name: the same interface is at line 2" },
	{ V "tenants:\n- name: b\n- name: a\n- name: b\n- name: a\n",
	  "t.yaml:5:9: tenants[2].name: the same tenant is at line 3" },
	{ V "tenants:\n- {name: a, sources: [10.0.0.0/8]}\n- {name: b, sources: [10.0.0.0/8]}\n",
	  "t.yaml:4:23: tenants[1].sources[0]: the same source prefix is at line 3" },
	{ V "tenants:\n- {name: a, cgroups: [x]}\n- {name: b, cgroups: [y, x]}\n",
	  "t.yaml:4:26: tenants[1].cgroups[1]: the same cgroup is at line 3" },
	{ V "tenants:\n- {name: a, mark: 3}\n- {name: b, mark: 3}\n",
	  "t.yaml:4:19: tenants[1].mark: the same mark is at line 3" },
	{ V "blocks:\n- prefix: 10.0.0.1\n- prefix: 10.0.0.1/32\n",
	  "t.yaml:4:11: blocks[1].prefix: the same prefix is at line 3" },
	{ V "services:\n- {address: any, port: 80}\n- {address: any, port: 80, bind: false}\n",
	  "t.yaml:4:3: services[1]: the same service is at line 3" },
	{ V "services: [{address: any, tenant: a}]\ntenants: [{name: b}]\n",
	  "t.yaml:2:35: services[0].tenant: no tenant is called \"a\"" },
	{ V "services: [{address: any, bind: true}]\nsizes: {flows: 0}\n",
	  "t.yaml:2:33: services[0].bind: looking for flows needs sizes.flows, which is 0" },
	{ V "services: [{address: any, protocol: icmp, port: 5}]\n",
	  "t.yaml:2:49: services[0].port: ICMP has no ports" },
	{ V "services: [{address: \"::1\", protocol: icmp}]\n",
	  "t.yaml:2:39: services[0].protocol: the address is IPv6; its protocol is icmpv6" },
	{ V "services: [{address: 192.0.2.1, protocol: icmpv6}]\n",
	  "t.yaml:2:43: services[0].protocol: the address is IPv4; its protocol is icmp" },
	{ V "tenants: [{name: a, on_lease_expiry: closed}]\n",
	  "t.yaml:2:38: tenants[0].on_lease_expiry: on_lease_expiry: closed needs a lease, and "
	  "there is none" },
	{ V "defaults: {on_lease_expiry: open}\ntenants: [{name: a}]\n",
	  "t.yaml:3:11: tenants[0]: on_lease_expiry: open needs a lease, and there is none" },
	{ V "tenants: [{name: a, lease: 5s, on_lease_expiry: safe}]\n",
	  "t.yaml:2:49: tenants[0].on_lease_expiry: on_lease_expiry: safe needs "
	  "safe.packets_per_s or safe.bytes_per_s" },
	{ V "tenants: [{name: a, global: {packets: true}}]\n",
	  "t.yaml:2:29: tenants[0].global: global.packets shares ingress.packets_per_s, which is "
	  "unlimited" },
	{ V "tenants: [{name: a, requests: {cost: unlimited}, global: {cost: true}}]\n",
	  "t.yaml:2:58: tenants[0].global: global.cost shares requests.cost, which is unlimited" },
	{ V "tenants: [{name: a, lease: 5s, new_connections_per_s: 9, global: {new_connections: "
	    "true}}]\n",
	  "t.yaml:2:28: tenants[0].lease: a global limit has a lease of its own: quota.ttl" },
	{ V "nats: {replicas: 6}\n",
	  "t.yaml:2:18: nats.replicas: \"6\" is out of range; allowed: 1 to 5" },
	{ V "nats: {replicas: 0}\n",
	  "t.yaml:2:18: nats.replicas: \"0\" is out of range; allowed: 1 to 5" },
	{ V "quota: {node: \"a b\"}\n",
	  "t.yaml:2:15: quota.node: quota.node: letters, digits, \".\", \"-\" and \"_\"" },
	{ V "quota: {prefix: \"{x}\"}\n",
	  "t.yaml:2:17: quota.prefix: quota.prefix: letters and digits" },
	{ V "quota: {redis: {tls: true}}\n",
	  "t.yaml:2:22: quota.redis.tls: this client library has no TLS: use a proxy that has" },
	{ V "quota: {period: 3s}\n", "t.yaml:2:8: quota: quota.ttl: at least two periods" },
	{ V "quota: {capacity: {bytes_per_s: 0}}\n",
	  "t.yaml:2:33: quota.capacity.bytes_per_s: a platform that can do nothing shares nothing" },
	{ V "quota: {redis: {mode: ring}}\n",
	  "t.yaml:2:23: quota.redis.mode: \"ring\" is not allowed; allowed: standalone, sentinel "
	  "or cluster" },
	{ V "sizes: {sockets: 0}\ntenants: [{name: a, connections: 5}]\n",
	  "t.yaml:3:34: tenants[0].connections: a limit of connections needs sizes.sockets, which "
	  "is 0" },
	{ V "sizes: {tenants: 2}\ntenants: [{name: a}, {name: b}]\n",
	  "t.yaml:3:10: tenants: 2 tenants, but sizes.tenants leaves room for 1" },
	{ V "sizes: {services: 1}\nservices: [{address: any}, {address: \"::1\"}]\n",
	  "t.yaml:3:11: services: 2 IPv6 services, but sizes.services leaves room for 1" },
	{ V "sizes: {prefixes: 1}\ntenants: [{name: a, sources: [10.0.0.1, \"::1\", 10.0.0.2]}]\n",
	  "t.yaml:3:10: tenants: 2 IPv4 sources, but sizes.prefixes leaves room for 1" },
	{ V "sizes: {blocks: 1}\nblocks: [{prefix: \"::1\"}, {prefix: \"::2\"}]\n",
	  "t.yaml:3:9: blocks: 2 IPv6 blocks, but sizes.blocks leaves room for 1" },
};

static void contradictions_are_named_with_their_line(void **state)
{
	assert_refused(contradictions, COUNT(contradictions));
}

static void without_flows_no_service_looks_for_them(void **state)
{
	struct sl_config *config = parse("version: 1\nsizes: {flows: 0}\n"
					 "services: [{address: any, port: 80}]\n");

	assert_false(config->services[0].bind);
	sl_config_free(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(contradictions_are_named_with_their_line),
		cmocka_unit_test(without_flows_no_service_looks_for_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
