// SPDX-License-Identifier: Apache-2.0
#include "userspace/agent/link_table.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

/* Netlink pads to 4 bytes; the buffer itself may be at any address. */
#define ALIGNED(bytes) (((bytes) + 3u) & ~(size_t)3)

/* The name among the attributes of a link; false when there is none that is one. */
static bool find_name(char ret[SL_CONFIG_IFNAME_BYTES], const uint8_t *at, size_t left)
{
	while (left >= sizeof(struct rtattr)) {
		struct rtattr attribute;
		size_t bytes;

		memcpy(&attribute, at, sizeof(attribute));
		if (attribute.rta_len < sizeof(attribute) || attribute.rta_len > left)
			return false;
		bytes = attribute.rta_len - sizeof(attribute);
		if ((attribute.rta_type & NLA_TYPE_MASK) == IFLA_IFNAME) {
			const uint8_t *name = at + sizeof(attribute);
			size_t length = strnlen((const char *)name, bytes);

			if (length == 0 || length == bytes || length >= SL_CONFIG_IFNAME_BYTES)
				return false;
			memset(ret, 0, SL_CONFIG_IFNAME_BYTES);
			memcpy(ret, name, length);
			return true;
		}
		if (ALIGNED(attribute.rta_len) >= left)
			return false;
		at += ALIGNED(attribute.rta_len);
		left -= ALIGNED(attribute.rta_len);
	}
	return false;
}

static bool parse_link(struct sl_link_event *ret, uint16_t type, const uint8_t *at, size_t length)
{
	struct ifinfomsg link;

	if (length < sizeof(link))
		return false;
	memcpy(&link, at, sizeof(link));
	if (link.ifi_index <= 0)
		return false;
	ret->ifindex = link.ifi_index;
	/* Bridges announce their ports as links of a family of their own. */
	if (link.ifi_family != AF_UNSPEC)
		return false;
	if (type == RTM_DELLINK) {
		ret->type = SL_LINK_GONE;
		return true;
	}
	ret->type = SL_LINK_IS;
	return find_name(ret->name, at + sizeof(link), length - sizeof(link));
}

/* One message; false when it says nothing to us. */
static bool parse_message(struct sl_link_event *ret, const struct nlmsghdr *header,
			  const uint8_t *payload, size_t length)
{
	bool interrupted = header->nlmsg_flags & NLM_F_DUMP_INTR;

	switch (header->nlmsg_type) {
	case NLMSG_DONE:
		ret->type = interrupted ? SL_LINK_BROKEN : SL_LINK_DONE;
		return true;
	case NLMSG_ERROR:
	case NLMSG_OVERRUN:
		ret->type = SL_LINK_BROKEN;
		return true;
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return parse_link(ret, header->nlmsg_type, payload, length);
	default:
		return false;
	}
}

unsigned int sl_link_parse(const void *bytes, size_t length, sl_link_event_fn *function,
			   void *context)
{
	const uint8_t *at = bytes;

	while (length > 0) {
		struct sl_link_event event = { .ifindex = 0 };
		struct nlmsghdr header;

		if (length < sizeof(header))
			return 1;
		memcpy(&header, at, sizeof(header));
		if (header.nlmsg_len < sizeof(header) || header.nlmsg_len > length)
			return 1;
		if (parse_message(&event, &header, at + sizeof(header),
				  header.nlmsg_len - sizeof(header)))
			function(&event, context);
		if (ALIGNED(header.nlmsg_len) >= length)
			return 0;
		at += ALIGNED(header.nlmsg_len);
		length -= ALIGNED(header.nlmsg_len);
	}
	return 0;
}

void sl_link_table_want(struct sl_link_table *table, const struct sl_interface_spec *interfaces,
			size_t count)
{
	const struct sl_link_table old = *table;

	*table = (struct sl_link_table){ .count = count };
	if (count > SL_CONFIG_INTERFACES_MAX)
		table->count = SL_CONFIG_INTERFACES_MAX;
	for (size_t i = 0; i < table->count; i++) {
		memcpy(table->slots[i].name, interfaces[i].name, sizeof(table->slots[i].name));
		for (size_t j = 0; j < old.count; j++)
			if (strcmp(old.slots[j].name, interfaces[i].name) == 0)
				table->slots[i] = old.slots[j];
	}
}

void sl_link_table_begin(struct sl_link_table *table)
{
	for (size_t i = 0; i < table->count; i++)
		table->slots[i].seen = false;
}

static void lose(struct sl_link_slot *slot, sl_link_change_fn *function, void *context)
{
	int ifindex = slot->ifindex;

	slot->ifindex = 0;
	function(slot, ifindex, false, context);
}

/* What @ifindex was called before it was called @name. */
static void forget_old_name(struct sl_link_table *table, int ifindex, const char *name,
			    sl_link_change_fn *function, void *context)
{
	for (size_t i = 0; i < table->count; i++)
		if (table->slots[i].ifindex == ifindex &&
		    (!name || strcmp(table->slots[i].name, name) != 0))
			lose(&table->slots[i], function, context);
}

static void apply_is(struct sl_link_table *table, const struct sl_link_event *event,
		     sl_link_change_fn *function, void *context)
{
	forget_old_name(table, event->ifindex, event->name, function, context);
	for (size_t i = 0; i < table->count; i++) {
		struct sl_link_slot *slot = &table->slots[i];

		if (strcmp(slot->name, event->name) != 0)
			continue;
		slot->seen = true;
		if (slot->ifindex == event->ifindex)
			continue;
		if (slot->ifindex)
			lose(slot, function, context);
		slot->ifindex = event->ifindex;
		function(slot, event->ifindex, true, context);
	}
}

void sl_link_table_apply(struct sl_link_table *table, const struct sl_link_event *event,
			 sl_link_change_fn *function, void *context)
{
	switch (event->type) {
	case SL_LINK_IS:
		apply_is(table, event, function, context);
		break;
	case SL_LINK_GONE:
		forget_old_name(table, event->ifindex, NULL, function, context);
		break;
	case SL_LINK_DONE:
		for (size_t i = 0; i < table->count; i++)
			if (table->slots[i].ifindex && !table->slots[i].seen)
				lose(&table->slots[i], function, context);
		break;
	case SL_LINK_BROKEN:
		break;
	}
}
