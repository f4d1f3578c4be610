/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Set once before the programs are loaded, then frozen. What changes at run
 * time is in sl_ctl.
 */
#pragma once

#include "vmlinux.h"
#include "sluice/abi.h"

extern const volatile struct sl_load_config sl_load;
