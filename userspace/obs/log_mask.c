// SPDX-License-Identifier: Apache-2.0
#include "userspace/obs/log_private.h"

#include "userspace/domain/mask.h"

/* Not in the middle of a UTF-8 character. */
static size_t cut(struct sl_span text, size_t length)
{
	if (text.length <= length)
		return text.length;
	while (length && ((unsigned char)text.at[length] & 0xc0) == 0x80)
		length--;
	return length;
}

void sl_log_mask(const char *text, void (*put)(void *context, struct sl_span part), void *context)
{
	struct sl_span whole = { text, strnlen(text, SL_LOG_SCAN_BYTES) }, found;
	size_t done = 0, room = SL_LOG_TEXT_BYTES;

	for (;;) {
		bool more = sl_mask_find(&found, whole, done);
		size_t end = more ? (size_t)(found.at - whole.at) : whole.length;
		struct sl_span part = { whole.at + done, end - done };
		size_t length = cut(part, room);

		put(context, (struct sl_span){ part.at, length });
		room -= length;
		if (!more || length < part.length || room < sizeof(SL_MASKED))
			return;
		put(context, SL_SPAN(SL_MASKED));
		room -= sizeof(SL_MASKED);
		done = end + found.length;
	}
}
