#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Who may include what. Argument: the tree to check (default: this one).
#   userspace/X   its own folder, and the folders named on its line of userspace/LAYERS
#   bpf/          sluice/, bpf/, vmlinux.h, <bpf/...>
#   include/      sluice/ and integer types
#   libraries     each in the folders named in `owners` below
set -euo pipefail
cd "${1:-$(dirname "$0")/../..}"

# A header (or the start of one), then the userspace folders that may include it.
owners='
bpf/ dataplane
xdp/ dataplane
linux/bpf.h dataplane gateway
linux/if_link.h dataplane agent
linux/pkt_cls.h dataplane
sluice.skel.h dataplane
yaml.h conf
event2/ agent obs bus service router worker usage
event.h agent obs
jansson.h agent cli obs
hiredis/ redis
nats/ bus
nats.h bus
ngx_ gateway
nginx.h gateway
sqlite3.h ledger
curl/ worker
openssl/ gateway bus
seccomp.h agent
sys/capability.h agent cli
linux/netlink.h agent dataplane gateway
linux/rtnetlink.h agent dataplane
'

find userspace bpf include -name '*.[ch]' -type f -exec grep -HnE '^[[:space:]]*#[[:space:]]*include' {} + |
	awk -v owners="$owners" '
	function complain(text) { print at ": " text; bad = 1 }

	function check_library(header, folder,    i, part, parts, list, names, j) {
		split(owners, list, "\n")
		for (i in list) {
			parts = split(list[i], part, " ")
			if (parts < 2 || index(header, part[1]) != 1) continue
			for (j = 2; j <= parts; j++) if (part[j] == folder) return
			complain(folder " may not use <" header ">: it belongs to " substr(list[i], length(part[1]) + 2))
		}
	}

	function check_userspace(header, quoted, folder,    used) {
		if (!(folder in known)) complain("folder \"" folder "\" is not in userspace/LAYERS")
		if (header ~ /^userspace\//) {
			split(header, used, "/")
			if (used[2] != folder && !((folder, used[2]) in allowed))
				complain(folder " may not use " used[2])
			return
		}
		if (quoted && header !~ /^sluice\// && header !~ /\.skel\.h$/)
			complain("\"" header "\": include from the top: \"userspace/...\" or \"sluice/...\"")
		check_library(header, folder)
	}

	FILENAME == ARGV[1] {
		if (sub(/:/, "", $1)) { known[$1] = 1; for (i = 2; i <= NF; i++) allowed[$1, $i] = 1 }
		next
	}
	{
		match($0, /^[^:]*:[0-9]*/); at = substr($0, 1, RLENGTH)
		if (!match($0, /["<][^">]*[">]/)) { complain("a computed include"); next }
		quoted = substr($0, RSTART, 1) == "\""
		header = substr($0, RSTART + 1, RLENGTH - 2)
		split(at, path, "/")
		if (path[1] == "userspace") {
			check_userspace(header, quoted, path[2])
		} else if (path[1] == "bpf") {
			if (header !~ (quoted ? "^(sluice/|bpf/|vmlinux\\.h$)" : "^bpf/"))
				complain("bpf/ may not use " header)
		} else if (header !~ (quoted ? "^sluice/" : "^(linux/types|stdint|stddef|stdbool)\\.h$")) {
			complain("include/ may not use " header)
		}
	}
	END { exit bad }
' userspace/LAYERS -
