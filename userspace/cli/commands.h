/* SPDX-License-Identifier: Apache-2.0 */
/* The functions behind sl_commands[]; see cli.h for what they return. */
#pragma once

#include "userspace/cli/command.h"

int sl_cmd_status(struct sl_cli *cli, const struct sl_args *args);
int sl_cmd_tenants_list(struct sl_cli *cli, const struct sl_args *args);
int sl_cmd_tenants_get(struct sl_cli *cli, const struct sl_args *args);
int sl_cmd_tenants_top(struct sl_cli *cli, const struct sl_args *args);
int sl_cmd_drops(struct sl_cli *cli, const struct sl_args *args);
int sl_cmd_explain(struct sl_cli *cli, const struct sl_args *args);
int sl_cmd_limit_list(struct sl_cli *cli, const struct sl_args *args);
int sl_cmd_limit_set(struct sl_cli *cli, const struct sl_args *args);
int sl_cmd_limit_clear(struct sl_cli *cli, const struct sl_args *args);
int sl_cmd_block_list(struct sl_cli *cli, const struct sl_args *args);
int sl_cmd_block_add(struct sl_cli *cli, const struct sl_args *args);
int sl_cmd_block_del(struct sl_cli *cli, const struct sl_args *args);
int sl_cmd_flows_list(struct sl_cli *cli, const struct sl_args *args);
int sl_cmd_flows_bind(struct sl_cli *cli, const struct sl_args *args);
int sl_cmd_flows_unbind(struct sl_cli *cli, const struct sl_args *args);
int sl_cmd_mode_show(struct sl_cli *cli, const struct sl_args *args);
int sl_cmd_mode_set(struct sl_cli *cli, const struct sl_args *args);
int sl_cmd_mode_clear(struct sl_cli *cli, const struct sl_args *args);
int sl_cmd_shed_set(struct sl_cli *cli, const struct sl_args *args);
int sl_cmd_pressure(struct sl_cli *cli, const struct sl_args *args);
int sl_cmd_quota(struct sl_cli *cli, const struct sl_args *args);
int sl_cmd_quota_show(struct sl_cli *cli, const struct sl_args *args);
int sl_cmd_quota_explain(struct sl_cli *cli, const struct sl_args *args);
int sl_cmd_quota_set(struct sl_cli *cli, const struct sl_args *args);
int sl_cmd_quota_raise(struct sl_cli *cli, const struct sl_args *args);
int sl_cmd_quota_lower(struct sl_cli *cli, const struct sl_args *args);
int sl_cmd_quota_clear(struct sl_cli *cli, const struct sl_args *args);
int sl_cmd_quota_drain(struct sl_cli *cli, const struct sl_args *args);
int sl_cmd_quota_undrain(struct sl_cli *cli, const struct sl_args *args);
int sl_cmd_bpf_maps(struct sl_cli *cli, const struct sl_args *args);
int sl_cmd_bpf_progs(struct sl_cli *cli, const struct sl_args *args);
int sl_cmd_bpf_links(struct sl_cli *cli, const struct sl_args *args);
int sl_cmd_bpf_diff(struct sl_cli *cli, const struct sl_args *args);
int sl_cmd_doctor(struct sl_cli *cli, const struct sl_args *args);
int sl_cmd_capacity(struct sl_cli *cli, const struct sl_args *args);
int sl_cmd_usage_report(struct sl_cli *cli, const struct sl_args *args);
int sl_cmd_dlq_list(struct sl_cli *cli, const struct sl_args *args);
int sl_cmd_dlq_show(struct sl_cli *cli, const struct sl_args *args);
int sl_cmd_dlq_replay(struct sl_cli *cli, const struct sl_args *args);
int sl_cmd_reload(struct sl_cli *cli, const struct sl_args *args);
int sl_cmd_uninstall(struct sl_cli *cli, const struct sl_args *args);
int sl_cmd_version(struct sl_cli *cli, const struct sl_args *args);
int sl_cmd_help(struct sl_cli *cli, const struct sl_args *args);
int sl_cmd_complete(struct sl_cli *cli, const struct sl_args *args);
