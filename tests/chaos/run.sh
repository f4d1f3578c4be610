#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# `make chaos`: every fault of tests/chaos/table.sh, or those of FAULT="name name", one after
# the other, and a table of what the checker found. Histories: build/chaos/*.jsonl.
# Exit code 1 when a rule was broken, a fault could not be shown or nothing ran.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/chaos/table.sh

out=${SL_BUILD:-build}/chaos
mkdir -p "$out"
read -ra faults <<<"${FAULT:-$(chaos_names | tr '\n' ' ')}"
failed=0
running=
trap '[ -z "$running" ] || { kill "$running"; wait "$running"; }; exit 130' INT TERM

# row FAULT SECONDS: of the table, from the checker's result
row() {
	python3 - "$out/$1" "$1" "$2" "$chaos_bound" <<-'PYTHON'
		import json, sys
		path, name, took, bound = sys.argv[1:]
		try:
		    result = json.load(open(path + ".result"))
		except (OSError, ValueError):
		    result = {"errors": ["no result"]}
		proof = ""
		try:
		    for line in open(path + ".jsonl"):
		        line = '"injected"' in line and json.loads(line)
		        if line and line["event"] == "injected":
		            proof = line["text"].strip()
		except (OSError, ValueError):
		    pass
		recovery = result.get("recovery_s")
		print(f"{name:20} {result.get('worst_percent', 0):6.1f} {bound:>12}"
		      f" {'on' if result.get('enforced') else 'OFF':>4} {result.get('lost', '-'):>4}"
		      f" {'-' if recovery is None else format(recovery, '.1f'):>8} {took:>4}"
		      f" {'ok' if not result['errors'] else 'FAIL':>5}  {proof or '(not shown)'}")
		for error in result["errors"][:5]:
		    print(f"{'':20} {error}")
	PYTHON
}

printf '%-20s %6s %12s %4s %4s %8s %4s %5s  %s\n' fault 'over %' 'bound' 'enf.' lost 'recov. s' 's' \
	verdict 'proof that it was injected'
for fault in "${faults[@]}"; do
	chaos_row "$fault" || { echo "chaos: no fault is called $fault; see tests/chaos/table.sh" >&2 && exit 2; }
	begin=$SECONDS
	tests/chaos/one.sh "$fault" "$out" >"$out/$fault.log" 2>&1 </dev/null &
	running=$!
	if ! wait "$running" || [ ! -s "$out/$fault.result" ]; then
		failed=$((failed + 1))
		tail -n 5 "$out/$fault.log" | sed "s/^/# /"
	fi
	running=
	row "$fault" $((SECONDS - begin))
done
echo "${#faults[@]} faults, $failed failed, $SECONDS s; histories: $out"
[ "$failed" -eq 0 ] && [ "${#faults[@]}" -gt 0 ]
