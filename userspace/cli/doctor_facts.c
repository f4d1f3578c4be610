// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <linux/magic.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "userspace/base/cleanup.h"
#include "userspace/cli/agent_call.h"
#include "userspace/cli/doctor.h"
#include "userspace/dataplane/maps.h"

static void look_at_kernel(struct sl_doctor_facts *facts)
{
	struct utsname name;
	sl_autofclose FILE *jit = fopen("/proc/sys/net/core/bpf_jit_enable", "re");

	if (uname(&name) == 0)
		(void)snprintf(facts->release, sizeof(facts->release), "%.79s", name.release);
	facts->has_btf = access("/sys/kernel/btf/vmlinux", R_OK) == 0;
	facts->jit = jit ? fgetc(jit) - '0' : -1;
	if (facts->jit < 0 || facts->jit > 2)
		facts->jit = -1;
	/* No such command: told apart from "not allowed", and harmless. */
	facts->bpf_errno = syscall(SYS_bpf, 0x7fff, NULL, 0) < 0 ? errno : 0;
}

static bool has_capability(cap_t caps, cap_value_t value)
{
	cap_flag_value_t is = CAP_CLEAR;

	return cap_get_flag(caps, value, CAP_EFFECTIVE, &is) == 0 && is == CAP_SET;
}

static void look_at_rights(struct sl_doctor_facts *facts)
{
	cap_t caps = cap_get_proc();

	if (!caps)
		return;
	facts->cap_bpf = has_capability(caps, CAP_BPF) || has_capability(caps, CAP_SYS_ADMIN);
	facts->cap_net_admin = has_capability(caps, CAP_NET_ADMIN);
	facts->cap_perfmon =
		has_capability(caps, CAP_PERFMON) || has_capability(caps, CAP_SYS_ADMIN);
	(void)cap_free(caps);
}

/* The nearest folder above that exists: there the pin folder would be made. */
static void look_at_bpffs(struct sl_doctor_facts *facts, const char *pin_dir)
{
	struct statfs fs;
	char *slash;

	(void)snprintf(facts->bpffs, sizeof(facts->bpffs), "%s", pin_dir);
	while (statfs(facts->bpffs, &fs)) {
		slash = strrchr(facts->bpffs, '/');
		if (!slash || slash == facts->bpffs)
			return;
		*slash = '\0';
	}
	facts->has_bpffs = fs.f_type == BPF_FS_MAGIC;
}

/* A line of mountinfo: ... ROOT MOUNT OPTIONS ... - TYPE SOURCE OPTIONS */
static void look_at_cgroup2(struct sl_doctor_facts *facts)
{
	sl_autofclose FILE *file = fopen("/proc/self/mountinfo", "re");
	sl_autofree char *line = NULL;
	size_t room = 0;

	while (file && getline(&line, &room, file) > 0) {
		char mount[256];

		if (strstr(line, " - cgroup2 ") &&
		    sscanf(line, "%*s %*s %*s %*s %255s", mount) == 1) {
			(void)snprintf(facts->cgroup2, sizeof(facts->cgroup2), "%s", mount);
			return;
		}
	}
}

static void look_at_installation(struct sl_doctor_facts *facts, const struct sl_cli *cli)
{
	sl_cleanup(sl_maps_closep) struct sl_maps *maps = NULL;
	struct sl_dp_error error = { "" };
	int err = sl_maps_open(&maps, cli->pin_dir, SL_MAPS_READ, &error);

	facts->has_maps = !err;
	if (err == -EPROTO)
		(void)snprintf(facts->maps_error, sizeof(facts->maps_error), "%.255s",
			       error.message);
	facts->has_agent = sl_agent_is_there(cli);
}

static void look_at_nics(struct sl_doctor_facts *facts)
{
	struct if_nameindex *all = if_nameindex();

	for (struct if_nameindex *one = all; one && one->if_name; one++) {
		struct sl_nic nic;

		if (facts->nic_count == SL_DOCTOR_NICS_MAX)
			break;
		if (strcmp(one->if_name, "lo") == 0 || sl_nic_read(&nic, one->if_name, NULL) ||
		    !nic.up)
			continue;
		facts->nics[facts->nic_count++] = nic;
	}
	if (all)
		if_freenameindex(all);
}

int sl_doctor_look(struct sl_doctor_facts *ret, const struct sl_cli *cli, const char *interface)
{
	struct sl_dp_error error = { "" };

	*ret = (struct sl_doctor_facts){ .jit = -1 };
	look_at_kernel(ret);
	look_at_rights(ret);
	look_at_bpffs(ret, cli->pin_dir);
	look_at_cgroup2(ret);
	look_at_installation(ret, cli);
	if (!interface) {
		look_at_nics(ret);
		return 0;
	}
	if (sl_nic_read(&ret->nics[0], interface, &error))
		return sl_cli_fail(cli, SL_EXIT_FAILED, "%s", error.message);
	ret->nic_count = 1;
	return 0;
}
