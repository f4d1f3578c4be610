/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ownership as syntax: a local tagged here is released when it leaves scope,
 * unless SL_TAKE_* moved it out. Every early return is then already correct.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Run @function with the address of the local when it leaves scope. */
#define sl_cleanup(function) __attribute__((cleanup(function)))

#define sl_autofree   sl_cleanup(sl_freep)
#define sl_autoclose  sl_cleanup(sl_closep)
#define sl_autofclose sl_cleanup(sl_fclosep)

/* Move a pointer out of a tagged local: its value, and the local becomes NULL. */
#define SL_TAKE_PTR(pointer)                                                                       \
	({                                                                                         \
		__typeof__(pointer) sl_taken_ = (pointer);                                         \
		(pointer) = NULL;                                                                  \
		sl_taken_;                                                                         \
	})

/* Move a descriptor out of a tagged local: its value, and the local becomes -1. */
#define SL_TAKE_FD(fd)                                                                             \
	({                                                                                         \
		int sl_taken_ = (fd);                                                              \
		(fd) = -1;                                                                         \
		sl_taken_;                                                                         \
	})

static inline void sl_freep(void *pointer)
{
	free(*(void **)pointer);
}

static inline void sl_closep(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static inline void sl_fclosep(FILE **file)
{
	if (*file)
		(void)fclose(*file);
}
