// SPDX-License-Identifier: Apache-2.0
/*
 * The same judge at tc, where a packet may be many segments and an owner may be known
 * by his socket's mark or cgroup. The kernel's test run lets us set gso_segs, wire_len
 * and the mark, but no tag that is off the packet: that one is sent, see the end.
 */
#include "tests/harness/test.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <linux/if_packet.h>
#include <linux/pkt_cls.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/harness/cgroup.h"
#include "tests/harness/samples.h"
#include "tests/harness/suite.h"
#include "userspace/base/cleanup.h"

#define LINK_TCX_INGRESS 46 /* BPF_TCX_INGRESS: newer than the headers of libbpf 1.1 */
#define OWNER		 3u

/* More than this a test run does not put into one buffer. */
#define BUFFER_BYTES 3500u

static const struct sl_arrival in = { .hook = SL_HOOK_TC_INGRESS };
static const struct sl_arrival out = { .hook = SL_HOOK_TC_EGRESS };

/* From the protected side: the service is the source. */
static struct sl_pkt_spec leaving(struct sl_pkt_spec spec)
{
	const bool six = strchr(spec.to, ':') != NULL;

	spec.from = spec.to;
	spec.to = six ? SL_REMOTE6 : SL_REMOTE4;
	spec.from_port = 443;
	spec.to_port = 40000;
	return spec;
}

static struct sl_pkt reply(void)
{
	return sl_pkt_build(&(struct sl_pkt_spec){ .from = SL_LOCAL4,
						   .to = SL_REMOTE4,
						   .from_port = 443,
						   .to_port = 40000,
						   .payload_bytes = 58 });
}

static void expect_tc(const struct sl_shield *s, const char *name, const struct sl_arrival *arrival,
		      const struct sl_pkt *p, uint32_t tenant, enum sl_reason reason)
{
	sl_expect_at(SL_HERE(name), s, arrival, p,
		     (struct sl_expected){ .tenant = tenant, .reason = reason });
}

static void expect_bypass(const struct sl_shield *s, const char *name,
			  const struct sl_arrival *arrival, const struct sl_pkt *p,
			  enum sl_found_by why)
{
	sl_expect_at(SL_HERE(name), s, arrival, p,
		     (struct sl_expected){ .tenant = SL_TENANT_NONE, .bypass = why });
}

/* ---- the same judge
 * ------------------------------------------------------------------------------ */

static void every_packet_is_judged_coming_in(void **state)
{
	for (unsigned i = 0; i < sl_sample_count; i++) {
		const struct sl_pkt p = sl_pkt_build(&sl_samples[i].packet);

		if (p.length <= BUFFER_BYTES)
			expect_tc(*state, sl_samples[i].name, &in, &p, SL_TENANT, SL_REASON_PASS);
	}
}

static void every_packet_is_judged_going_out(void **state)
{
	for (unsigned i = 0; i < sl_sample_count; i++) {
		const struct sl_pkt_spec spec = leaving(sl_samples[i].packet);
		const struct sl_pkt p = sl_pkt_build(&spec);
		const struct sl_pkt request = sl_pkt_build(&sl_samples[i].packet);

		if (p.length > BUFFER_BYTES)
			continue;
		expect_tc(*state, sl_samples[i].name, &out, &p, SL_TENANT, SL_REASON_PASS);
		/* What is sent to the address from elsewhere is not of its service. */
		expect_bypass(*state, sl_samples[i].name, &out, &request, SL_FOUND_UNPROTECTED);
	}
}

/* All cuts behind the IP header; half of one the kernel's test run does not take. */
static void a_cut_packet_is_dropped(void **state)
{
	for (unsigned i = 0; i < sl_sample_count; i++) {
		const uint32_t ip = strchr(sl_samples[i].packet.to, ':') ? 40 : 20;
		struct sl_pkt p = sl_pkt_build(&sl_samples[i].packet);

		if (p.payload < p.length)
			p.length = p.payload;
		else
			p.length--;
		for (; p.length >= p.l3 + ip; p.length--)
			expect_tc(*state, sl_samples[i].name, &in, &p, SL_TENANT_UNKNOWN,
				  SL_REASON_MALFORMED);
	}
}

static void each_direction_has_its_limit(void **state)
{
	const struct sl_pkt request = SL_PKT(.to = SL_LOCAL4, .payload_bytes = 58);
	const struct sl_pkt answer = reply();
	struct sl_shield *s = *state;
	struct sl_limit *l = sl_shield_limit(s, SL_TENANT);

	l->ingress.packets = sl_shield_rate(0, 2);
	l->egress.packets = sl_shield_rate(0, 3);
	for (unsigned i = 0; i < 4; i++) {
		expect_tc(s, "in", &in, &request, SL_TENANT,
			  i < 2 ? SL_REASON_PASS : SL_REASON_RATE_PACKETS);
		expect_tc(s, "out", &out, &answer, SL_TENANT,
			  i < 3 ? SL_REASON_PASS : SL_REASON_RATE_PACKETS);
	}
}

