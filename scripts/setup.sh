#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Installs what Sluice is built and tested with (Debian 12, apt) and mounts the
# BPF file system. Does nothing, in a moment and without network, when all is there.
#   scripts/setup.sh           install what is missing (root)
#   scripts/setup.sh --check   only say what is missing; exit code 1 if anything is
set -euo pipefail
case ${1:-} in
'' | --check) ;;
*)
	echo "usage: scripts/setup.sh [--check]" >&2
	exit 2
	;;
esac
export PATH=$PATH:/usr/sbin:/sbin

packages=(
	# build
	make gcc clang-14 libclang-rt-14-dev bpftool pkg-config linux-libc-dev
	libbpf-dev libxdp-dev libelf-dev zlib1g-dev libyaml-dev libjansson-dev libevent-dev
	libcap-dev libseccomp-dev libcmocka-dev
	# the pipeline: NATS, nginx module, TLS and keys, usage ledger, HTTP client
	libnats-dev libhiredis-dev nginx-dev libssl-dev libsqlite3-dev libcurl4-openssl-dev
	# lint
	clang-format-14 clang-tidy-14 cppcheck shellcheck codespell yamllint mandoc python3 git
	# integration tests, demo and bench: traffic, servers and the peers we measure against
	iproute2 ethtool iperf3 curl nftables iptables xdp-tools nginx-light haproxy procps
	bash-completion nats-server redis-server redis-sentinel redis-tools openssl
)
# The BPF compiler: the newest of these that apt knows; clang-14 does as well.
preferred=(clang-19 llvm-19)

say() { echo "setup: $*"; }

installed() {
	dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed
}

apt_knows() {
	apt-cache show "$1" >/dev/null 2>&1
}

missing=()
for package in "${packages[@]}"; do
	installed "$package" || missing+=("$package")
done
for package in "${preferred[@]}"; do
	if ! installed "$package" && { [ ${#missing[@]} -gt 0 ] || apt_knows "$package"; }; then
		missing+=("$package")
	fi
done

bpffs_missing=false
if [ "$(stat -f -c %T /sys/fs/bpf 2>/dev/null)" != bpf_fs ]; then
	bpffs_missing=true
fi

if [ ${#missing[@]} -eq 0 ] && ! $bpffs_missing; then
	say "all packages are installed, bpffs is mounted"
	exit 0
fi
[ ${#missing[@]} -eq 0 ] || say "missing packages: ${missing[*]}"
if $bpffs_missing; then say "no bpffs on /sys/fs/bpf"; fi

if [ "${1:-}" = --check ]; then
	exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
	say "run this as root to install and mount them: sudo scripts/setup.sh" >&2
	exit 1
fi

# Packages must not start their servers: a node keeps its ports. Any policy of the
# machine's own is put back on exit.
policy=/usr/sbin/policy-rc.d
forbid_services() {
	if [ -e "$policy" ]; then
		saved=$(mktemp)
		cp -p "$policy" "$saved"
	fi
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
}

allow_services() {
	if [ -n "${saved:-}" ]; then
		mv "$saved" "$policy"
	else
		rm -f "$policy"
	fi
}

install_packages() {
	local known=()

	say "apt-get update"
	apt-get -q update >/dev/null
	for package in "${missing[@]}"; do
		if apt_knows "$package"; then
			known+=("$package")
		elif [[ " ${preferred[*]} " == *" $package "* ]]; then
			say "apt does not know $package: clang-14 builds the BPF programs instead"
		else
			say "apt does not know $package: is this Debian 12 with its main archive?" >&2
			exit 1
		fi
	done
	[ ${#known[@]} -gt 0 ] || return 0

	say "installing ${known[*]}"
	forbid_services
	trap allow_services EXIT
	DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install "${known[@]}" \
		>/dev/null
	keep_servers_off
}

# Tests and bench start their own servers; what we installed for them must
# not come up with the machine's next boot.
keep_servers_off() {
	local package

	command -v systemctl >/dev/null || return 0
	for package in nginx-light haproxy nats-server redis-server redis-sentinel; do
		if [[ " ${missing[*]} " == *" $package "* ]]; then
			systemctl -q disable "${package%-light}" 2>/dev/null ||
				say "could not disable the service ${package%-light}" >&2
		fi
	done
}

if [ ${#missing[@]} -gt 0 ]; then install_packages; fi
if $bpffs_missing; then
	say "mounting bpffs on /sys/fs/bpf"
	mkdir -p /sys/fs/bpf
	mount -t bpf bpf /sys/fs/bpf
fi
say "done"
