#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The test runner counts what suites say, and nothing that went wrong looks green.
set -uo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
suites=$(mktemp -d)
trap 'rm -rf "$suites"' EXIT
export SL_BUILD=$suites/build SL_SUITE_SECONDS=1
failed=0

# suite NAME LINE...: a shell program.
suite() {
	local path=$suites/$1

	shift
	printf '%s\n' '#!/bin/sh' "$@" >"$path"
	chmod +x "$path"
}

# expect CODE 'N passed, N failed' SUITE...
expect() {
	local code=$1 line=$2 out got

	shift 2
	out=$("$top/tests/run.sh" --group self "${@/#/$suites/}" 2>&1)
	got=$?
	if [ "$got" -eq "$code" ] && [ "$(tail -n 1 <<<"$out")" = "$line" ]; then
		echo "ok - ${*:-no suite}: $line"
	else
		echo "not ok - ${*:-no suite}: $line, code $code; got code $got and:"
		echo "    ${out//$'\n'/$'\n    '}"
		failed=1
	fi
}

suite two 'echo "[  PASSED  ] 2 test(s)."'
suite half 'echo "[  PASSED  ] 1 test(s)."' 'echo "[  FAILED  ] 1 test(s), listed below:"' 'exit 1'
suite skip 'echo "[  PASSED  ] 1 test(s)."' 'echo "[  SKIPPED ] 1 test(s), listed below:"'
suite lines 'echo "ok - a"' 'echo "ok - b"' 'echo "ok - c"'
suite broken 'echo "ok - a"' 'echo "not ok - b"' 'exit 1'
suite forgot 'echo "not ok - a"'
suite plain 'echo hello'
suite dies 'echo "[  PASSED  ] 3 test(s)."' 'kill -SEGV $$'
suite hangs 'echo "ok - a"' 'sleep 30'

expect 0 '2 passed, 0 failed' two
expect 0 '6 passed, 0 failed' two lines plain
expect 1 '1 passed, 1 failed' half
expect 1 '1 passed, 1 failed' skip
expect 1 '3 passed, 1 failed' two broken
expect 1 '2 passed, 1 failed' two forgot
expect 1 '3 passed, 1 failed' dies
expect 1 '1 passed, 1 failed' hangs
expect 1 '2 passed, 1 failed' two missing
expect 1 '0 passed, 0 failed'
exit $failed
