# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # $sl_...: of netns.sh
# Sourced by integration tests: our client as a program that is told and asked by lines
# (tests/tools/redis_calls.c). The test's exit trap calls calls_end.
#
#   . tests/harness/redis_calls.sh
#   begin --addresses 127.0.0.1:6379 --rate 200 -- INCR k:%
#   check "calls succeed" wait_for 5 all_succeed
#   tell stats; status ETIMEDOUT; of 'd["state"]'
#   end_with "one server"
#
# calls_run is what runs the program: "" or the words of a command.

tool=
said=
calls_run=()

calls_end() {
	[ -z "$tool" ] || kill -KILL "$tool" 2>/dev/null
}

# begin [OPTIONS of redis_calls] -- COMMAND...
begin() {
	rm -f "$sl_dir/in"
	mkfifo "$sl_dir/in"
	"${calls_run[@]}" "$sl_bin/redis_calls" "$@" <"$sl_dir/in" >"$sl_dir/out" 2>"$sl_dir/err" &
	tool=$!
	exec 7>"$sl_dir/in"
}

lines() {
	[ "$(wc -l <"$sl_dir/out")" -ge "$1" ]
}

# tell LINE: sets said to what it answers
tell() {
	local before

	before=$(wc -l <"$sl_dir/out")
	echo "$1" >&7
	wait_for 15 lines $((before + 1)) || echo "# no answer to $1"
	said=$(tail -n 1 "$sl_dir/out")
}

# of EXPRESSION: of what was said last, as json
of() {
	json "$1" <<<"$said"
}

status() {
	of "d['statuses'].get('$1', 0)"
}

# end_with NAME: all calls were answered, exactly once
end_with() {
	local code

	echo stop >&7
	exec 7>&-
	wait "$tool"
	code=$?
	tool=
	said=$(tail -n 1 "$sl_dir/out")
	check_equal "$1: every call was answered exactly once" "$code $(of 'd["twice"]')" "0 0"
	[ "$code" -eq 0 ] || sed 's/^/# /' "$sl_dir/err"
}

all_succeed() {
	tell stats
	sleep 0.3
	tell stats
	[ "$(of 'set(d["statuses"]) == {"0"} and d["state"] == "ok"')" = True ]
}

# says TEXT: what was said last begins so
says() {
	[[ $said = "$1"* ]]
}

# once TEXT: one call is answered so
once() {
	tell once
	says "$1"
}
