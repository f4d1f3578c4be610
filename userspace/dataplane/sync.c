// SPDX-License-Identifier: Apache-2.0
#include "userspace/dataplane/sync.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "userspace/base/cleanup.h"
#include "userspace/dataplane/batch.h"
#include "userspace/dataplane/sync_private.h"

#define ZERO_BATCH 256u

/*
 * The process that holds the lock of this folder; 0: the kernel does not tell. A line:
 * 1: FLOCK  ADVISORY  WRITE 4711 00:1a:5678 0 EOF
 */
static int lock_holder(int fd)
{
	sl_autofclose FILE *locks = fopen("/proc/locks", "re");
	char line[128], place[64];
	struct stat st;

	if (!locks || fstat(fd, &st))
		return 0;
	(void)snprintf(place, sizeof(place), " %02x:%02x:%llu ", major(st.st_dev), minor(st.st_dev),
		       (unsigned long long)st.st_ino);
	while (fgets(line, sizeof(line), locks)) {
		char *end = strstr(line, place);

		if (!end || !strstr(line, " FLOCK "))
			continue;
		*end = '\0';
		return (int)strtol(strrchr(line, ' '), NULL, 10);
	}
	return 0;
}

int sl_sync_lock(int *ret_fd, const char *pin_dir, struct sl_dp_error *error)
{
	sl_autoclose int fd = open(pin_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return sl_dp_fail(error, -errno, "cannot open %s: %s", pin_dir, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK)
			return sl_dp_fail(error, -errno, "cannot lock %s: %s", pin_dir,
					  strerror(errno));
		return sl_dp_fail(error, -EBUSY,
				  "%s is in use by another process (%d): is sluiced running?",
				  pin_dir, lock_holder(fd));
	}
	*ret_fd = SL_TAKE_FD(fd);
	return 0;
}

void sl_sync_settle(void)
{
	const struct timespec longer_than_any_program = { .tv_nsec = 10000000 };

	/* It is a synchronize_rcu(), and programs run inside of RCU readers. A kernel with
	 * nohz_full CPUs refuses it. */
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
		(void)nanosleep(&longer_than_any_program, NULL);
}

static int check_sizes(const struct sl_maps *maps, const struct sl_plan *plan,
		       struct sl_dp_error *error)
{
	const struct sl_maps_view *view = &maps->view;

	if (plan->tenants != view->tenants || plan->services4_lines != view->services4_lines ||
	    plan->services6_lines != view->services6_lines)
		return sl_dp_fail(
			error, -E2BIG,
			"the plan is for %u tenants and %u + %u lines of services, the maps "
			"are for %u and %u + %u",
			plan->tenants, plan->services4_lines, plan->services6_lines, view->tenants,
			view->services4_lines, view->services6_lines);
	if (!view->requests)
		return sl_dp_fail(error, -E2BIG, "the maps have no limits of requests");
	return 0;
}

/* ---- ids that change hands ---- */

static int zero_ids(const struct sl_maps *maps, enum sl_map_id id, const uint32_t *ids,
		    uint32_t count)
{
	sl_autofree void *zeros = calloc(ZERO_BATCH, sl_maps_value_bytes(id));
	int r = zeros ? 0 : -ENOMEM;

	for (uint32_t i = 0; !r && i < count; i += ZERO_BATCH)
		r = sl_batch_update(maps->fds[id], id, ids + i, zeros,
				    count - i < ZERO_BATCH ? count - i : ZERO_BATCH);
	return r;
}

static int start_changed_ids(struct sl_sync_job *job, uint32_t *ids, struct sl_dp_error *error)
{
	const struct sl_maps *maps = job->maps;
	uint32_t count = 0;
	int r;

	for (uint32_t id = 0; id < maps->view.tenants; id++) {
		if (maps->view.names[id].gen != job->plan->names[id].gen)
			ids[count++] = id;
	}
	r = zero_ids(maps, SL_MAP_COUNTERS, ids, count);
	if (!r)
		r = zero_ids(maps, SL_MAP_SHADOW, ids, count);
	if (r)
		return sl_dp_fail(error, r, "cannot reset the counters: %s", strerror(-r));
	job->result.ids_changed = count;
	return 0;
}

/*
 * As late as can be: until the flip sockets of the former owner still count here. What
 * of them closed in between has taken the count below 0, see mend_conns().
 */
static void reset_conns(const struct sl_sync_job *job, const uint32_t *ids)
{
	for (uint32_t i = 0; i < job->result.ids_changed; i++) {
		struct sl_conns *conns = &job->maps->view.conns[ids[i]];

		__atomic_store_n(&conns->open, 0, __ATOMIC_RELAXED);
		__atomic_store_n(&conns->opened_total, 0, __ATOMIC_RELAXED);
	}
}

