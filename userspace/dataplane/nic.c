// SPDX-License-Identifier: Apache-2.0
#include "userspace/dataplane/nic.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "userspace/base/cleanup.h"

#define FEATURES_MAX 256u
#define MTU_ONE_PAGE 3498u /* an Ethernet frame and its headroom in one page, with VLAN tags */

struct query {
	int socket_fd;
	struct ifreq request;
};

static bool ethtool(struct query *query, void *command)
{
	query->request.ifr_data = command;
	return !ioctl(query->socket_fd, SIOCETHTOOL, &query->request);
}

static void read_driver(struct sl_nic *nic, struct query *query)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };

	if (ethtool(query, &info))
		(void)snprintf(nic->driver, sizeof(nic->driver), "%.31s", info.driver);
}

static void read_channels(struct sl_nic *nic, struct query *query)
{
	struct ethtool_channels channels = { .cmd = ETHTOOL_GCHANNELS };

	if (!ethtool(query, &channels))
		return;
	nic->channels = channels.combined_count + channels.rx_count;
	nic->channels_max = channels.max_combined + channels.max_rx;
}

static uint32_t count_features(struct query *query)
{
	sl_autofree struct ethtool_sset_info *info = calloc(1, sizeof(*info) + sizeof(uint32_t));

	if (!info)
		return 0;
	info->cmd = ETHTOOL_GSSET_INFO;
	info->sset_mask = 1ull << ETH_SS_FEATURES;
	return ethtool(query, info) && info->sset_mask ? info->data[0] : 0;
}

static bool is_on(const struct ethtool_gfeatures *features, uint32_t index)
{
	return features->features[index / 32].active >> (index % 32) & 1;
}

/* Features have no fixed numbers: the kernel tells their names, in the order of the bits. */
static void read_features(struct sl_nic *nic, struct query *query)
{
	uint32_t count = count_features(query);
	uint32_t blocks = (count + 31) / 32;
	sl_autofree struct ethtool_gstrings *names = NULL;
	sl_autofree struct ethtool_gfeatures *features = NULL;

	if (!count || count > FEATURES_MAX)
		return;
	names = calloc(1, sizeof(*names) + (size_t)count * ETH_GSTRING_LEN);
	features = calloc(1, sizeof(*features) + blocks * sizeof(features->features[0]));
	if (!names || !features)
		return;
	names->cmd = ETHTOOL_GSTRINGS;
	names->string_set = ETH_SS_FEATURES;
	names->len = count;
	features->cmd = ETHTOOL_GFEATURES;
	features->size = blocks;
	if (!ethtool(query, names) || !ethtool(query, features))
		return;
	for (uint32_t i = 0; i < count; i++) {
		const char *name = (const char *)names->data + (size_t)i * ETH_GSTRING_LEN;

		if (!strncmp(name, "rx-lro", ETH_GSTRING_LEN))
			nic->lro = is_on(features, i);
		else if (!strncmp(name, "rx-gro-hw", ETH_GSTRING_LEN))
			nic->gro_hw = is_on(features, i);
	}
}

int sl_nic_read(struct sl_nic *ret, const char *ifname, struct sl_dp_error *error)
{
	sl_autoclose int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct query query = { .socket_fd = fd };
	struct sl_nic nic = { 0 };

	if (fd < 0)
		return sl_dp_fail(error, -errno, "cannot open a socket: %s", strerror(errno));
	if (strlen(ifname) >= sizeof(nic.ifname))
		return sl_dp_fail(error, -ENODEV, "%.40s is not the name of an interface", ifname);
	memcpy(nic.ifname, ifname, strlen(ifname));
	memcpy(query.request.ifr_name, nic.ifname, sizeof(nic.ifname));
	if (ioctl(fd, SIOCGIFINDEX, &query.request))
		return sl_dp_fail(error, -errno, "%s: %s", ifname, strerror(errno));
	nic.ifindex = query.request.ifr_ifindex;
	if (!ioctl(fd, SIOCGIFMTU, &query.request))
		nic.mtu = (uint32_t)query.request.ifr_mtu;
	if (!ioctl(fd, SIOCGIFFLAGS, &query.request)) {
		nic.up = query.request.ifr_flags & IFF_UP;
		nic.carrier = query.request.ifr_flags & IFF_RUNNING;
	}
	read_driver(&nic, &query);
	read_channels(&nic, &query);
	read_features(&nic, &query);
	*ret = nic;
	return 0;
}

__attribute__((format(printf, 3, 4))) static void append(char *text, size_t size,
							 const char *format, ...)
{
	size_t used = strlen(text);
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text + used, size - used, format, args);
	va_end(args);
}

void sl_nic_explain(const struct sl_nic *nic, char *text, size_t size)
{
	size_t before = strlen(text);

	if (nic->mtu > MTU_ONE_PAGE)
		append(text, size,
		       " MTU is %u: a driver without multi-buffer XDP takes at most about %u "
		       "(ip link set %s mtu 1500).",
		       nic->mtu, MTU_ONE_PAGE, nic->ifname);
	if (nic->lro)
		append(text, size, " LRO is on (ethtool -K %s lro off).", nic->ifname);
	if (nic->gro_hw)
		append(text, size, " Hardware GRO is on (ethtool -K %s rx-gro-hw off).",
		       nic->ifname);
	if (nic->channels > 1 && nic->channels * 2 > nic->channels_max)
		append(text, size,
		       " %u of %u queues are in use: some drivers (ena, gve, virtio_net) need as many "
		       "again for XDP (ethtool -L %s combined %u).",
		       nic->channels, nic->channels_max, nic->ifname,
		       nic->channels_max / 2 ? nic->channels_max / 2 : 1);
	if (!nic->up)
		append(text, size, " The interface is down; some drivers want it up.");
	if (strlen(text) == before)
		append(text, size,
		       " Nothing in its MTU, offloads or queues explains that: this driver may lack "
		       "native XDP.");
}
