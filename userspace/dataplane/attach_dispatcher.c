// SPDX-License-Identifier: Apache-2.0
/*
 * Beside another XDP program, by libxdp's dispatcher: a generated program that calls
 * each in turn as long as they pass. libxdp loads our object once more as an
 * extension of the dispatcher, around the same maps, and swaps dispatchers in one
 * step. Extensions and looking up programs by id need CAP_SYS_ADMIN and CAP_PERFMON.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xdp/libxdp.h>

#include "userspace/base/cleanup.h"
#include "userspace/dataplane/attach_private.h"
#include "userspace/dataplane/libbpf_log.h"
#include "userspace/dataplane/loader_private.h"

#define PROGRAM	     "sl_xdp_ingress"
#define RUN_PRIORITY 10u /* others default to 50: what we refuse costs them nothing */
#define MAPS_MAX     64u

static void multiprog_closep(struct xdp_multiprog **mp)
{
	if (*mp)
		xdp_multiprog__close(*mp);
}

static void program_closep(struct xdp_program **program)
{
	if (*program)
		xdp_program__close(*program);
}

static int open_dispatcher(struct xdp_multiprog **ret, int ifindex)
{
	struct xdp_multiprog *mp;
	long r;

	sl_libbpf_log_begin();
	mp = xdp_multiprog__get_from_ifindex(ifindex);
	r = libxdp_get_error(mp);
	if (r)
		return (int)r;
	*ret = mp;
	return 0;
}

static int refuse_legacy(struct sl_dp_error *error, const char *ifname,
			 const struct xdp_multiprog *mp)
{
	const struct xdp_program *other = xdp_multiprog__main_prog(mp);
	const char *name = other ? xdp_program__name(other) : "?";
	uint32_t id = other ? xdp_program__id(other) : 0;

	/* Hardened kernels have none; libxdp then attaches a first program alone. */
	if (libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_EXT, NULL) != 1)
		return sl_dp_fail(
			error, -EBUSY,
			"%s: the XDP program %s (id %u) is there, and this kernel refuses "
			"extension programs, of which libxdp's dispatcher is made: two XDP "
			"programs cannot share an interface. Remove it (ip link set %s xdp "
			"off), or say attach: tc-only",
			ifname, name, id, ifname);
	return sl_dp_fail(error, -EBUSY,
			  "%s: the XDP program %s (id %u) is there, attached without libxdp's "
			  "dispatcher, so it cannot share the interface: load it by xdp-loader, "
			  "remove it (ip link set %s xdp off), or say attach: tc-only",
			  ifname, name, id, ifname);
}

/* Ours among the dispatcher's programs, after @program; NULL when there is no more. */
static struct xdp_program *next_of_ours(const struct xdp_program *program,
					const struct xdp_multiprog *mp)
{
	struct xdp_program *next = xdp_multiprog__next_prog(program, mp);

	while (next && strcmp(xdp_program__name(next), PROGRAM) != 0)
		next = xdp_multiprog__next_prog(next, mp);
	return next;
}

/* ---- is the program there the one we would put there? ---- */

static bool has_same_bytes(int map_fd, size_t bytes, const struct bpf_map *map)
{
	size_t our_bytes = 0;
	const void *ours = bpf_map__initial_value((struct bpf_map *)(uintptr_t)map, &our_bytes);
	sl_autofree void *theirs = calloc(1, bytes ? bytes : 1);
	const uint32_t zero = 0;

	return theirs && ours && bytes == our_bytes &&
	       !bpf_map_lookup_elem(map_fd, &zero, theirs) && !memcmp(ours, theirs, bytes);
}

