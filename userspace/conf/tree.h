/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A YAML document as a tree of nodes that know their line. The one place that
 * knows libyaml.
 *
 * Bounded whatever the input: depth, nodes and bytes have limits, and what
 * could multiply the input or hide in it is refused: anchors, aliases, tags,
 * a second document, NUL, text that is not UTF-8.
 *
 * Owner:  the tree owns its nodes and texts; sl_tree_free() frees all.
 * Thread: immutable once built.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SL_TREE_BYTES_MAX (16u << 20)
#define SL_TREE_NODES_MAX 2000000u
#define SL_TREE_DEPTH_MAX 16

enum sl_yaml_kind {
	SL_YAML_SCALAR,
	SL_YAML_MAPPING,
	SL_YAML_LIST,
};

struct sl_yaml {
	enum sl_yaml_kind kind;
	uint32_t line; /* of its first character, from 1; as is the column */
	uint32_t column;
	uint32_t key_line; /* of its key; 0 in a list and at the root */
	uint32_t key_column;
	uint32_t count;	  /* of children */
	const char *key;  /* NULL in a list and at the root */
	const char *text; /* of a scalar; "" when nothing was written */
	const struct sl_yaml *parent;
	struct sl_yaml *first; /* child */
	struct sl_yaml *next;  /* sibling */
};

struct sl_tree;

struct sl_tree_error {
	uint32_t line;
	uint32_t column;
	char message[256];
};

/*
 * On 0 the caller owns *@ret. -EINVAL: not such a document; @error says where
 * and why. -EFBIG: too many bytes or nodes, also in @error. -ENOMEM.
 */
int sl_tree_parse(struct sl_tree **ret, const void *text, size_t length,
		  struct sl_tree_error *error);

/* NULL is fine. */
void sl_tree_free(struct sl_tree *tree);

const struct sl_yaml *sl_tree_root(const struct sl_tree *tree);

/* The child called @key; NULL when there is none, or no mapping (@mapping may be NULL). */
const struct sl_yaml *sl_yaml_get(const struct sl_yaml *mapping, const char *key);
