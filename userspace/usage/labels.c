// SPDX-License-Identifier: Apache-2.0
#include "userspace/usage/labels.h"

#include <stdio.h>
#include <string.h>

#define OTHER (SL_LABELS_MAX - 1)

size_t sl_labels_index(struct sl_labels *labels, const char *name)
{
	for (size_t i = 0; i < labels->count; i++)
		if (strncmp(labels->names[i], name, SL_LABELS_BYTES - 1) == 0)
			return i;
	if (labels->count == OTHER)
		return OTHER;
	(void)snprintf(labels->names[labels->count], SL_LABELS_BYTES, "%s", name);
	return labels->count++;
}

const char *sl_labels_name(const struct sl_labels *labels, size_t index)
{
	return index < labels->count ? labels->names[index] : "other";
}
