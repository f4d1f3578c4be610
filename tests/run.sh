#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs suites one after the other, each with a time limit, and says what happened:
#   tests/run.sh [--group NAME] suite... [--group NAME] suite...
# A suite is a program: a cmocka binary, or a script that prints "ok - name" and
# "not ok - name". One that prints neither counts once, by its exit code; one that
# dies without saying what failed counts as a failure, and so does a skipped test:
# a skip looks green. The last line is
#   N passed, N failed
# and the exit code is 1 when anything failed or nothing ran.
# SL_SUITE_SECONDS: the time limit of a suite (default 600).
set -u
cd "$(dirname "$0")/.." || exit 1

limit=${SL_SUITE_SECONDS:-600}
logs=${SL_BUILD:-build}/log
group=tests
passed=0
failed=0
lost=()
running=

# timeout passes the signal on to all processes of the suite, which clean up.
trap '[ -z "$running" ] || { kill "$running"; wait "$running"; }; exit 130' INT TERM

# Sums the numbers of cmocka's lines about $2 tests in the log $1.
cmocka_says() {
	sed -n "s/^\[ *$2 *\] \([0-9]*\) test(s).*/\1/p" "$1" | awk '{ n += $1 } END { print n + 0 }'
}

# Sets good and bad from the log $1 of a suite that ended with code $2.
count() {
	good=$(cmocka_says "$1" PASSED)
	bad=$(($(cmocka_says "$1" FAILED) + $(cmocka_says "$1" SKIPPED)))
	good=$((good + $(grep -c '^ok ' "$1")))
	bad=$((bad + $(grep -c '^not ok ' "$1")))
	if [ "$2" -ne 0 ] && [ "$bad" -eq 0 ]; then
		bad=1
	elif [ "$2" -eq 0 ] && [ $((good + bad)) -eq 0 ]; then
		good=1
	fi
}

run_suite() {
	local suite=$1 name log code begin took
	name=${suite#*tests/}
	name=${name#*/}
	log=$logs/$group-${name//\//-}.log
	begin=$(date +%s%N)
	timeout -k 10 "$limit" "$suite" >"$log" 2>&1 </dev/null &
	running=$!
	wait "$running"
	code=$?
	running=
	took=$((($(date +%s%N) - begin) / 10000000))
	count "$log" "$code"
	passed=$((passed + good))
	failed=$((failed + bad))
	if [ "$bad" -eq 0 ]; then
		printf '  ok    %-12s %-32s %4d tests %5d.%02d s\n' "$group" "$name" "$good" \
			$((took / 100)) $((took % 100))
		return
	fi
	printf '  FAIL  %-12s %-32s %4d of %d failed %d.%02d s, exit code %d%s\n' "$group" "$name" \
		"$bad" $((good + bad)) $((took / 100)) $((took % 100)) "$code" \
		"$([ "$code" -eq 124 ] && echo " (over $limit s)")"
	grep -v -e '^\[ *\(RUN\|OK\) *\]' -e '^ok ' "$log" | tail -n 60 | sed 's/^/        /'
	lost+=("$group/$name: $log")
}

mkdir -p "$logs"
while [ $# -gt 0 ]; do
	if [ "$1" = --group ]; then
		group=$2
		shift 2
		continue
	fi
	run_suite "$1"
	shift
done

if [ ${#lost[@]} -gt 0 ]; then
	echo
	printf 'failed: %s\n' "${lost[@]}"
fi
[ $((passed + failed)) -gt 0 ] || echo "no suite ran"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
