/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where our objects are pinned. With PIN_DIR from the configuration (default
 * /sys/fs/bpf/sluice) and the ABI's version:
 *
 *   PIN_DIR/v1/MAP                        each map of bpf/maps.h
 *   PIN_DIR/v1/progs/PROGRAM              each program
 *   PIN_DIR/v1/links/sock_ops             link
 *   PIN_DIR/v1/links/xdp_IFINDEX          link; likewise tc_ingress_, tc_egress_
 *   PIN_DIR/v1/links/dispatcher_IFINDEX   program: it runs in libxdp's dispatcher there
 *   PIN_DIR/v1/links/clsact_ingress_IFINDEX, clsact_egress_IFINDEX
 *                                         program: a tc filter of ours is there
 *   PIN_DIR/v1_new                        a migration that is under way
 *
 * bpffs refuses dots in names, so interfaces appear by index: their names may
 * have dots. Dispatcher and clsact attachments have no link to pin; the program
 * pinned in its place is our note that they exist.
 *
 * Thread: pure functions, but for those that touch the file system.
 */
#pragma once

#include "userspace/dataplane/error.h"

#define SL_PIN_PATH_BYTES 320

struct sl_pin_path {
	char text[SL_PIN_PATH_BYTES];
};

enum sl_pin_hook {
	SL_PIN_XDP,
	SL_PIN_TC_INGRESS,
	SL_PIN_TC_EGRESS,
	SL_PIN_DISPATCHER,
	SL_PIN_CLSACT_INGRESS,
	SL_PIN_CLSACT_EGRESS,
	SL_PIN_HOOKS,
	SL_PIN_SOCK_OPS = SL_PIN_HOOKS, /* one for the node: no interface */
};

/* PIN_DIR/v1 and below. Each returns @ret->text. A path that is too long is cut. */
const char *sl_pin_root(struct sl_pin_path *ret, const char *pin_dir);
const char *sl_pin_map(struct sl_pin_path *ret, const char *pin_dir, const char *name);
const char *sl_pin_prog(struct sl_pin_path *ret, const char *pin_dir, const char *name);
const char *sl_pin_link(struct sl_pin_path *ret, const char *pin_dir, enum sl_pin_hook hook,
			int ifindex);

/* @folder/@name */
const char *sl_pin_child(struct sl_pin_path *ret, const char *folder, const char *name);

/* The way back: hook and interface of a file name in links/. -EINVAL: not one of ours. */
int sl_pin_parse_link(enum sl_pin_hook *ret_hook, int *ret_ifindex, const char *name);

/* "xdp", "tc_ingress", ... */
const char *sl_pin_hook_name(enum sl_pin_hook hook);

/* mkdir -p with mode 0700. -ENOTSUP: @path is not on a bpf file system. */
int sl_pin_make_dir(const char *path, struct sl_dp_error *error);

/*
 * Pins @fd at @path, replacing in one step what is there: a reader finds the old
 * or the new object, never none.
 */
int sl_pin_replace(int fd, const char *path, struct sl_dp_error *error);

/* Removes a folder with all that is pinned in it; 0 also when it does not exist. */
int sl_pin_remove_tree(const char *path, struct sl_dp_error *error);
