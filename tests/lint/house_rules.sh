#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The rules a grep can check. Argument: the tree to check (default: this one).
set -uo pipefail
lint=$(cd "$(dirname "$0")" && pwd)
cd "${1:-$lint/../..}" || exit 1
# shellcheck source=tests/lint/files.sh
. "$lint/files.sh"

length_max=500
bad=0

complain() {
	echo "$*"
	bad=1
}

# forbid TEXT REGEX: a line of the files on standard input that matches breaks a rule.
# Files come by < <(...) and not by a pipe, so that `bad` is set in this shell.
forbid() {
	local hits

	hits=$(xargs -r grep -HnE -e "$2" -- /dev/null)
	[ -z "$hits" ] || complain "$1:"$'\n'"$hits"
}

# The licence of a file, by its folder.
licence_of() {
	case $1 in
	include/*) echo 'GPL-2.0-only OR Apache-2.0' ;;
	bpf/* | *.bpf.c | vmlinux.h) echo GPL-2.0-only ;;
	*) echo Apache-2.0 ;;
	esac
}

check_licences() {
	local path want

	while read -r path; do
		want="SPDX-License-Identifier: $(licence_of "$path")"
		head -n 2 "$path" | grep -qE "$want( \*/)?\$" ||
			complain "$path: the first line must say: $want"
	done < <(project_files '*.c' '*.h' '*.sh' '*.bash' '*.py' Makefile '.githooks/*' '.ci/run')
}

check_lengths() {
	local path lines

	while read -r path; do
		lines=$(wc -l <"$path")
		[ "$lines" -le "$length_max" ] ||
			complain "$path: $lines lines, more than $length_max: it holds more than one idea"
	done < <(project_files '*.c' '*.h' '*.sh' '*.py' | grep -vx vmlinux.h)
}

# Brackets in the patterns keep this file from matching itself.
check_words() {
	forbid "unfinished: finish it or leave it out" \
		'\b([T]ODO|[F]IXME|[X]XX|[H]ACK)\b|\b([f]or now|[p]laceholder|[s]tub(s|bed)?|no[t] implemented)\b' \
		< <(texts)
	forbid "a path of one machine" \
		'(^|[^A-Za-z0-9_.-])/(wor[k]|hom[e]/[a-z0-9]+|roo[t]|User[s])/|\.librar[y]\b' < <(texts)
}

texts() {
	project_files '*.c' '*.h' '*.sh' '*.py' '*.bash' '*.md' '*.yaml' '*.yml' '*.[1-8]' Makefile \
		'.githooks/*' '.ci/run' | grep -vx vmlinux.h
}

# The C files under userspace/, or under those of its folders that are named.
userspace_files() {
	local folders

	folders=$(IFS='|' && echo "$*")
	c_files | grep -E "^userspace/($folders)"
}

check_code() {
	local path

	forbid "a build must give the same bytes twice" '__(DAT[E]|TIM[E]|TIMESTAM[P])__' < <(c_files)
	forbid "space at the end of a line" '[[:space:]]$' < <(c_files)
	forbid "a function that cannot be used safely" \
		'\b(strcpy|strcat|sprintf|vsprintf|gets|atoi|atol|strtok|alloca|popen|system)\(' \
		< <(userspace_files '')
	forbid "a library prints nothing: it returns errors" \
		'\b(printf|fprintf|puts|fputs|perror|syslog)\(' \
		< <(userspace_files base/ domain/ conf/ dataplane/)
	forbid "the domain reads no clock: time is a parameter" \
		'\b(clock_gettime|gettimeofday|time)\(' < <(userspace_files domain/)

	while read -r path; do
		grep -q '^#pragma once' "$path" || complain "$path: a header needs #pragma once"
	done < <(c_files | grep '\.h$')
}

check_licences
check_lengths
check_words
check_code
exit $bad
