// SPDX-License-Identifier: Apache-2.0
/*
 * libyaml's events become nodes as they come, so that a limit is met at the
 * byte that breaks it and not after the whole document was built.
 */
#include "userspace/conf/tree.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "userspace/base/cleanup.h"

#define CHUNK_BYTES 65536u

struct chunk {
	struct chunk *next;
	size_t used;
	size_t size;
	max_align_t data[];
};

struct sl_tree {
	struct chunk *chunks;
	struct sl_yaml *root;
	uint32_t node_count;
};

/* A collection that is not closed yet. */
struct level {
	struct sl_yaml *node;
	struct sl_yaml *last;
	const char *key; /* of the value that comes next */
	uint32_t key_line;
	uint32_t key_column;
};

struct builder {
	struct sl_tree *tree;
	struct sl_tree_error *error;
	struct level levels[SL_TREE_DEPTH_MAX];
	int depth; /* levels in use */
	bool done; /* a document was read */
};

static void *take(struct sl_tree *tree, size_t size)
{
	size_t rounded = (size + sizeof(void *) - 1) & ~(sizeof(void *) - 1);
	struct chunk *chunk = tree->chunks;
	void *at;

	if (!chunk || chunk->size - chunk->used < rounded) {
		size_t room = rounded > CHUNK_BYTES ? rounded : CHUNK_BYTES;

		chunk = malloc(sizeof(*chunk) + room);
		if (!chunk)
			return NULL;
		*chunk = (struct chunk){ .next = tree->chunks, .size = room };
		tree->chunks = chunk;
	}
	at = (char *)chunk->data + chunk->used;
	chunk->used += rounded;
	return at;
}

static int refuse(struct builder *b, int code, const yaml_mark_t *mark, const char *message)
{
	b->error->line = (uint32_t)mark->line + 1;
	b->error->column = (uint32_t)mark->column + 1;
	(void)snprintf(b->error->message, sizeof(b->error->message), "%s", message);
	return code;
}

static const char *copy_scalar(struct builder *b, const yaml_event_t *event)
{
	size_t length = event->data.scalar.length;
	char *text = take(b->tree, length + 1);

	if (!text)
		return NULL;
	memcpy(text, event->data.scalar.value, length);
	text[length] = '\0';
	return text;
}

/* "!" on a quoted scalar and "?" on a plain one are libyaml's own; they arrive as NULL. */
static int check_properties(struct builder *b, const yaml_event_t *event, const yaml_char_t *anchor,
			    const yaml_char_t *tag)
{
	if (anchor)
		return refuse(
			b, -EINVAL, &event->start_mark,
			"anchors and aliases are refused; for tenants alike use \"defaults\"");
	if (tag)
		return refuse(b, -EINVAL, &event->start_mark,
			      "tags are refused; the key says what its value is");
	return 0;
}

/* A mapping that waits for a key takes this scalar as one. */
static bool wants_key(const struct builder *b)
{
	const struct level *top = b->depth ? &b->levels[b->depth - 1] : NULL;

	return top && top->node->kind == SL_YAML_MAPPING && !top->key;
}

static int add_key(struct builder *b, const yaml_event_t *event)
{
	struct level *top = &b->levels[b->depth - 1];

	top->key = copy_scalar(b, event);
	if (!top->key)
		return -ENOMEM;
	top->key_line = (uint32_t)event->start_mark.line + 1;
	top->key_column = (uint32_t)event->start_mark.column + 1;
	return 0;
}

static int add_node(struct sl_yaml **ret, struct builder *b, const yaml_event_t *event,
		    enum sl_yaml_kind kind)
{
	struct level *top = b->depth ? &b->levels[b->depth - 1] : NULL;
	struct sl_yaml *node;

	if (kind != SL_YAML_SCALAR && wants_key(b))
		return refuse(b, -EINVAL, &event->start_mark, "a key must be a single word");
	if (++b->tree->node_count > SL_TREE_NODES_MAX)
		return refuse(b, -EFBIG, &event->start_mark, "more than 2,000,000 values");
	node = take(b->tree, sizeof(*node));
	if (!node)
		return -ENOMEM;

	*node = (struct sl_yaml){
		.kind = kind,
		.line = (uint32_t)event->start_mark.line + 1,
		.column = (uint32_t)event->start_mark.column + 1,
	};
	if (top) {
		node->parent = top->node;
		node->key = top->key;
		node->key_line = top->key_line;
		node->key_column = top->key_column;
		*(top->last ? &top->last->next : &top->node->first) = node;
		top->last = node;
		top->node->count++;
		top->key = NULL;
		top->key_line = top->key_column = 0;
	} else {
		b->tree->root = node;
	}
	*ret = node;
	return 0;
}

static int add_scalar(struct builder *b, const yaml_event_t *event)
{
	struct sl_yaml *node;
	int err = check_properties(b, event, event->data.scalar.anchor, event->data.scalar.tag);

	if (err)
		return err;
	if (wants_key(b))
		return add_key(b, event);
	err = add_node(&node, b, event, SL_YAML_SCALAR);
	if (err)
		return err;
	node->text = copy_scalar(b, event);
	return node->text ? 0 : -ENOMEM;
}

