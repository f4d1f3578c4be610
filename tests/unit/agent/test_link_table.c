// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "userspace/agent/link_table.h"

struct fixture {
	struct sl_link_table table;
	char told[1024]; /* "+eth0:5 -eth1:6 " */
};

static const struct sl_interface_spec wanted[] = { { .name = "eth0" }, { .name = "eth1" } };

static void on_change(const struct sl_link_slot *slot, int ifindex, bool come, void *context)
{
	struct fixture *f = context;
	size_t used = strlen(f->told);

	(void)snprintf(f->told + used, sizeof(f->told) - used, "%c%s:%d ", come ? '+' : '-',
		       slot->name, ifindex);
}

static void tell(struct fixture *f, enum sl_link_event_type type, int ifindex, const char *name)
{
	struct sl_link_event event = { .type = type, .ifindex = ifindex };

	(void)snprintf(event.name, sizeof(event.name), "%s", name);
	sl_link_table_apply(&f->table, &event, on_change, f);
}

static void expect(struct fixture *f, const char *told)
{
	assert_string_equal(f->told, told);
	f->told[0] = '\0';
}

static void begin(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	sl_link_table_want(&f->table, wanted, 2);
}

static void interfaces_come_and_go(void **state)
{
	struct fixture f;

	begin(&f);
	tell(&f, SL_LINK_IS, 5, "eth0");
	tell(&f, SL_LINK_IS, 7, "other");
	expect(&f, "+eth0:5 ");
	tell(&f, SL_LINK_IS, 5, "eth0");
	expect(&f, "");
	tell(&f, SL_LINK_GONE, 7, "other");
	expect(&f, "");
	tell(&f, SL_LINK_GONE, 5, "");
	expect(&f, "-eth0:5 ");
	tell(&f, SL_LINK_IS, 8, "eth0");
	expect(&f, "+eth0:8 ");
}

static void a_rename_is_both(void **state)
{
	struct fixture f;

	begin(&f);
	tell(&f, SL_LINK_IS, 5, "eth0");
	tell(&f, SL_LINK_IS, 5, "eth1");
	expect(&f, "+eth0:5 -eth0:5 +eth1:5 ");
	tell(&f, SL_LINK_IS, 5, "elsewhere");
	expect(&f, "-eth1:5 ");
}

/* Deleted and made again, and the first of the two messages was lost. */
static void a_new_index_replaces_the_old(void **state)
{
	struct fixture f;

	begin(&f);
	tell(&f, SL_LINK_IS, 5, "eth0");
	tell(&f, SL_LINK_IS, 6, "eth0");
	expect(&f, "+eth0:5 -eth0:5 +eth0:6 ");
}

static void what_a_list_leaves_out_is_gone(void **state)
{
	struct fixture f;

	begin(&f);
	tell(&f, SL_LINK_IS, 5, "eth0");
	tell(&f, SL_LINK_IS, 6, "eth1");
	expect(&f, "+eth0:5 +eth1:6 ");
	sl_link_table_begin(&f.table);
	tell(&f, SL_LINK_IS, 6, "eth1");
	expect(&f, "");
	tell(&f, SL_LINK_DONE, 0, "");
	expect(&f, "-eth0:5 ");
}

static void wanting_others_keeps_what_is_known(void **state)
{
	static const struct sl_interface_spec others[] = { { .name = "eth2" }, { .name = "eth0" } };
	struct fixture f;

	begin(&f);
	tell(&f, SL_LINK_IS, 5, "eth0");
	expect(&f, "+eth0:5 ");
	sl_link_table_want(&f.table, others, 2);
	tell(&f, SL_LINK_IS, 5, "eth0");
	expect(&f, "");
	tell(&f, SL_LINK_IS, 6, "eth1");
	expect(&f, "");
	tell(&f, SL_LINK_IS, 9, "eth2");
	expect(&f, "+eth2:9 ");
}

/* ---- messages ----------------------------------------------------------------- */

struct message {
	uint8_t bytes[512];
	size_t used;
};

