// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/netns_guard.h"

#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "userspace/base/cleanup.h"

/*
 * The file of statistics is another file in each namespace. /proc/1/ns/net would say
 * the same, but only those may look at it who could trace process 1.
 */
static bool in_own_namespace(void)
{
	struct stat ours;
	struct stat first;

	return stat("/proc/self/net/dev", &ours) == 0 && stat("/proc/1/net/dev", &first) == 0 &&
	       (ours.st_ino != first.st_ino || ours.st_dev != first.st_dev);
}

static bool is_loopback(const char *interface)
{
	sl_autoclose int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { 0 };

	if (fd < 0 || strlen(interface) >= sizeof(request.ifr_name))
		return false;
	memcpy(request.ifr_name, interface, strlen(interface));
	return ioctl(fd, SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_LOOPBACK);
}

bool sl_may_flood(const char *interface)
{
	return in_own_namespace() || is_loopback(interface);
}
