#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# `make up` and `make down` as scripts/stack.sh does them: what it prints works, a second up
# changes nothing, one that died is started again, and down leaves nothing.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/harness/stack.sh

stack_begin
export SL_BUILD=$sl_dir/build SL_STACK_PORT=$stack_port
mkdir -p "$SL_BUILD"
ln -s "$sl_bin" "$SL_BUILD/bin"
stack_dir=$SL_BUILD/stack # what the trap takes down, whatever happens

up() {
	scripts/stack.sh up >"$sl_dir/up.txt" 2>&1 || { cat "$sl_dir/up.txt" && return 1; }
}

# The lines it prints, in a shell, but for those that go on for ever.
printed() {
	{
		sed -n 's/^    //p' "$sl_dir/up.txt" | sed 's/curl -sN/curl -sN -m 1/'
		echo true
	} >"$sl_dir/printed.sh"
	bash "$sl_dir/printed.sh" >"$sl_dir/answers.txt" 2>&1
}

says() {
	grep -qE "$1" "$sl_dir/answers.txt" || { sed 's/^/# /' "$sl_dir/answers.txt" && return 1; }
}

pids() {
	cat "$stack_dir"/*.pid
}

check "up" up
check "six programs run" test "$(scripts/stack.sh status | grep -c ' runs, ')" -eq 6
check "what it prints can be run" printed
check "health answers" says '"status":"healthy"'
check "a decision is made" says '"ok":true,"decision"'
check "the gateway tells its metrics" says '^gateway_http_requests_total'
check "usage is reported" says '^(fast|thrifty) +1 '

before=$(pids)
check "up again" up
check_equal "changes nothing" "$(pids)" "$before"
stack_end worker1 KILL
check "up after a worker died" up
check "six programs run again" test "$(scripts/stack.sh status | grep -c ' runs, ')" -eq 6

check "down" scripts/stack.sh down
check "nothing is left in its folder" test ! -e "$stack_dir"
check "nobody listens any more" test -z "$(ss -Hltn "sport >= $stack_port and sport <= $((stack_port + 9))")"
