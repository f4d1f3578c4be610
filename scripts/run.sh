#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs the agent in the foreground: `make run CONFIG=file IFACE=eth0`.
#   $1  a configuration
#   $2  an interface; empty: those the configuration names. The first interface of
#       a copy of the configuration is renamed to it.
# Ends with Ctrl-C. The limits stay in force then: `sluicectl uninstall` takes them off.
set -euo pipefail
cd "$(dirname "$0")/.."

config=${1:-}
iface=${2:-}
build=${SL_BUILD:-build}

die() {
	echo "run: $*" >&2
	exit 1
}

case $config in
--help | -h | '')
	echo "usage: make run CONFIG=docs/examples/....yaml IFACE=eth0 (scripts/run.sh CONFIG [IFACE])" >&2
	exit 2
	;;
esac
[ -r "$config" ] || die "cannot read $config"
[ "$(id -u)" -eq 0 ] || die "attaching BPF programs needs root"

if [ -n "$iface" ]; then
	[ -d "/sys/class/net/$iface" ] ||
		die "no interface $iface here; there are: $(cd /sys/class/net && echo *)"
	copy=$build/run.yaml
	awk -v iface="$iface" '
		/^interfaces:/ { inside = 1 }
		inside && !done && /name:/ {
			sub(/name:[[:space:]]*[^[:space:],}]+/, "name: " iface)
			done = 1
		}
		{ print }
		END { exit !done }
	' "$config" >"$copy" || die "$config names no interface to replace"
	config=$copy
fi

"$build/bin/sluiced" --check --config "$config"
echo "run: sluiced --config $config; Ctrl-C ends it, sluicectl uninstall takes the limits off"
exec "$build/bin/sluiced" --config "$config"