/* One of our pinned maps, or read-only data equal to ours. */
static bool is_our_map(const struct sl_dataplane *dataplane, uint32_t id)
{
	sl_autoclose int fd = bpf_map_get_fd_by_id(id);
	struct bpf_map_info info = { 0 }, ours = { 0 };
	__u32 size = sizeof(info);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size))
		return false;
	for (enum sl_map_id map = 0; map < SL_MAP_COUNT; map++) {
		size = sizeof(ours);
		if (!bpf_obj_get_info_by_fd(dataplane->maps->fds[map], &ours, &size) &&
		    ours.id == id)
			return true;
	}
	return has_same_bytes(fd, info.value_size, dataplane->skel->maps.rodata);
}

static bool is_current(const struct sl_dataplane *dataplane, const struct xdp_program *program)
{
	struct bpf_prog_info ours = { 0 }, theirs = { 0 };
	uint32_t maps[MAPS_MAX];
	__u32 size = sizeof(ours);

	if (bpf_obj_get_info_by_fd(sl_dataplane_prog_fd(dataplane, PROGRAM), &ours, &size))
		return false;
	size = sizeof(theirs);
	theirs.nr_map_ids = MAPS_MAX;
	theirs.map_ids = (uintptr_t)maps;
	if (bpf_obj_get_info_by_fd(xdp_program__fd(program), &theirs, &size) ||
	    theirs.nr_map_ids > MAPS_MAX || memcmp(ours.tag, theirs.tag, sizeof(ours.tag)) != 0)
		return false;
	for (uint32_t i = 0; i < theirs.nr_map_ids; i++) {
		if (!is_our_map(dataplane, maps[i]))
			return false;
	}
	return true;
}

/* ---- joining ---- */

static int join(struct xdp_program *program, int ifindex, enum xdp_attach_mode mode,
		const char *ifname, struct sl_dp_error *error)
{
	int r = xdp_program__set_run_prio(program, RUN_PRIORITY);

	if (!r)
		r = xdp_program__attach(program, ifindex, mode, 0);
	if (r == -EPERM || r == -EACCES)
		return sl_libbpf_fail(error, r,
				      "%s: joining another XDP program's dispatcher needs "
				      "CAP_SYS_ADMIN and CAP_PERFMON",
				      ifname);
	if (r)
		return sl_libbpf_fail(error, r, "%s: cannot join the XDP dispatcher: %s", ifname,
				      strerror(-r));
	return 0;
}

/* A pinned program says that we are in the dispatcher of that interface. */
static int leave_note(const char *pin_dir, int ifindex, int prog_fd, struct sl_dp_error *error)
{
	struct sl_pin_path root, folder, note;
	int r = sl_pin_make_dir(sl_pin_child(&folder, sl_pin_root(&root, pin_dir), "links"), error);

	return r ? r
		 : sl_pin_replace(prog_fd, sl_pin_link(&note, pin_dir, SL_PIN_DISPATCHER, ifindex),
				  error);
}

static int open_object(struct sluice_bpf **ret, const struct sl_dataplane *dataplane,
		       struct sl_dp_error *error)
{
	struct bpf_program *program;
	int r = sl_loader_open(ret, &dataplane->sizes, &dataplane->clock, dataplane->maps, error);

	if (r)
		return r;
	bpf_object__for_each_program (program, (*ret)->obj) {
		(void)bpf_program__set_autoload(program,
						!strcmp(bpf_program__name(program), PROGRAM));
	}
	return 0;
}

static int add(struct sl_attachment *ret, struct sl_dataplane *dataplane, const char *ifname,
	       int ifindex, enum xdp_attach_mode mode, struct sl_dp_error *error)
{
	struct xdp_program_opts options = { .sz = sizeof(options), .prog_name = PROGRAM };
	sl_cleanup(sl_skeletonp) struct sluice_bpf *skel = NULL;
	sl_cleanup(program_closep) struct xdp_program *program = NULL;
	long r = open_object(&skel, dataplane, error);

	if (r)
		return (int)r;
	options.obj = skel->obj;
	program = xdp_program__create(&options);
	r = libxdp_get_error(program);
	if (r) {
		program = NULL;
		return sl_libbpf_fail(error, (int)r, "%s: libxdp does not take the program: %s",
				      ifname, strerror((int)-r));
	}
	r = leave_note(dataplane->pin_dir, ifindex, sl_dataplane_prog_fd(dataplane, PROGRAM),
		       error);
	if (!r)
		r = join(program, ifindex, mode, ifname, error);
	if (r)
		return (int)r;
	*ret = (struct sl_attachment){ .how = SL_ATTACHED_DISPATCHER,
				       .prog_id = xdp_program__id(program) };
	return leave_note(dataplane->pin_dir, ifindex, xdp_program__fd(program), error);
}