/* New connections, fragments and strangers are of ingress; a block is, too. */
static void rules_of_ingress_are_not_of_egress(void **state)
{
	const struct sl_pkt_spec specs[] = {
		leaving((struct sl_pkt_spec){
			.to = SL_LOCAL4, .protocol = IPPROTO_TCP, .flags = TH_SYN }),
		leaving((struct sl_pkt_spec){ .to = SL_LOCAL4, .fragment = 1, .payload_bytes = 8 }),
	};
	struct sl_shield *s = *state;
	struct sl_limit *l = sl_shield_limit(s, SL_TENANT);

	l->egress.flags = SL_SIDE_NEW_CONNS | SL_SIDE_FRAGMENTS | SL_SIDE_RESET | SL_SIDE_CONNS;
	l->new_conns.cost = l->fragments.cost = SL_COST_NEVER;
	sl_shield_block(s, "10.0.0.0/8", 0);
	for (size_t i = 0; i < SL_ROWS(specs); i++) {
		const struct sl_pkt p = sl_pkt_build(&specs[i]);

		expect_tc(s, "egress", &out, &p, SL_TENANT, SL_REASON_PASS);
	}
}

/* A RST is sent by XDP only: here the SYN is dropped silently. */
static void no_rst_is_sent_from_tc(void **state)
{
	const struct sl_pkt syn = SL_PKT(.to = SL_LOCAL4, .protocol = IPPROTO_TCP, .flags = TH_SYN);
	struct sl_shield *s = *state;
	struct sl_limit *l = sl_shield_limit(s, SL_TENANT);

	l->ingress.flags = SL_SIDE_NEW_CONNS | SL_SIDE_RESET;
	l->new_conns.cost = SL_COST_NEVER;
	s->ctl->reset_cost_cu = s->ctl->reset_burst_cu = 1;
	expect_tc(s, "syn", &in, &syn, SL_TENANT, SL_REASON_RATE_NEW_CONNS);
}

/* The unknown tenant's egress has its limit and no shares. */
static void strangers_are_limited_going_out(void **state)
{
	const struct sl_pkt answer = reply();
	struct sl_shield *s = *state;

	sl_shield_reset(s);
	sl_shield_protect(s, 0, SL_TENANT_NONE);
	sl_shield_live(s)->on_miss = SL_ON_MISS_DROP;
	sl_shield_live(s)->source_share = sl_shield_rate(0, 1);
	sl_shield_limit(s, SL_TENANT_UNKNOWN)->egress.packets = sl_shield_rate(0, 3);
	for (unsigned i = 0; i < 5; i++)
		expect_tc(s, "stranger", &out, &answer, SL_TENANT_UNKNOWN,
			  i < 3 ? SL_REASON_PASS : SL_REASON_RATE_PACKETS);
}

/* ---- segments ----------------------------------------------------------------------------------
 */

static struct sl_pkt big_tcp(bool going_out, uint16_t payload_bytes)
{
	struct sl_pkt_spec spec = { .to = SL_LOCAL4,
				    .protocol = IPPROTO_TCP,
				    .flags = TH_ACK,
				    .option_words = 3,
				    .payload_bytes = payload_bytes };

	if (going_out)
		spec = leaving(spec);
	return sl_pkt_build(&spec);
}

/* At egress the stack says how long all segments are on the wire. */
static void segments_going_out_are_charged_as_sent(void **state)
{
	const struct sl_pkt p = big_tcp(true, 5 * 500);
	const uint32_t wire = 5 * (500 + 66);
	const struct sl_arrival arrival = { .hook = SL_HOOK_TC_EGRESS,
					    .segments = 5,
					    .wire_len = wire,
					    .charged_packets = 5,
					    .charged_bytes = wire };
	struct sl_shield *s = *state;
	struct sl_limit *l = sl_shield_limit(s, SL_TENANT);

	l->egress.packets = sl_shield_rate(0, 17);
	expect_tc(s, "1", &arrival, &p, SL_TENANT, SL_REASON_PASS);
	expect_tc(s, "2", &arrival, &p, SL_TENANT, SL_REASON_PASS);
	expect_tc(s, "3", &arrival, &p, SL_TENANT, SL_REASON_PASS);
	expect_tc(s, "4", &arrival, &p, SL_TENANT, SL_REASON_RATE_PACKETS);
	l->egress.gen++;
	l->egress.packets.cost = 0;
	l->egress.flags = SL_SIDE_KTIME;
	l->egress.bytes = sl_shield_bytes_rate(1000, 2ull * wire);
	expect_tc(s, "5", &arrival, &p, SL_TENANT, SL_REASON_PASS);
	expect_tc(s, "6", &arrival, &p, SL_TENANT, SL_REASON_PASS);
	expect_tc(s, "7", &arrival, &p, SL_TENANT, SL_REASON_RATE_BYTES);
}

