#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The lints refuse what they are there to refuse: each case adds one bad file to a
# small good tree and expects a failure that names the file. Bad words are put together from
# parts, so that this file passes the same lints.
set -uo pipefail
lint=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$lint/../.." && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
failed=0

# A clean tree that every lint accepts.
fresh() {
	rm -rf "${tree:?}"/* "$tree"/.git
	mkdir -p "$tree"/{userspace/{base,domain,conf,dataplane,agent},bpf/lib,include/sluice}
	printf 'base:\ndomain: base\nconf: base domain\ndataplane: base domain\nagent: base domain dataplane conf\n' \
		>"$tree/userspace/LAYERS"
	add userspace/base/a.h 'Apache-2.0' '#pragma once' '#include <stdint.h>'
	add userspace/conf/a.c 'Apache-2.0' '#include <yaml.h>' '#include "userspace/base/a.h"'
	add userspace/dataplane/a.c 'Apache-2.0' '#include <bpf/bpf.h>' '#include "sluice.skel.h"'
	add userspace/agent/main.c 'Apache-2.0' '#include "userspace/conf/conf.h"' '#include "sluice/abi.h"'
	add bpf/lib/a.h 'GPL-2.0-only' '#pragma once' '#include "vmlinux.h"' '#include <bpf/bpf_helpers.h>'
	add include/sluice/abi.h 'GPL-2.0-only OR Apache-2.0' '#pragma once' '#include <linux/types.h>'
}

# add PATH LICENCE LINE...: writes a file of the tree.
add() {
	local path=$1 licence=$2

	shift 2
	mkdir -p "$tree/${path%/*}"
	printf '%s\n' "// SPDX-License-Identifier: $licence" "$@" >"$tree/$path"
}

run_lint() {
	case $1 in
	secrets) (cd "$tree" && find . -type f -exec "$lint/check_secrets.sh" {} +) ;;
	layers) "$lint/check_layers.sh" "$tree" ;;
	rules) "$lint/house_rules.sh" "$tree" ;;
	esac
}

# accepts LINT: what stands in the tree passes.
accepts() {
	local out

	if out=$(run_lint "$1" 2>&1); then
		echo "ok - $1 accept $2"
	else
		echo "not ok - $1 accept $2: $out"
		failed=1
	fi
}

# refuses LINT PATH LICENCE LINE...: a tree with this file fails, and the message names it.
refuses() {
	local kind=$1 path=$2 out

	shift
	fresh
	add "$@"
	if out=$(run_lint "$kind" 2>&1); then
		echo "not ok - $kind accepts $path: ${*:3}"
		failed=1
	elif [[ $out != *"$path"* ]]; then
		echo "not ok - $kind does not name $path: $out"
		failed=1
	else
		echo "ok - $kind refuse $path: ${*:3:1}"
	fi
}

A=Apache-2.0
G=GPL-2.0-only

fresh
accepts layers 'a clean tree'
accepts rules 'a clean tree'
accepts secrets 'a clean tree'

refuses layers userspace/base/b.c $A '#include "userspace/domain/config.h"'
refuses layers userspace/domain/b.c $A '#include "userspace/conf/conf.h"'
refuses layers userspace/conf/b.c $A '#include "userspace/dataplane/load.h"'
refuses layers userspace/conf/b.c $A '  #  include <bpf/bpf.h>'
refuses layers userspace/conf/b.c $A '#include <linux/bpf.h>'
refuses layers userspace/dataplane/b.c $A '#include <yaml.h>'
refuses layers userspace/dataplane/b.c $A '#include <event2/event.h>'
refuses layers userspace/domain/b.c $A '#include <jansson.h>'
refuses layers userspace/agent/b.c $A '#include "sluice.skel.h"'
refuses layers userspace/agent/b.c $A '#include "b.h"'
refuses layers userspace/agent/b.c $A '#include "bpf/maps.h"'
refuses layers userspace/agent/b.c $A '#include HEADER'
refuses layers userspace/new/b.c $A '#include <stdint.h>'
refuses layers bpf/b.bpf.c $G '#include <linux/bpf.h>'
refuses layers bpf/b.bpf.c $G '#include <string.h>'
refuses layers bpf/b.bpf.c $G '#include "userspace/base/a.h"'
refuses layers include/sluice/b.h 'GPL-2.0-only OR Apache-2.0' '#include <string.h>'
refuses layers include/sluice/b.h 'GPL-2.0-only OR Apache-2.0' '#include "bpf/lib/a.h"'

refuses rules userspace/base/b.c $G 'int b;'
refuses rules bpf/b.bpf.c $A 'int b;'
refuses rules include/sluice/b.h $A '#pragma once'
refuses rules userspace/base/b.h $A 'int b;'
refuses rules userspace/base/b.c $A "/* TO""DO: b */"
refuses rules userspace/base/b.c $A "/* FIX""ME */"
refuses rules userspace/base/b.c $A "/* good enough for"" now */"
refuses rules userspace/base/b.c $A "/* a st""ub */"
refuses rules userspace/base/b.c $A "const char *b = \"/ho""me/me/b\";"
refuses rules userspace/base/b.c $A "const char *b = \"/wo""rk/b\";"
refuses rules userspace/base/b.c $A "const char *b = __DA""TE__;"
refuses rules userspace/base/b.c $A 'int b; '
refuses rules userspace/base/b.c $A 'strcpy(a, b);'
refuses rules userspace/conf/b.c $A 'printf("b");'
refuses rules userspace/domain/b.c $A 'clock_gettime(CLOCK_MONOTONIC, &b);'
mapfile -t long < <(seq 500)
refuses rules userspace/base/b.c $A "${long[@]/#/// }"
fresh
add userspace/base/b.c $A "${long[@]:1}"
accepts rules 'a file of 500 lines'
add userspace/conf/c.c $A 'snprintf(b, 1, "c");' 'extern int subsystem(void);'
accepts rules 'names that only contain a forbidden one'

refuses secrets userspace/b.c $A "-----BEGIN RSA PRIVATE"" KEY-----"
refuses secrets userspace/b.c $A "-----BEGIN PRIVATE"" KEY-----"
refuses secrets userspace/b.c $A "id = AKIA""ABCDEFGHIJKLMNOP"
refuses secrets userspace/b.c $A "t = ghp_""abcdefghijklmnopqrstuvwxyz0123456789"
refuses secrets userspace/b.c $A "t = github""_pat_abcdefghijklmnopqrstuvwxyz_0123456789"
refuses secrets userspace/b.c $A "t = glp""at-abcdefghijklmnopqrst"
refuses secrets userspace/b.c $A "t = xo""xb-1234567890-abcdef"
refuses secrets userspace/b.c $A "t = s""k-abcdefghijklmnopqrstuvwxyz"
refuses secrets userspace/b.c $A "t = AI""zaabcdefghijklmnopqrstuvwxyz012345678"
refuses secrets userspace/b.c $A "t = ey""Jabcdefghijkl.eyJabcdefghijkl.abc"
refuses secrets userspace/b.c $A "pass""word = \"correct-horse\""
refuses secrets userspace/b.c $A "url: redis:/""/user:hunter22@host/"
refuses secrets userspace/b.key $A 'anything'

# The hooks' rules for a message.
message() {
	printf '%s\n' "$2" >"$tree/message"
	"$top/.githooks/commit-msg" "$tree/message" 2>/dev/null
	if [ $? -eq "$1" ]; then
		echo "ok - message $1: ${2%%$'\n'*}"
	else
		echo "not ok - message should give $1: $2"
		failed=1
	fi
}

message 0 'bpf: shed new connections first'
message 0 'tests: lint: refuse it'
message 1 'Shed new connections first'
message 1 'bpf: Shed new connections first'
message 1 'bpf: shed new connections first.'
message 1 "bpf: $(printf 'x%.0s' {1..70})"
message 1 $'bpf: shed\nwithout an empty line'
exit $failed
