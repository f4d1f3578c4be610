// SPDX-License-Identifier: Apache-2.0
#include "userspace/cli/doctor.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VERSION(major, minor) ((major)*1000u + (minor))
#define KERNEL_MIN	      VERSION(5, 18) /* xdp.frags */
#define KERNEL_TCX	      VERSION(6, 6)
#define MTU_ONE_PAGE	      3498u /* what fits a page beside XDP's headroom on most drivers */

struct findings {
	struct sl_finding *at;
	size_t count;
};

static struct sl_finding *add(struct findings *findings, enum sl_finding_level level,
			      const char *check, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static struct sl_finding *add(struct findings *findings, enum sl_finding_level level,
			      const char *check, const char *format, ...)
{
	struct sl_finding *finding = &findings->at[findings->count++];
	va_list args;

	*finding = (struct sl_finding){ .level = level };
	(void)snprintf(finding->check, sizeof(finding->check), "%s", check);
	va_start(args, format);
	(void)vsnprintf(finding->found, sizeof(finding->found), format, args);
	va_end(args);
	return finding;
}

static void advise(struct sl_finding *finding, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void advise(struct sl_finding *finding, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(finding->advice, sizeof(finding->advice), format, args);
	va_end(args);
}

/* "6.18.1-2-amd64" is VERSION(6, 18); what does not begin so is 0. */
static unsigned version_of(const char *release)
{
	unsigned long major, minor;
	char *end;

	major = strtoul(release, &end, 10);
	if (end == release || *end != '.' || major > 999)
		return 0;
	minor = strtoul(end + 1, NULL, 10);
	return VERSION((unsigned)major, minor > 999 ? 999 : (unsigned)minor);
}

static void judge_kernel(struct findings *findings, const struct sl_doctor_facts *facts)
{
	unsigned version = version_of(facts->release);

	if (version < KERNEL_MIN)
		advise(add(findings, SL_FINDING_FAIL, "kernel", "%s", facts->release),
		       "5.18 or later is needed, for XDP on large packets");
	else
		(void)add(findings, SL_FINDING_OK, "kernel", "%s", facts->release);
	if (version < KERNEL_TCX)
		advise(add(findings, SL_FINDING_WARN, "tcx", "not in this kernel"),
		       "tc programs are attached by clsact; TCX comes with 6.6");
	else
		(void)add(findings, SL_FINDING_OK, "tcx", "in this kernel");
	if (facts->has_btf)
		(void)add(findings, SL_FINDING_OK, "btf", "/sys/kernel/btf/vmlinux");
	else
		advise(add(findings, SL_FINDING_FAIL, "btf", "no /sys/kernel/btf/vmlinux"),
		       "a kernel with CONFIG_DEBUG_INFO_BTF is needed");
}

static void judge_bpf(struct findings *findings, const struct sl_doctor_facts *facts)
{
	if (facts->bpf_errno == EINVAL)
		(void)add(findings, SL_FINDING_OK, "bpf(2)", "may be called");
	else if (facts->bpf_errno == ENOSYS)
		advise(add(findings, SL_FINDING_FAIL, "bpf(2)", "not in this kernel"),
		       "a kernel with CONFIG_BPF_SYSCALL is needed");
	else
		advise(add(findings, SL_FINDING_FAIL, "bpf(2)", "refused: %s",
			   strerror(facts->bpf_errno)),
		       facts->cap_bpf ? "a seccomp filter blocks it: the container's profile "
					"must allow bpf"
				      : "run as root, or with CAP_BPF");
	if (facts->jit == 0)
		advise(add(findings, SL_FINDING_WARN, "jit", "off"),
		       "sysctl net.core.bpf_jit_enable=1: interpreted programs are many times "
		       "slower");
	else
		(void)add(findings, SL_FINDING_OK, "jit",
			  facts->jit < 0 ? "not said; on in most kernels" : "on");
}

static void judge_rights(struct findings *findings, const struct sl_doctor_facts *facts)
{
	if (facts->cap_bpf && facts->cap_net_admin && facts->cap_perfmon) {
		(void)add(findings, SL_FINDING_OK, "capabilities",
			  "CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON");
		return;
	}
	advise(add(findings, SL_FINDING_FAIL, "capabilities", "missing:%s%s%s",
		   facts->cap_bpf ? "" : " CAP_BPF", facts->cap_net_admin ? "" : " CAP_NET_ADMIN",
		   facts->cap_perfmon ? "" : " CAP_PERFMON"),
	       "sluiced needs these, the last only to load; run this as root to see what root "
	       "would find");
}

static void judge_mounts(struct findings *findings, const struct sl_doctor_facts *facts)
{
	if (facts->has_bpffs)
		(void)add(findings, SL_FINDING_OK, "bpffs", "%s", facts->bpffs);
	else
		advise(add(findings, SL_FINDING_FAIL, "bpffs", "%s is not on a bpf file system",
			   facts->bpffs),
		       "mount -t bpf bpf /sys/fs/bpf");
	if (facts->cgroup2[0])
		(void)add(findings, SL_FINDING_OK, "cgroup2", "%s", facts->cgroup2);
	else
		advise(add(findings, SL_FINDING_WARN, "cgroup2", "not mounted"),
		       "concurrent connections are not counted, cgroups not told apart: mount -t "
		       "cgroup2 none /sys/fs/cgroup/unified");
}

static void judge_installation(struct findings *findings, const struct sl_doctor_facts *facts)
{
	if (facts->maps_error[0])
		advise(add(findings, SL_FINDING_FAIL, "maps", "%s", facts->maps_error),
		       "sluiced --migrate copies their state, sluicectl uninstall drops it");
	else
		(void)add(findings, SL_FINDING_OK, "maps", facts->has_maps ? "pinned" : "none yet");
	if (facts->has_maps && !facts->has_agent)
		advise(add(findings, SL_FINDING_WARN, "agent",
			   "not running, though maps are there"),
		       "the kernel goes on limiting; start sluiced to change limits");
	else
		(void)add(findings, SL_FINDING_OK, "agent",
			  facts->has_agent ? "running" : "not running");
}

bool sl_doctor_has_native_xdp(const char *driver)
{
	static const char *const drivers[] = {
		"amazon ena",	 "atlantic",   "bnxt_en",	"bonding", "cpsw",
		"dpaa2-eth",	 "ena",	       "enetc",		"fec",	   "fsl_dpa",
		"fsl_dpaa2_eth", "fsl_enetc",  "gve",		"gvnic",   "hinic",
		"hv_netvsc",	 "i40e",       "iavf",		"ice",	   "idpf",
		"igb",		 "igc",	       "ionic",		"ixgbe",   "ixgbevf",
		"lan966x",	 "mana",       "microchip",	"mlx4_en", "mlx5_core",
		"mvneta",	 "mvpp2",      "netdevsim",	"netsec",  "nfp",
		"qede",		 "rvu_nicpf",  "rvu_nicvf",	"sfc",	   "sfc_siena",
		"st_gmac",	 "stmmac",     "thunder-nicvf", "tsnep",   "tun",
		"veth",		 "virtio_net", "vmxnet3",	"vif",	   "xen-netfront",
	};

	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++)
		if (strcmp(drivers[i], driver) == 0)
			return true;
	return false;
}

static void judge_queues(struct findings *findings, const struct sl_nic *nic, const char *check)
{
	bool wants_half = strcmp(nic->driver, "ena") == 0 || strcmp(nic->driver, "gve") == 0 ||
			  strcmp(nic->driver, "gvnic") == 0;

	if (wants_half && nic->channels * 2 > nic->channels_max)
		advise(add(findings, SL_FINDING_WARN, check, "%u of %u channels in use",
			   nic->channels, nic->channels_max),
		       "%s wants half of them free for XDP: ethtool -L %s combined %u", nic->driver,
		       nic->ifname, nic->channels_max / 2 ? nic->channels_max / 2 : 1);
}

static void judge_nic(struct findings *findings, const struct sl_nic *nic)
{
	char check[32];
	const char *driver = nic->driver[0] ? nic->driver : "unknown driver";

	(void)snprintf(check, sizeof(check), "%s", nic->ifname);
	if (sl_doctor_has_native_xdp(nic->driver))
		(void)add(findings, SL_FINDING_OK, check, "%s, mtu %u: native XDP is likely%s",
			  driver, nic->mtu, nic->carrier ? "" : " (no carrier)");
	else
		advise(add(findings, SL_FINDING_WARN, check, "%s, mtu %u: not known for native XDP",
			   driver, nic->mtu),
		       "if sluiced is refused here: attach: tc-only");
	if (nic->lro || nic->gro_hw)
		advise(add(findings, SL_FINDING_WARN, check, "%s%s%s on", nic->lro ? "LRO" : "",
			   nic->lro && nic->gro_hw ? " and " : "", nic->gro_hw ? "GRO_HW" : ""),
		       "many drivers refuse XDP then: ethtool -K %s%s%s", nic->ifname,
		       nic->lro ? " lro off" : "", nic->gro_hw ? " rx-gro-hw off" : "");
	if (nic->mtu > MTU_ONE_PAGE && strcmp(nic->driver, "veth") != 0)
		advise(add(findings, SL_FINDING_WARN, check, "mtu %u", nic->mtu),
		       "needs a driver that takes XDP with fragments, or an mtu up to %u",
		       MTU_ONE_PAGE);
	judge_queues(findings, nic, check);
}

size_t sl_doctor_judge(struct sl_finding *ret, const struct sl_doctor_facts *facts)
{
	struct findings findings = { .at = ret };

	judge_kernel(&findings, facts);
	judge_bpf(&findings, facts);
	judge_rights(&findings, facts);
	judge_mounts(&findings, facts);
	judge_installation(&findings, facts);
	for (size_t i = 0; i < facts->nic_count; i++)
		judge_nic(&findings, &facts->nics[i]);
	return findings.count;
}
