// SPDX-License-Identifier: Apache-2.0
#include "userspace/cli/terminal.h"

#include <string.h>

static const struct {
	const char *tail; /* after ESC [ or ESC O */
	enum sl_key key;
} sequences[] = {
	{ "A", SL_KEY_UP },	  { "B", SL_KEY_DOWN },	      { "C", SL_KEY_RIGHT },
	{ "D", SL_KEY_LEFT },	  { "H", SL_KEY_HOME },	      { "F", SL_KEY_END },
	{ "1~", SL_KEY_HOME },	  { "4~", SL_KEY_END },	      { "7~", SL_KEY_HOME },
	{ "5~", SL_KEY_PAGE_UP }, { "6~", SL_KEY_PAGE_DOWN }, { "8~", SL_KEY_END },
};

/* A control sequence: parameters (0x20..0x3f), then one final byte. */
static size_t sequence_length(const char *bytes, size_t length)
{
	size_t at = 2;

	while (at < length && bytes[at] >= 0x20 && bytes[at] < 0x40)
		at++;
	return at < length ? at + 1 : length;
}

enum sl_key sl_key_decode(const char *bytes, size_t length, size_t *ret_used, char *ret_char)
{
	size_t used;

	*ret_used = 1;
	if (bytes[0] != '\033') {
		*ret_char = bytes[0];
		return SL_KEY_CHAR;
	}
	if (length < 2 || (bytes[1] != '[' && bytes[1] != 'O'))
		return SL_KEY_NONE;
	used = sequence_length(bytes, length);
	*ret_used = used;
	for (size_t i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++)
		if (strlen(sequences[i].tail) == used - 2 &&
		    memcmp(sequences[i].tail, bytes + 2, used - 2) == 0)
			return sequences[i].key;
	return SL_KEY_NONE;
}
