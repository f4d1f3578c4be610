#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# sluicectl on a real agent, real maps and real packets: every command, its JSON and
# its exit code; reading and writing with the agent killed; completion in bash.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/harness/netns.sh

netns_begin
ns_add node noisy
ns_link node n1 noisy c1 1

agent_config <<'CONFIG'
mode: enforce
interfaces: [{name: n1}]
events: {per_s: 1000, sample: 1}
services:
  - {address: any, port: 80}
  - {address: any, port: 80, protocol: udp}
  - {address: any, port: 8443, tenant: partner}
tenants:
  - name: noisy
    sources: [10.1.0.2]
    ingress: {packets_per_s: 1k, packets_burst: 100}
  - name: partner
    ingress: {packets_per_s: 5k}
CONFIG
start_agent node || exit 1

# The configuration says where maps and socket are.
sluicectl=("$sl_bin/sluicectl" --config "$sl_dir/agent.yaml")
here=(nsenter "--net=/run/netns/$(ns node)" --)

cli() {
	"${here[@]}" "${sluicectl[@]}" "$@"
}

# attack OPTIONS: UDP from the tenant noisy
attack() {
	flood noisy c1 1 --target 10.1.0.1 --source 10.1.0.2/32 --protocol udp "$@"
}

# code COMMAND...: its exit code, nothing else
code() {
	"$@" >"$sl_dir/out" 2>"$sl_dir/err" </dev/null
	echo $?
}

# valid_json NAME COMMAND...: succeeds with JSON on standard output
valid_json() {
	local name=$1

	shift
	check "json: $name" sh -c "$(printf '%q ' "$@") </dev/null | python3 -m json.tool >/dev/null"
}

# The bucket of a flooded tenant has room for one packet a millisecond: a look may meet it.
explain_until_dropped() {
	for _ in {1..50}; do
		cli explain --json --src 10.1.0.2 --dst 10.1.0.1 --dport 80 >"$sl_dir/explained"
		! json_is 'd["explanation"]["reason"] == "rate_packets"' <"$sl_dir/explained" || break
	done
	cat "$sl_dir/explained"
}

# ---- what the flood leaves in the counters ------------------------------------------

sent=$(attack --count 5000 --rate 20000 | json 'd["packets"]')
check_equal "offered is what was sent" "$(cli tenants get noisy --json |
	json 'sum(r["packets"] for r in d["reasons"] if r["direction"] == "ingress")')" "$sent"
check "some of it was dropped" json_is '[t for t in d["tenants"] if t["tenant"] == "noisy"][0]["dropped_packets"] > 3000' \
	< <(cli tenants list --json)
check "status adds them up" json_is "d['traffic'][0]['offered_packets'] == $sent" < <(cli status --json)
check "status knows the agent" json_is 'd["node"]["agent"] == "running" and d["agent"]["ready"]' \
	< <(cli status --json)
check "csv has a header and a row for each" [ "$(cli tenants list --csv | wc -l)" = 4 ]

# ---- JSON of everything that reads ---------------------------------------------------

for command in status "tenants list" "tenants get noisy" "tenants top --interval 200ms" "mode show" \
	"block list" "flows list" "limit list" "bpf maps" "bpf progs" "bpf links" "bpf diff" doctor \
	version "capacity --interval 200ms" \
	"explain --src 10.1.0.2 --dst 10.1.0.1 --dport 80"; do
	# shellcheck disable=SC2086 # words of a command
	valid_json "$command" "${here[@]}" "${sluicectl[@]}" --json $command
done

# ---- explain is the verdict the packet path gives ------------------------------------

before=$(cli tenants get noisy --json | json 'sum(r["packets"] for r in d["reasons"])')
check "explain names the tenant by its source" json_is \
	'(e := d["explanation"])["tenant"] == "noisy" and e["found_by"] == "source" and e["verdict"] == "pass"' \
	< <(cli explain --json --src 10.1.0.2 --dst 10.1.0.1 --dport 80 --interface n1)
check "explain names the tenant of a service" json_is \
	'd["explanation"]["tenant"] == "partner" and d["explanation"]["found_by"] == "service"' \
	< <(cli explain --json --src 192.0.2.1 --dst 10.1.0.1 --dport 8443)
