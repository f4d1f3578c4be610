// SPDX-License-Identifier: Apache-2.0
#include "userspace/domain/prefix.h"

#include <string.h>

union sl_prefix_key sl_prefix_key_of(const struct sl_prefix_spec *prefix)
{
	const size_t bytes = prefix->address.family == 4 ? 4 : 16;
	union sl_prefix_key key = { .v6 = { .prefix_bits = prefix->bits } };

	memcpy(key.v6.address, prefix->address.bytes, bytes);
	return key;
}

int sl_prefix_compare(const union sl_prefix_key *a, const union sl_prefix_key *b)
{
	int order = memcmp(a->v6.address, b->v6.address, sizeof(a->v6.address));

	if (order)
		return order;
	if (a->v6.prefix_bits != b->v6.prefix_bits)
		return a->v6.prefix_bits < b->v6.prefix_bits ? -1 : 1;
	return 0;
}

bool sl_prefix_covers(const union sl_prefix_key *outer, const union sl_prefix_key *inner)
{
	const uint32_t bits = outer->v6.prefix_bits;
	const uint32_t bytes = bits / 8;
	uint8_t mask;

	if (bits > inner->v6.prefix_bits ||
	    memcmp(outer->v6.address, inner->v6.address, bytes) != 0)
		return false;
	if (bits % 8 == 0)
		return true;
	mask = (uint8_t)(0xff00u >> (bits % 8));
	return ((outer->v6.address[bytes] ^ inner->v6.address[bytes]) & mask) == 0;
}