static int open_collection(struct builder *b, const yaml_event_t *event, enum sl_yaml_kind kind)
{
	struct sl_yaml *node;
	int err;

	if (kind == SL_YAML_MAPPING)
		err = check_properties(b, event, event->data.mapping_start.anchor,
				       event->data.mapping_start.tag);
	else
		err = check_properties(b, event, event->data.sequence_start.anchor,
				       event->data.sequence_start.tag);
	if (err)
		return err;
	if (b->depth == SL_TREE_DEPTH_MAX)
		return refuse(b, -EINVAL, &event->start_mark, "nested too deep");
	err = add_node(&node, b, event, kind);
	if (err)
		return err;
	b->levels[b->depth++] = (struct level){ .node = node };
	return 0;
}

static int take_event(struct builder *b, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return add_scalar(b, event);
	case YAML_MAPPING_START_EVENT:
		return open_collection(b, event, SL_YAML_MAPPING);
	case YAML_SEQUENCE_START_EVENT:
		return open_collection(b, event, SL_YAML_LIST);
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		b->depth -= b->depth > 0;
		return 0;
	case YAML_ALIAS_EVENT:
		return check_properties(b, event, event->data.alias.anchor, NULL);
	case YAML_DOCUMENT_START_EVENT:
		if (b->done)
			return refuse(b, -EINVAL, &event->start_mark,
				      "a second document; one is allowed");
		b->done = true;
		return 0;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		return 0;
	}
	return -EINVAL;
}

/* Where the byte at @offset stands. */
static yaml_mark_t mark_of(const char *text, size_t offset)
{
	yaml_mark_t mark = { .index = offset };

	for (size_t i = 0; i < offset; i++) {
		mark.column++;
		if (text[i] == '\n') {
			mark.line++;
			mark.column = 0;
		}
	}
	return mark;
}

static int refuse_syntax(struct builder *b, const yaml_parser_t *parser, const char *text,
			 size_t length)
{
	char message[sizeof(b->error->message)];
	yaml_mark_t mark = parser->problem_mark;

	if (parser->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	if (parser->error == YAML_READER_ERROR)
		mark = mark_of(text,
			       parser->problem_offset < length ? parser->problem_offset : length);
	(void)snprintf(message, sizeof(message), "not YAML: %s%s%s",
		       parser->context ? parser->context : "", parser->context ? ", " : "",
		       parser->problem ? parser->problem : "no reason given");
	return refuse(b, -EINVAL, &mark, message);
}

static int build(struct builder *b, yaml_parser_t *parser, const char *text, size_t length)
{
	yaml_event_type_t type = YAML_NO_EVENT;
	yaml_event_t event;
	int err;

	/* Told the encoding, libyaml neither guesses UTF-16 nor skips a byte order mark. */
	yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING);
	if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		length -= 3;
	}
	yaml_parser_set_input_string(parser, (const unsigned char *)text, length);
	while (type != YAML_STREAM_END_EVENT) {
		if (!yaml_parser_parse(parser, &event))
			return refuse_syntax(b, parser, text, length);
		type = event.type;
		err = take_event(b, &event);
		yaml_event_delete(&event);
		if (err)
			return err;
	}
	if (!b->tree->root)
		return refuse(b, -EINVAL, &(yaml_mark_t){ 0 }, "nothing in it");
	return 0;
}

static void tree_freep(struct sl_tree **tree)
{
	sl_tree_free(*tree);
}

int sl_tree_parse(struct sl_tree **ret, const void *text, size_t length,
		  struct sl_tree_error *error)
{
	sl_cleanup(tree_freep) struct sl_tree *tree = calloc(1, sizeof(*tree));
	struct builder b = { .tree = tree, .error = error };
	sl_cleanup(yaml_parser_delete) yaml_parser_t parser = { 0 };
	const char *nul;
	yaml_mark_t mark;
	int err;

	if (!tree)
		return -ENOMEM;
	if (length > SL_TREE_BYTES_MAX)
		return refuse(&b, -EFBIG, &(yaml_mark_t){ 0 }, "more than 16 MiB");
	/* libyaml takes a NUL for the end and would not look at what follows. */
	nul = length ? memchr(text, '\0', length) : NULL;
	if (nul) {
		mark = mark_of(text, (size_t)(nul - (const char *)text));
		return refuse(&b, -EINVAL, &mark, "a NUL byte");
	}
	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	err = build(&b, &parser, text, length);
	if (err)
		return err;
	*ret = SL_TAKE_PTR(tree);
	return 0;
}

void sl_tree_free(struct sl_tree *tree)
{
	if (!tree)
		return;
	for (struct chunk *chunk = tree->chunks, *next; chunk; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	free(tree);
}

const struct sl_yaml *sl_tree_root(const struct sl_tree *tree)
{
	return tree->root;
}

const struct sl_yaml *sl_yaml_get(const struct sl_yaml *mapping, const char *key)
{
	if (!mapping || mapping->kind != SL_YAML_MAPPING)
		return NULL;
	for (const struct sl_yaml *child = mapping->first; child; child = child->next)
		if (strcmp(child->key, key) == 0)
			return child;
	return NULL;
}
