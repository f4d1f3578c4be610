#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# How soon overload of a worker is refused at the NIC, and how soon all of it passes again:
# a worker whose jobs are packets becomes ten times slower, and heals. Prints
# "sample pressure.slow_to_shed_ms - MS" and "sample pressure.recovery_s - S" lines; all else
# goes to standard error.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/harness/netns.sh
. tests/harness/pressure_node.sh

rounds=3

die() {
	echo "bench: pressure: $*" >&2
	exit 1
}

round() {
	wait_for 60 state_is ok || die "it does not become well"
	slow_down || die "nothing was shed"
	echo "sample pressure.slow_to_shed_ms - $(said slow_to_shed_ms)" >&3
	sleep 3
	heal
	wait_for 30 has_said recovery_s || die "it does not recover"
	echo "sample pressure.recovery_s - $(said recovery_s)" >&3
}

exec 3>&1 1>&2
netns_begin
pressure_begin || die "it does not start"
traffic 400
sleep 4 # what a job costs is learnt while all is well
for ((i = 0; i < rounds; i++)); do
	round
done
