/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preflight: what this machine is (facts, doctor_facts.c) and what that means for
 * sluiced (findings, doctor.c, pure). No agent is needed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "userspace/cli/cli.h"
#include "userspace/dataplane/nic.h"

#define SL_DOCTOR_NICS_MAX 64

struct sl_doctor_facts {
	char release[80]; /* of the kernel: "6.1.0-13-amd64" */
	bool has_btf;
	bool has_bpffs;	 /* at pin_dir or where it would be made */
	char bpffs[256]; /* the folder that was looked at */
	bool cap_bpf;
	bool cap_net_admin;
	bool cap_perfmon;
	int bpf_errno;	      /* of bpf(2) with a command that does not exist: EINVAL is good */
	int jit;	      /* net.core.bpf_jit_enable; -1: not said */
	char cgroup2[256];    /* the mount; "": none */
	bool has_maps;	      /* of this ABI, pinned */
	char maps_error[256]; /* pinned but not usable */
	bool has_agent;
	struct sl_nic nics[SL_DOCTOR_NICS_MAX];
	size_t nic_count;
};

enum sl_finding_level {
	SL_FINDING_OK,
	SL_FINDING_WARN,
	SL_FINDING_FAIL,
};

struct sl_finding {
	enum sl_finding_level level;
	char check[32];
	char found[256];
	char advice[256]; /* "" when there is nothing to do */
};

#define SL_FINDINGS_MAX (16 + SL_DOCTOR_NICS_MAX * 4)

/* Looks at the machine; @interface NULL: every one that is up, but lo. 0 or an exit code. */
int sl_doctor_look(struct sl_doctor_facts *ret, const struct sl_cli *cli, const char *interface);

/* Judges. Returns the number of findings in @ret, of SL_FINDINGS_MAX. */
size_t sl_doctor_judge(struct sl_finding *ret, const struct sl_doctor_facts *facts);

/* Whether the driver is known to run XDP natively. */
bool sl_doctor_has_native_xdp(const char *driver);
