# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced by tests of the pipeline: a stack of the test's own (scripts/stack.sh), in a
# temporary folder, on ports that follow from the pid; taken down on exit.
#
#   . tests/harness/stack.sh
#   stack_begin
#   stack_start_nats && stack_start_gateway
#   check "NAME" COMMAND...

. tests/harness/netns.sh
. scripts/stack.sh
. tests/harness/sanitized_module.sh

stack_begin() {
	sl_dir=$(mktemp -d "${TMPDIR:-/tmp}/$sl_tag-XXXXXX")
	stack_dir=$sl_dir/stack
	stack_port=$((20000 + ($$ % 1200) * 10))
	stack_ports
	mkdir -p "$stack_dir/log"
	gateway_sanitized
	stack_module=$gateway_module
	stack_gateway_with=("${gateway_with[@]}")
	trap stack_finish EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	stack_make_keys
}

# What the logs said when something failed, and then nothing of it is left.
stack_finish() {
	local code=$? name

	if [ "$code" -ne 0 ] || [ "$sl_failed" -ne 0 ]; then
		for name in "$stack_dir"/log/*.log; do
			[ ! -s "$name" ] || sed "s|^|# ${name##*/}: |" "$name" | tail -n 8 | cut -c -400
		done
	fi
	stack_down
	(exit "$code")
	netns_end
}

# all_ok COMMAND...: its "ok" and "not ok" lines are this test's; 1 when it says so
all_ok() {
	"$@" || sl_failed=$((sl_failed + 1))
}

# ledger_has ID: what the request cost, once
ledger_has() {
	[ "$(python3 -c 'import sqlite3, sys
book = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
print(*book.execute("select count(*) from usage_events where request_id = ?", (sys.argv[2],)).fetchone())' \
		"$stack_dir/usage.db" "$1")" = 1 ]
}