/* At ingress GRO has kept one set of headers of many: the others are added again. */
static void segments_coming_in_are_charged_as_received(void **state)
{
	const struct sl_pkt p = big_tcp(false, 5 * 500);
	const struct sl_arrival arrival = { .hook = SL_HOOK_TC_INGRESS,
					    .segments = 5,
					    .charged_packets = 5,
					    .charged_bytes = 5 * (500 + 66) };

	assert_int_equal(p.length, 5 * 500 + 66);
	expect_tc(*state, "gro", &arrival, &p, SL_TENANT, SL_REASON_PASS);
}

/* One segment, or none said: as any packet. */
static void a_single_segment_is_a_packet(void **state)
{
	const struct sl_pkt p = big_tcp(false, 1448);
	const struct sl_arrival arrival = { .hook = SL_HOOK_TC_INGRESS, .segments = 1 };

	expect_tc(*state, "one", &arrival, &p, SL_TENANT, SL_REASON_PASS);
}

/* A packet of more segments than the burst passes a full bucket and leaves a debt. */
static void more_segments_than_the_burst_pass_once(void **state)
{
	const struct sl_pkt p = big_tcp(false, 1448);
	const struct sl_arrival arrival = { .hook = SL_HOOK_TC_INGRESS,
					    .segments = 40,
					    .charged_packets = 40,
					    .charged_bytes = p.length + 39 * 66 };
	struct sl_shield *s = *state;

	sl_shield_limit(s, SL_TENANT)->ingress.packets = sl_shield_rate(0, 10);
	expect_tc(s, "first", &arrival, &p, SL_TENANT, SL_REASON_PASS);
	expect_tc(s, "second", &arrival, &p, SL_TENANT, SL_REASON_RATE_PACKETS);
	assert_in_range(s->buckets[SL_TENANT].ingress.packets_tat_cu -
				(sl_shield_now_ns() << SL_CREDIT_SHIFT),
			39 * SL_HOUR_S * SL_CU_S, 40 * SL_HOUR_S * SL_CU_S);
}

/* ---- egress of what no service claims
 * ------------------------------------------------------------ */

static struct sl_pkt elsewhere(void)
{
	return sl_pkt_build(&(struct sl_pkt_spec){ .from = SL_OTHER4, .to = SL_REMOTE4 });
}

static void a_mark_names_the_tenant(void **state)
{
	const struct sl_arrival marked = { .hook = SL_HOOK_TC_EGRESS, .mark = 0x50 };
	const struct sl_arrival other = { .hook = SL_HOOK_TC_EGRESS, .mark = 0x51 };
	const struct sl_pkt p = elsewhere(), served = reply();
	const struct sl_arrival marked_in = { .hook = SL_HOOK_TC_INGRESS, .mark = 0x50 };
	struct sl_shield *s = *state;

	sl_shield_mark(s, 0x50, OWNER);
	sl_shield_mark(s, 0x52, SL_SHIELD_TENANTS); /* out of range: not believed */
	expect_tc(s, "marked", &marked, &p, OWNER, SL_REASON_PASS);
	assert_int_equal(sl_explain(s, &marked, &p).found_by, SL_FOUND_MARK);
	expect_bypass(s, "other mark", &other, &p, SL_FOUND_UNPROTECTED);
	expect_bypass(s, "bad tenant",
		      &(struct sl_arrival){ .hook = SL_HOOK_TC_EGRESS, .mark = 0x52 }, &p,
		      SL_FOUND_UNPROTECTED);
	expect_bypass(s, "at ingress", &marked_in, &p, SL_FOUND_UNPROTECTED);
	expect_tc(s, "the service comes first", &marked, &served, SL_TENANT, SL_REASON_PASS);
	s->ctl->half[0].features = 0;
	expect_bypass(s, "feature off", &marked, &p, SL_FOUND_UNPROTECTED);
}

