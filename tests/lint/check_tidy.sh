#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# clang-tidy as .clang-tidy says, and cppcheck, over the userspace code.
# Needs the skeletons: run it by `make lint`.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/lint/files.sh
export skel=${SL_BUILD:-build}/skel

nginx_flags=$(nginx_flags)
export nginx_flags

# shellcheck disable=SC2317,SC2086 # called by xargs; the flags are words
tidy() {
	clang-tidy-14 --quiet "$@" -- -std=gnu11 -D_GNU_SOURCE -DSL_VERSION='"0"' -I. -Iinclude \
		-isystem "$skel" $nginx_flags
}
export -f tidy

mapfile -t files < <(c_files | grep -E '^userspace/.*\.c$')
[ ${#files[@]} -gt 0 ] || exit 0

bad=0
# shellcheck disable=SC2016 # the inner shell expands it
printf '%s\n' "${files[@]}" | xargs -P "$(nproc)" -n 4 bash -c 'tidy "$@"' tidy || bad=1
# memleak: cppcheck does not know __attribute__((cleanup)); LeakSanitizer looks for leaks.
cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,portability --inline-suppr \
	--suppress=memleak --suppress=resourceLeak --suppress=missingIncludeSystem \
	-j "$(nproc)" -D_GNU_SOURCE -I. -Iinclude "${files[@]}" || bad=1
exit $bad
