/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading a packet front to back without leaving it. A cursor hands out a
 * header only after proving to the verifier that all of it lies before `end`.
 * NULL means the packet is too short; there is no other failure.
 */
#pragma once

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

struct sl_cursor {
	void *pos;
	void *end;
	__u32 offset; /* of pos in the frame: survives what moves or copies the frame */
};

static __always_inline void *sl_cursor_take(struct sl_cursor *c, __u32 length_bytes)
{
	void *at = c->pos;

	if (at + length_bytes > c->end)
		return NULL;

	c->pos = at + length_bytes;
	c->offset += length_bytes;
	return at;
}

#define sl_cursor_take_as(c, type) ((type *)sl_cursor_take((c), sizeof(type)))