check "explain knows what is not protected" json_is \
	'd["explanation"]["tenant"] is None and d["explanation"]["found_by"] == "unprotected"' \
	< <(cli explain --json --src 192.0.2.1 --dst 10.1.0.1 --dport 22)
check "explain takes hex" json_is 'd["explanation"]["found_by"] == "not_ip"' \
	< <(cli explain --json --hex "ffffffffffff 020000000001 0806 $(printf '00%.0s' {1..46})")
check_equal "explain counts nothing" \
	"$(cli tenants get noisy --json | json 'sum(r["packets"] for r in d["reasons"])')" "$before"

attack --for 6s --rate 20000 >/dev/null &
flooder=$!
sleep 0.5
check "explain sees an empty bucket, and when it is full enough" json_is \
	'0 < d["explanation"]["wait_ns"] < 10**7' < <(explain_until_dropped)
check "top shows the rate that is offered" json_is \
	'abs([t for t in d["tenants"] if t["tenant"] == "noisy"][0]["offered_packets_per_s"] - 20000) < 6000' \
	< <(cli tenants top --json --interval 500ms)
check "drops come one JSON object a line" json_is 'd["tenant"] == "noisy" and d["reason"] == "rate_packets" and d["remote"].startswith("10.1.0.2:")' \
	< <(cli drops --json --for 500ms --tenant noisy | head -n 1)
check_equal "drops of nobody are none" "$(cli drops --for 200ms --tenant partner 2>/dev/null)" ""
wait "$flooder"

# ---- writes go through the agent -----------------------------------------------------

check_equal "limit set" "$(code cli limit set noisy ingress.packets_per_s=7k --for 10m)" 0
check "the maps have the new limit" json_is 'd["limits"][0]["per_s"] == "7k"' < <(cli tenants get noisy --json)
check "limit list names it" json_is 'd["overrides"][0]["subject"] == "noisy"' < <(cli limit list --json)
check_equal "bpf diff finds it" "$(code cli bpf diff)" 1
check_equal "limit clear" "$(code cli limit clear noisy)" 0
check_equal "bpf diff finds nothing more" "$(code cli bpf diff)" 0
check_equal "block add" "$(code cli block add 203.0.113.0/24 2001:db8::/32 --for 1h)" 0
check "block list has both" json_is 'len(d["blocks"]) == 2' < <(cli block list --json)
check "explain sees the block" json_is 'd["explanation"]["reason"] == "blocked_prefix"' \
	< <(cli explain --json --src 203.0.113.9 --dst 10.1.0.1 --dport 80)
check_equal "block del" "$(code cli block del 203.0.113.0/24)" 0
check_equal "flows bind" "$(code cli flows bind tcp 192.0.2.5:5000 10.1.0.1:80 partner)" 0
check "explain finds the flow" json_is 'd["explanation"]["found_by"] == "flow" and d["explanation"]["tenant"] == "partner"' \
	< <(cli explain --json --src 192.0.2.5 --sport 5000 --dst 10.1.0.1 --dport 80 --flags ack)
check_equal "flows unbind" "$(code cli flows unbind tcp 192.0.2.5:5000 10.1.0.1:80)" 0
check_equal "mode set of a tenant" "$(code cli mode set shadow --tenant noisy)" 0
check "mode show has it" json_is '[t["mode"] for t in d["tenants"] if t["tenant"] == "noisy"] == ["shadow"]' < <(cli mode show --json)
check_equal "mode clear" "$(code cli mode clear --tenant noisy)" 0
check_equal "shed set" "$(code cli shed set noisy 100 --for 10s)" 0
check "tenants get shows the shed" json_is 'd["tenant"]["shed_permille"] == 0.1' < <(cli tenants get noisy --json)
check_equal "reload" "$(code cli reload)" 0
valid_json "a write" "${here[@]}" "${sluicectl[@]}" --json block add 198.51.100.0/24

# ---- exit codes ------------------------------------------------------------------------

check_equal "exit 1: the agent refuses" "$(code cli limit set ghost ingress.packets_per_s=1)" 1
check_equal "exit 1: --direct beside an agent" "$(code cli block add 192.0.2.1 --direct)" 1
check_equal "exit 2: usage" "$(code cli frob)" 2
check_equal "exit 2: uninstall asks nobody" "$(code cli uninstall)" 2
check_equal "exit 3: no maps" "$(code "${here[@]}" "$sl_bin/sluicectl" --pin-dir "$sl_pins-none" status)" 3
check_equal "exit 3: no agent" "$(code "${here[@]}" "$sl_bin/sluicectl" --socket "$sl_dir/none" limit list)" 3
check_equal "exit 4: doctor without capabilities" \
	"$(code in_ns node setpriv --bounding-set -all --inh-caps -all --reuid 65534 --clear-groups "$sl_bin/sluicectl" doctor)" 4