static void mend_conns(const struct sl_sync_job *job, const uint32_t *ids)
{
	for (uint32_t i = 0; i < job->result.ids_changed; i++) {
		__u64 *open = &job->maps->view.conns[ids[i]].open;
		__u64 seen = __atomic_load_n(open, __ATOMIC_RELAXED);

		while ((__s64)seen < 0 &&
		       !__atomic_compare_exchange_n(open, &seen, 0, false, __ATOMIC_RELAXED,
						    __ATOMIC_RELAXED))
			;
	}
}

/* ---- the dead half, and the flip ---- */

static void write_names(const struct sl_maps *maps, const struct sl_plan *plan)
{
	for (uint32_t id = 0; id < maps->view.tenants; id++) {
		if (memcmp(&maps->view.names[id], &plan->names[id], sizeof(plan->names[id])) != 0)
			maps->view.names[id] = plan->names[id];
	}
}

static void write_half(const struct sl_sync_job *job)
{
	const struct sl_maps_view *view = &job->maps->view;
	const struct sl_plan *plan = job->plan;
	size_t half = !job->live;

	memcpy(view->limits + half * view->tenants, plan->limits,
	       view->tenants * sizeof(*view->limits));
	memcpy(view->requests + half * view->tenants, plan->requests,
	       view->tenants * sizeof(*view->requests));
	memcpy(view->services4 + half * view->services4_lines, plan->services4,
	       view->services4_lines * sizeof(*view->services4));
	memcpy(view->services6 + half * view->services6_lines, plan->services6,
	       view->services6_lines * sizeof(*view->services6));
	view->ctl->half[half] = plan->half;
}

/* Words that have no halves; each is valid beside the old and the new half. */
static void write_ctl(struct sl_ctl *ctl, const struct sl_plan_ctl *plan)
{
	__atomic_store_n(&ctl->event_mask, plan->event_mask, __ATOMIC_RELAXED);
	__atomic_store_n(&ctl->event_burst_cu, plan->event_burst_cu, __ATOMIC_RELAXED);
	__atomic_store_n(&ctl->event_cost_cu, plan->event_cost_cu, __ATOMIC_RELAXED);
	__atomic_store_n(&ctl->reset_burst_cu, plan->reset_burst_cu, __ATOMIC_RELAXED);
	__atomic_store_n(&ctl->reset_cost_cu, plan->reset_cost_cu, __ATOMIC_RELAXED);
	__atomic_store_n(&ctl->mode, plan->mode, __ATOMIC_RELAXED);
}

static void flip(struct sl_sync_job *job)
{
	struct sl_ctl *ctl = job->maps->view.ctl;

	job->result.epoch = ctl->epoch + 1;
	job->maps->settled = false;
	__atomic_store_n(&ctl->config_generation, ctl->config_generation + 1, __ATOMIC_RELAXED);
	__atomic_store_n(&ctl->epoch, job->result.epoch, __ATOMIC_RELEASE);
}

static void settle(struct sl_maps *maps)
{
	if (!maps->settled)
		sl_sync_settle();
	maps->settled = true;
}

static int apply(struct sl_sync_job *job, uint32_t *ids, const char *cgroup_dir,
		 struct sl_dp_error *error)
{
	int r, later;

	settle(job->maps); /* I1 */
	job->live = job->maps->view.ctl->epoch & 1;
	r = start_changed_ids(job, ids, error);
	if (r)
		return r;
	write_half(job);
	r = sl_sync_sources_write(job, error);
	if (!r)
		r = sl_sync_bindings_write(job, cgroup_dir, error);
	if (r)
		return r;
	write_names(job->maps, job->plan);
	write_ctl(job->maps->view.ctl, &job->plan->ctl);
	reset_conns(job, ids);
	flip(job);

	settle(job->maps);
	mend_conns(job, ids);
	r = sl_sync_sources_finish(job, error);
	later = sl_sync_bindings_finish(job, r ? NULL : error);
	return r ? r : later;
}

static void release_job(struct sl_sync_job *job)
{
	for (int family = 0; family < 2; family++) {
		free(job->sources[family].at);
		free(job->blocks[family].keys);
	}
	free(job->cgroups.keys);
	free(job->marks.keys);
}

int sl_sync_apply(struct sl_sync_result *ret, struct sl_maps *maps, const struct sl_plan *plan,
		  const char *cgroup_dir, struct sl_dp_error *error)
{
	sl_cleanup(release_job) struct sl_sync_job job = { .maps = maps, .plan = plan };
	sl_autofree uint32_t *ids = calloc(maps->view.tenants, sizeof(*ids));
	int r = check_sizes(maps, plan, error);

	if (r)
		return r;
	if (!ids)
		return sl_dp_fail(error, -ENOMEM, "out of memory");
	r = apply(&job, ids, cgroup_dir, error);
	if (!r && ret)
		*ret = job.result;
	return r;
}
