# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # sl_dir of netns.sh
# The TCP proxies of a world, by name.

proxy_names=()

# proxy_begin NAMESPACE NAME SEED LISTEN=TO...
proxy_begin() {
	local namespace=$1 name=$2 seed=$3

	shift 3
	spawn "$namespace" tests/harness/tcp_proxy.py --seed "$seed" --control "$sl_dir/proxy.$name" "$@"
	wait_for 10 proxy "$name" stats || return 1
	proxy_names+=("$name")
}

# proxy NAME COMMAND: its answer goes into $sl_dir/said.NAME
proxy() {
	tests/harness/tcp_proxy.py --tell "$sl_dir/proxy.$1" "$2" >"$sl_dir/said.$1" 2>"$sl_dir/proxy.err"
}

# proxies COMMAND: to all of them
proxies() {
	local name

	for name in "${proxy_names[@]}"; do
		proxy "$name" "$1" || return 1
	done
}

proxy_count() {
	json "d['$2']" <"$sl_dir/said.$1"
}

# proxy_counts NAME WHAT LEAST
proxy_counts() {
	proxy "$1" stats && [ "$(proxy_count "$1" "$2")" -ge "$3" ]
}

# proxied WHAT LEAST: each of them did it so often
proxied() {
	local name

	for name in "${proxy_names[@]}"; do
		wait_for 20 proxy_counts "$name" "$1" "$2" || return 1
		echo "$name: $1 $(proxy_count "$name" "$1");"
	done
}
