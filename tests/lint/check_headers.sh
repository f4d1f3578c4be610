#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Each header compiles alone: it includes what it uses. Those of bpf/ come after
# vmlinux.h, since some of them are compiled for the host as well.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/lint/files.sh
build=${SL_BUILD:-build}
flags=(-std=gnu11 -Wall -Wextra -Werror -fsyntax-only -I. -Iinclude -x c -)

bad=0
alone() {
	local header=$1

	shift
	printf '#include "%s"\nextern int sl_nothing;\n' "$header" | "$@" && return
	echo "$header: does not compile alone"
	bad=1
}

read -ra nginx < <(nginx_flags && echo)
while read -r header; do
	alone "$header" gcc -D_GNU_SOURCE -isystem "$build/skel" "${nginx[@]}" "${flags[@]}"
done < <(project_files 'userspace/*.h' 'include/*.h' 'tests/harness/*.h')
while read -r header; do
	alone "$header" clang-14 -target bpf -O2 -include vmlinux.h -include bpf/bpf_helpers.h \
		-Wno-unused-function "${flags[@]}"
done < <(project_files 'bpf/*.h')
exit $bad
