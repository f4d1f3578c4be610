// SPDX-License-Identifier: Apache-2.0
/* Doubles in a list, found by sorting, so that no input makes it quadratic. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/conf/read.h"

struct entry {
	const struct sl_yaml *node;
	uint32_t order; /* in the file */
};

static int compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = strcmp(x->node->text, y->node->text);

	if (order)
		return order;
	return x->order < y->order ? -1 : x->order > y->order;
}

int sl_conf_check_unique(struct sl_conf_context *ctx, const struct sl_yaml *list,
			 const struct sl_conf_field *field)
{
	sl_autofree struct entry *entries = calloc(list->count + 1, sizeof(*entries));
	const struct entry *second = NULL;
	uint32_t count = 0;

	if (!entries)
		return -ENOMEM;
	for (const struct sl_yaml *item = list->first; item; item = item->next) {
		const struct sl_yaml *node =
			field->table ? sl_yaml_get(item, field->table->fields[0].key) : item;

		if (node) {
			entries[count] = (struct entry){ node, count };
			count++;
		}
	}
	qsort(entries, count, sizeof(*entries), compare);
	for (uint32_t i = 1; i < count; i++)
		if (strcmp(entries[i - 1].node->text, entries[i].node->text) == 0 &&
		    (!second || entries[i].order < second->order))
			second = &entries[i];
	return second ? sl_conf_fail(ctx, second->node, "the same %s is at line %u",
				     field->table ? field->table->fields[0].key : "value",
				     second[-1].node->line)
		      : 0;
}
