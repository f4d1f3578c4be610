#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# clang-tidy as .clang-tidy says, and cppcheck, over the userspace code and the simulator.
# Needs the skeletons: run it by `make lint`. What passed is not looked at again while it, what it
# includes and the rules are the same: build/tidy has a file for each.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/lint/files.sh
export skel=${SL_BUILD:-build}/skel

nginx_flags=$(nginx_flags)
export nginx_flags

export passed=${SL_BUILD:-build}/tidy
mkdir -p "$passed"
rules=$({
	clang-tidy-14 --version
	cat .clang-tidy tests/sim/.clang-tidy tests/lint/check_tidy.sh
} | sha256sum)
export rules

# shellcheck disable=SC2317,SC2206 # called by xargs; the flags are words
tidy() {
	local file key bad=0
	local flags=(-std=gnu11 -D_GNU_SOURCE -DSL_VERSION='"0"' -I. -Iinclude -isystem "$skel"
		$nginx_flags)

	for file; do
		# Comments count: they may say NOLINT.
		key=$(set -o pipefail && {
			echo "$rules" && clang-14 "${flags[@]}" -E -CC "$file" 2>/dev/null
		} | sha256sum) || key=
		[ -n "$key" ] && [ -e "$passed/${key%% *}" ] && continue
		if ! clang-tidy-14 --quiet "$file" -- "${flags[@]}"; then
			bad=1
		elif [ -n "$key" ]; then
			: >"$passed/${key%% *}"
		fi
	done
	return "$bad"
}
export -f tidy

mapfile -t files < <(c_files | grep -E '^(userspace|tests/sim)/.*\.c$')
[ ${#files[@]} -gt 0 ] || exit 0

bad=0
# shellcheck disable=SC2016 # the inner shell expands it
printf '%s\n' "${files[@]}" | xargs -P "$(nproc)" -n 4 bash -c 'tidy "$@"' tidy || bad=1
# memleak: cppcheck does not know __attribute__((cleanup)); LeakSanitizer looks for leaks.
cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,portability --inline-suppr \
	--suppress=memleak --suppress=resourceLeak --suppress=missingIncludeSystem \
	-j "$(nproc)" -D_GNU_SOURCE -I. -Iinclude "${files[@]}" || bad=1
exit $bad