# ---- the live view ---------------------------------------------------------------------

# It runs on a terminal of script(1), q ends it, and what it leaves is the old screen.
(sleep 1.2 && printf 'n?' && sleep 0.4 && printf q) |
	in_ns node script -qec "stty cols 100 rows 20; '$sl_bin/sluicectl' --config '$sl_dir/agent.yaml' tenants top --interval 300ms" \
		"$sl_dir/screen" >/dev/null 2>&1
check_equal "top ends by q" "$?" 0
check "top draws tenants on the alternate screen" grep -q 'noisy' "$sl_dir/screen"
check "top goes back to the old screen" grep -q $'\033\\[?1049l' "$sl_dir/screen"

# ---- completion ------------------------------------------------------------------------

# complete_words WORD...: what bash offers for the last one
complete_words() {
	bash -c '
. userspace/cli/sluicectl.bash
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_sluicectl
printf "%s " "${COMPREPLY[@]}"' bash "$@"
}
words=("${sluicectl[@]}")
check_equal "completion of a noun" "$(complete_words "${words[@]}" ten)" "tenants "
check_equal "completion of a verb" "$(complete_words "${words[@]}" block "")" "list add del "
check_equal "completion of a tenant, from the maps" "$(complete_words "${words[@]}" tenants get n)" "noisy "
check_equal "completion of a key" "$(complete_words "${words[@]}" limit set noisy ingress.p)" \
	"ingress.packets_per_s= ingress.packets_burst= "
check "completion is registered" bash -c '. userspace/cli/sluicectl.bash; complete -p sluicectl >/dev/null'

# ---- with the agent dead ---------------------------------------------------------------

stop_agent KILL
for command in status "tenants list" "tenants get noisy" "mode show" "block list" "bpf maps" "bpf diff" \
	"tenants top --interval 200ms"; do
	# shellcheck disable=SC2086 # words of a command
	cli $command --json >"$sl_dir/out" 2>&1
	check "agent dead: $command" python3 -m json.tool "$sl_dir/out" "$sl_dir/pretty"
done
check "agent dead: status says so" json_is 'd["node"]["agent"] == "not running"' < <(cli status --json)
check_equal "agent dead: limit set cannot be" "$(code cli limit set noisy ingress.packets_per_s=7k)" 3
check_equal "agent dead: block add wants --direct" "$(code cli block add 192.0.2.0/24)" 3
check "and says so" grep -q -- --direct "$sl_dir/err"
check_equal "agent dead: block add --direct" "$(code cli block add 192.0.2.0/24 --direct --for 1m)" 0
check "the block holds" json_is 'd["explanation"]["reason"] == "blocked_prefix" and d["explanation"]["dropped"]' \
	< <(cli explain --json --src 192.0.2.9 --dst 10.1.0.1 --dport 80)
check_equal "agent dead: mode set --direct" "$(code cli mode set shadow --direct)" 0
check "the mode holds" json_is 'd["node"]["mode"] == "shadow"' < <(cli status --json)
check_equal "agent dead: mode back" "$(code cli mode set enforce --direct)" 0
attack --for 2s --rate 20000 >/dev/null &
flooder=$!
check "agent dead: drops come from the ring buffer" json_is 'd["tenant"] == "noisy"' \
	< <(cli drops --json --for 800ms --tenant noisy 2>/dev/null | tail -n 1)
wait "$flooder"

# ---- the agent comes back; uninstall ----------------------------------------------------

start_agent node || exit 1
check_equal "uninstall refuses beside an agent" "$(code cli uninstall --yes)" 1
stop_agent
check_equal "uninstall" "$(code cli uninstall --yes)" 0
check "nothing is pinned any more" [ ! -e "$sl_pins/v1" ]
check_equal "nothing is attached any more" "$(in_ns node ip -j link show n1 | json '"xdp" in d[0]')" False
check_equal "and that is what status says" "$(code cli status)" 3
