# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # $history, $sl_...: of who sources this
# Sourced by the worlds: the history of a run, as bin/quota_history writes it.

history_pid=

# history_begin PLAN NODE=PINS...: the plan is a line of JSON, its first one
history_begin() {
	echo "$1" >"$history"
	shift
	mkfifo "$sl_dir/events"
	exec 8<>"$sl_dir/events"
	"$sl_bin/quota_history" --every 100ms --for 300s "$@" <"$sl_dir/events" >>"$history" &
	history_pid=$!
	sl_pids+=("$history_pid")
}

# event WORD TEXT
event() {
	echo "$1 $2" >&8
}

history_end() {
	echo . >&8
	exec 8>&-
	wait_for 10 gone "$history_pid"
	wait "$history_pid"
}
