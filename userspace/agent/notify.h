/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service manager's readiness protocol (sd_notify(3)), without its library:
 * one datagram to the socket that NOTIFY_SOCKET names.
 *
 * Thread: any.
 */
#pragma once

/* "READY=1", "STOPPING=1". 0 also when nobody asked to be told. -EINVAL: not an address. */
int sl_notify(const char *message);