static void put(struct message *m, const void *bytes, size_t length)
{
	memcpy(m->bytes + m->used, bytes, length);
	m->used += (length + 3) & ~(size_t)3;
}

static void put_link(struct message *m, uint16_t type, int ifindex, const char *name)
{
	struct nlmsghdr header = { .nlmsg_type = type };
	struct ifinfomsg link = { .ifi_index = ifindex };
	struct rtattr attribute = { .rta_type = IFLA_MTU,
				    .rta_len = (unsigned short)(sizeof(attribute) + 4) };
	size_t start = m->used;
	uint32_t mtu = 1500;

	put(m, &header, sizeof(header));
	put(m, &link, sizeof(link));
	put(m, &attribute, sizeof(attribute));
	put(m, &mtu, sizeof(mtu));
	attribute.rta_type = IFLA_IFNAME;
	attribute.rta_len = (unsigned short)(sizeof(attribute) + strlen(name) + 1);
	put(m, &attribute, sizeof(attribute));
	put(m, name, strlen(name) + 1);
	header.nlmsg_len = (uint32_t)(m->used - start);
	memcpy(m->bytes + start, &header, sizeof(header));
}

static void put_plain(struct message *m, uint16_t type, uint16_t flags)
{
	struct nlmsghdr header = { .nlmsg_len = sizeof(header),
				   .nlmsg_type = type,
				   .nlmsg_flags = flags };

	put(m, &header, sizeof(header));
}

static void note(const struct sl_link_event *event, void *context)
{
	static const char *const names[] = { "is", "gone", "done", "broken" };
	char *told = context;
	size_t used = strlen(told);

	(void)snprintf(told + used, 1024 - used, "%s:%d:%s ", names[event->type], event->ifindex,
		       event->name);
}

static void datagrams_are_read(void **state)
{
	struct message m = { .used = 0 };
	char told[1024] = "";

	put_link(&m, RTM_NEWLINK, 5, "eth0");
	put_link(&m, RTM_DELLINK, 6, "eth1");
	put_plain(&m, RTM_NEWADDR, 0);
	put_plain(&m, NLMSG_DONE, 0);
	put_plain(&m, NLMSG_DONE, NLM_F_DUMP_INTR);
	put_plain(&m, NLMSG_ERROR, 0);
	assert_int_equal(sl_link_parse(m.bytes, m.used, note, told), 0);
	assert_string_equal(told, "is:5:eth0 gone:6: done:0: broken:0: broken:0: ");
}

static void every_truncation_is_survived(void **state)
{
	struct message m = { .used = 0 };

	put_link(&m, RTM_NEWLINK, 5, "eth0");
	for (size_t cut = 1; cut < m.used; cut++) {
		uint8_t *copy = malloc(cut);
		char told[1024] = "";

		assert_non_null(copy);
		memcpy(copy, m.bytes, cut);
		assert_int_equal(sl_link_parse(copy, cut, note, told), 1);
		assert_string_equal(told, "");
		free(copy);
	}
}

static void names_are_bounded(void **state)
{
	struct message m = { .used = 0 };
	char told[1024] = "";

	put_link(&m, RTM_NEWLINK, 5, "a-name-of-sixteen");
	put_link(&m, RTM_NEWLINK, 5, "");
	put_link(&m, RTM_NEWLINK, 0, "eth0");
	put_link(&m, RTM_NEWLINK, -1, "eth0");
	put_link(&m, RTM_NEWLINK, 5, "fifteen-letters");
	assert_int_equal(sl_link_parse(m.bytes, m.used, note, told), 0);
	assert_string_equal(told, "is:5:fifteen-letters ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(interfaces_come_and_go),
		cmocka_unit_test(a_rename_is_both),
		cmocka_unit_test(a_new_index_replaces_the_old),
		cmocka_unit_test(what_a_list_leaves_out_is_gone),
		cmocka_unit_test(wanting_others_keeps_what_is_known),
		cmocka_unit_test(datagrams_are_read),
		cmocka_unit_test(every_truncation_is_survived),
		cmocka_unit_test(names_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
