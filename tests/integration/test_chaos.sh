#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A short part of `make chaos` (docs/chaos.md): the checker on planted violations, the TCP proxy,
# and a few faults against real servers.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/harness/netns.sh

sl_dir=$(mktemp -d "${TMPDIR:-/tmp}/$sl_tag-XXXXXX")
trap 'rm -rf "$sl_dir"' EXIT

python3 tests/chaos/test_check.py || sl_failed=1
python3 tests/chaos/test_proxy.py || sl_failed=1

faults=(redis-killed nats-killed)
for fault in "${faults[@]}"; do
	check "$fault: limits hold and come back" tests/chaos/one.sh "$fault" "$sl_dir" ||
		sed 's/^/# /' "$sl_dir/$fault.result"
done

# spoilt HOW TEXT: the history of a real run, spoilt: the checker must say so
# shellcheck disable=SC2317 # by check
spoilt() {
	python3 - "$sl_dir/redis-killed.jsonl" "$1" >"$sl_dir/spoilt.jsonl" <<-'PYTHON'
		import json, sys
		heal, more = None, 0
		for text in open(sys.argv[1]):
		    line = json.loads(text)
		    if line["event"] == "injected" and sys.argv[2] == "proof":
		        continue
		    if line["event"] == "injected":
		        heal = line["t"]
		    if heal and line["event"] == "sample" and sys.argv[2] == "over" and line["tenant"] == "blend":
		        more = min(400, more + 2)
		        line["admitted"] += more
		        line["offered"] += more
		    print(json.dumps(line))
	PYTHON
	! python3 tests/chaos/check.py "$sl_dir/spoilt.jsonl" >"$sl_dir/spoilt.result" &&
		grep -q "$2" "$sl_dir/spoilt.result"
}
check "packets that were not there are seen" spoilt over 'blend: over its bound'
check "and a fault that was not shown" spoilt proof 'not shown: injected'
exit "$((sl_failed > 0))"