/* Programs of ours from before. The new one is in already: none passes unjudged. */
static int remove_old(struct xdp_multiprog *old, int ifindex, const char *ifname,
		      struct sl_dp_error *error)
{
	enum xdp_attach_mode mode = xdp_multiprog__attach_mode(old);
	struct xdp_program *program = next_of_ours(NULL, old);

	while (program) {
		int r = xdp_program__detach(program, ifindex, mode, 0);

		if (r)
			return sl_libbpf_fail(error, r,
					      "%s: cannot take the old program out of the XDP "
					      "dispatcher: %s",
					      ifname, strerror(-r));
		program = next_of_ours(program, old);
	}
	return 0;
}

int sl_dispatcher_attach(struct sl_attachment *ret, struct sl_dataplane *dataplane,
			 const char *ifname, int ifindex, bool generic, struct sl_dp_error *error)
{
	sl_cleanup(multiprog_closep) struct xdp_multiprog *mp = NULL;
	const struct xdp_program *ours;
	enum xdp_attach_mode mode;
	int r = open_dispatcher(&mp, ifindex);

	if (r)
		return sl_libbpf_fail(
			error, r,
			"%s: an XDP program is there and cannot be looked at (this needs "
			"CAP_SYS_ADMIN, which sluiced gives up after its start): %s. To join a "
			"dispatcher start sluiced anew; else remove the program (ip link set %s "
			"xdp off), or say attach: tc-only",
			ifname, strerror(-r), ifname);
	if (xdp_multiprog__is_legacy(mp))
		return refuse_legacy(error, ifname, mp);
	mode = xdp_multiprog__attach_mode(mp);
	if (mode == XDP_MODE_SKB && !generic)
		return sl_dp_fail(
			error, -EBUSY,
			"%s: the XDP dispatcher there runs in generic mode, which costs as "
			"much as nftables; say attach: generic to join it, or tc-only",
			ifname);
	ours = next_of_ours(NULL, mp);
	if (ours && is_current(dataplane, ours)) {
		*ret = (struct sl_attachment){ .how = SL_ATTACHED_DISPATCHER,
					       .prog_id = xdp_program__id(ours) };
		return leave_note(dataplane->pin_dir, ifindex, xdp_program__fd(ours), error);
	}
	r = add(ret, dataplane, ifname, ifindex, mode, error);
	return r ? r : remove_old(mp, ifindex, ifname, error);
}

int sl_dispatcher_detach(const char *pin_dir, int ifindex, struct sl_dp_error *error)
{
	sl_cleanup(multiprog_closep) struct xdp_multiprog *mp = NULL;
	struct sl_pin_path note;
	char where[32];
	int r;

	if (access(sl_pin_link(&note, pin_dir, SL_PIN_DISPATCHER, ifindex), F_OK))
		return 0;
	(void)snprintf(where, sizeof(where), "interface %d", ifindex);
	/* No dispatcher any more, or no interface: then there is nothing to take out. */
	r = open_dispatcher(&mp, ifindex);
	if (r == -EPERM)
		return sl_dp_fail(error, r, "%s: leaving an XDP dispatcher needs CAP_SYS_ADMIN",
				  where);
	if (!r && !xdp_multiprog__is_legacy(mp))
		r = remove_old(mp, ifindex, where, error);
	else
		r = 0;
	if (!r && unlink(note.text))
		r = sl_dp_fail(error, -errno, "cannot unpin %s: %s", note.text, strerror(errno));
	return r;
}