static void a_cgroup_names_the_tenant(void **state)
{
	const struct sl_pkt p = elsewhere();
	struct sl_shield *s = *state;
	struct sl_cgroup cgroup;

	sl_cgroup_enter(&cgroup);
	sl_shield_cgroup(s, cgroup.id + 1, OWNER + 1);
	expect_bypass(s, "another cgroup", &out, &p, SL_FOUND_UNPROTECTED);
	sl_shield_cgroup(s, cgroup.id, OWNER);
	expect_tc(s, "own cgroup", &out, &p, OWNER, SL_REASON_PASS);
	assert_int_equal(sl_explain(s, &out, &p).found_by, SL_FOUND_CGROUP);
	sl_shield_mark(s, 0x50, OWNER + 2);
	expect_tc(s, "the mark comes first",
		  &(struct sl_arrival){ .hook = SL_HOOK_TC_EGRESS, .mark = 0x50 }, &p, OWNER + 2,
		  SL_REASON_PASS);
	sl_cgroup_leave(&cgroup);
}

/* ---- a tag that is off the packet
 * ------------------------------------------------------------------ */

static void send_frame(const char *interface, const struct sl_pkt *p)
{
	sl_autoclose int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	const struct sockaddr_ll to = { .sll_family = AF_PACKET,
					.sll_ifindex = (int)if_nametoindex(interface) };

	assert_true(fd >= 0);
	assert_int_equal(
		sendto(fd, p->bytes, p->length, 0, (const struct sockaddr *)&to, sizeof(to)),
		(ssize_t)p->length);
}

/* The kernel takes the tag off before tc: the service's VLAN is found all the same. */
static void a_tag_off_the_packet_is_known(void **state)
{
	const struct sl_pkt five = SL_PKT(.to = SL_LOCAL4, .tags = 1, .tci = { 0x2005 });
	const struct sl_pkt six = SL_PKT(.to = SL_LOCAL4, .tags = 1, .tci = { 6 });
	struct sl_shield *s = *state;
	int link;

	sl_shield_reset(s);
	for (uint16_t vlan = 5; vlan <= 6; vlan++)
		sl_shield_service(s, 0,
				  &(struct sl_service_set){ .address = SL_LOCAL4,
							    .protocol = IPPROTO_UDP,
							    .port = 443,
							    .vlan = vlan,
							    .flags = SL_SERVICE_TENANT,
							    .tenant = vlan });
	assert_int_equal(system("ip link set sl0 up && ip link set sl1 up"), 0);
	link = bpf_link_create(bpf_program__fd(s->skel->progs.sl_tc_ingress),
			       (int)if_nametoindex("sl1"), LINK_TCX_INGRESS, NULL);
	assert_true(link >= 0);
	send_frame("sl0", &five);
	send_frame("sl0", &six);
	send_frame("sl0", &six);
	for (unsigned i = 0; i < 200; i++) {
		if (sl_counted(s, 5, SL_REASON_PASS).packets +
			    sl_counted(s, 6, SL_REASON_PASS).packets ==
		    3)
			break;
		assert_int_equal(usleep(5000), 0);
	}
	(void)close(link);
	assert_int_equal(system("ip link set sl0 down && ip link set sl1 down"), 0);
	assert_int_equal(sl_counted(s, 5, SL_REASON_PASS).packets, 1);
	assert_int_equal(sl_counted(s, 6, SL_REASON_PASS).packets, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(every_packet_is_judged_coming_in, sl_setup_world),
		cmocka_unit_test_setup(every_packet_is_judged_going_out, sl_setup_world),
		cmocka_unit_test_setup(a_cut_packet_is_dropped, sl_setup_world),
		cmocka_unit_test_setup(each_direction_has_its_limit, sl_setup_world),
		cmocka_unit_test_setup(rules_of_ingress_are_not_of_egress, sl_setup_world),
		cmocka_unit_test_setup(no_rst_is_sent_from_tc, sl_setup_world),
		cmocka_unit_test_setup(strangers_are_limited_going_out, sl_setup_world),
		cmocka_unit_test_setup(segments_going_out_are_charged_as_sent, sl_setup_world),
		cmocka_unit_test_setup(segments_coming_in_are_charged_as_received, sl_setup_world),
		cmocka_unit_test_setup(a_single_segment_is_a_packet, sl_setup_world),
		cmocka_unit_test_setup(more_segments_than_the_burst_pass_once, sl_setup_world),
		cmocka_unit_test_setup(a_mark_names_the_tenant, sl_setup_world),
		cmocka_unit_test_setup(a_cgroup_names_the_tenant, sl_setup_world),
		cmocka_unit_test_setup(a_tag_off_the_packet_is_known, sl_setup_world),
	};

	return cmocka_run_group_tests(tests, sl_setup_tc, sl_teardown);
}
