#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A new configuration is taken whole or not at all, however it arrives: by SIGHUP, by
# writing the file, by a rename over it, by Kubernetes' swap of a link.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/harness/netns.sh

netns_begin
ns_add node client
ns_link node n0 client c0 1
ns_link node n1 client c1 2

# config RATE [MORE]: writes the configuration to $sl_dir/agent.yaml
config() {
	agent_config <<EOF
interfaces: [{name: n0}]
services: [{address: any, port: 80, protocol: udp}]
tenants:
  - {name: a, sources: [10.1.0.0/16], ingress: {packets_per_s: $1, packets_burst: 5k}}
${2:-}
EOF
}

limit_is() {
	[ "$(agent_metric 'sluice_limit_packets_per_second[{]tenant="a"')" = "$1" ]
}

ask() {
	tests/harness/ask.py "$sl_dir/agent.sock" "$@"
}

metric_is() {
	[ "$(agent_metric "$1")" = "$2" ]
}

config 1k
start_agent node || { not_ok "the agent starts" && exit 1; }
check "the first configuration is in force" limit_is 1000

# ---- ways to arrive -----------------------------------------------------------------

config 2k
check "a written file is taken" wait_for 5 limit_is 2000
sleep 0.3
check_equal "once" "$(agent_metric '^sluice_config_reloads_total')" 1

cp "$sl_dir/agent.yaml" "$sl_dir/new.yaml"
sed -i 's/packets_per_s: 2k/packets_per_s: 3k/' "$sl_dir/new.yaml"
mv "$sl_dir/new.yaml" "$sl_dir/agent.yaml"
check "a rename over the file is taken" wait_for 5 limit_is 3000

generation=$(agent_metric '^sluice_agent_config_generation')
raised() {
	[ "$(agent_metric '^sluice_agent_config_generation')" -gt "$generation" ]
}
kill -HUP "$agent_pid"
check "SIGHUP reads it again" wait_for 5 raised
check "and the socket's reload" test "$(ask '{"cmd":"reload"}')" = '{"ok":true}'

exec 7>>"$sl_dir/agent.yaml"
reloads=$(agent_metric '^sluice_config_reloads_total')
echo "# unfinished" >&7
sleep 0.5
check_equal "a file that is being written waits" \
	"$(agent_metric '^sluice_config_reloads_total')" "$reloads"
exec 7>&-
check "until it is closed" wait_for 5 metric_is '^sluice_config_reloads_total' $((reloads + 1))

# ---- what is refused ------------------------------------------------------------------

failures=$(agent_metric '^sluice_config_reload_failures_total')
config 4k 'mode: loud'
check "a bad file is counted" wait_for 5 \
	metric_is '^sluice_config_reload_failures_total' $((failures + 1))
check "the last good one stays in force" limit_is 3000
check "and is shown as not the file's" metric_is '^sluice_config_last_reload_successful' 0
check "status names file, line and key" \
	json_is "'agent.yaml:' in d['config']['error'] and ': mode: ' in d['config']['error']" \
	< <(ask '{"cmd":"status"}')
check "so does the log" \
	grep -q 'new configuration refused.*agent.yaml:[0-9]*:[0-9]*: mode: ' "$sl_dir/agent.log"
check "so does the socket's answer" json_is "not d['ok'] and ': mode: ' in d['error']" \
	< <(ask '{"cmd":"reload"}')

config 4k 'sizes: {tenants: 2048}'
check "other sizes need a restart" wait_for 5 \
	grep -q 'sizes.tenants: 1024 became 2048; that needs a restart with --migrate' \
	"$sl_dir/agent.log"
check "the last good one still stays" limit_is 3000
config 4k 'tenants: []'
check "a key twice is refused" wait_for 5 \
	grep -q 'refused.*tenants: a key for the second time' "$sl_dir/agent.log"
rm "$sl_dir/agent.yaml"
check "no file is refused" json_is "not d['ok'] and 'cannot be read' in d['error']" \
	< <(ask '{"cmd":"reload"}')
check "and changes nothing" limit_is 3000
config 5k
check "a good file heals" wait_for 5 limit_is 5000
check "and status is clean" json_is "d['config']['error'] is None" < <(ask '{"cmd":"status"}')

# ---- interfaces and tenants come and go -------------------------------------------------

sed -i 's/{name: n0}/{name: n0}, {name: n1}/' "$sl_dir/agent.yaml"
check "a new interface is protected" wait_for 5 \
	metric_is 'sluice_interface_attached[{]interface="n1"' 1
sed -i 's/{name: n0}, {name: n1}/{name: n1}/' "$sl_dir/agent.yaml"
check "one that is no longer named is let go" wait_for 5 \
	grep -q 'msg="no longer protected" interface=n0' "$sl_dir/agent.log"
check "by the kernel, too" \
	test -z "$(in_ns node bpftool net show dev n0 | grep -E 'driver|tcx')"
sed -i 's/{name: n1}/{name: n0}/' "$sl_dir/agent.yaml"
check "and protected again" wait_for 5 \
	metric_is 'sluice_interface_attached[{]interface="n0"' 1

flood client c0 1 --target 10.1.0.1 --port 80 --source 10.1.0.2/32 --count 1000 >"$sl_dir/flood"
a_counts() {
	metric_is 'sluice_packets_total[{]tenant="a",direction="ingress"' 1000
}
check "the tenant counts" wait_for 3 a_counts
config 5k '  - {name: b, sources: [10.9.0.0/16]}'
check "a new tenant comes" wait_for 5 metric_is '^sluice_tenants ' 2
check "and the old one keeps its counters" a_counts

# ---- a cap on series ---------------------------------------------------------------------

sum_before=$(agent_metric '^sluice_packets_total')
sed -i 's/port: 9477/port: 9477, tenants_max: 0/' "$sl_dir/agent.yaml"
check "over the cap tenants are others" wait_for 5 \
	metric_is 'sluice_packets_total[{]tenant="other",direction="ingress"' 1000
check "and have no series of their own" metric_is 'tenant="[ab]"' 0
check_equal "and nothing is lost of the sum" "$(agent_metric '^sluice_packets_total')" "$sum_before"
sed -i 's/, tenants_max: 0//' "$sl_dir/agent.yaml"
check "under it they are themselves again" wait_for 5 limit_is 5000

# ---- Kubernetes: the file is a link into a folder that is swapped ---------------------------

stop_agent TERM || not_ok "the agent ends"
volume=$sl_dir/volume
mkdir -p "$volume/..1" "$volume/..2"
cp "$sl_dir/agent.yaml" "$volume/..1/agent.yaml"
sed 's/packets_per_s: 5k/packets_per_s: 6k/' "$sl_dir/agent.yaml" >"$volume/..2/agent.yaml"
ln -s ..1 "$volume/..data"
ln -s ..data/agent.yaml "$volume/agent.yaml"
start_agent node --config "$volume/agent.yaml" || not_ok "the agent starts from a volume"
check "a volume is read" limit_is 5000
ln -s ..2 "$volume/..data_tmp"
mv -T "$volume/..data_tmp" "$volume/..data"
check "the swap of its link is taken" wait_for 5 limit_is 6000
