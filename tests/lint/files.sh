# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced by the lints, after cd to the top: which files are ours.

# Prints the project's files that match the given globs (of the path or of its end).
project_files() {
	local glob path

	if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
		git ls-files -co --exclude-standard
	else
		find . \( -name .git -o -path './build*' \) -prune -o -type f -printf '%P\n'
	fi | sort -u | while read -r path; do
		[ -f "$path" ] || continue
		for glob in "$@"; do
			# shellcheck disable=SC2053 # the right side is a glob
			if [[ $path == $glob || $path == */$glob ]]; then
				printf '%s\n' "$path"
				break
			fi
		done
	done
}

# Shell programs, by name or by their first line.
shell_files() {
	project_files '*.sh' '*.bash' '.githooks/*' '.ci/run'
}

# C that people wrote.
c_files() {
	project_files '*.c' '*.h' | grep -vx 'vmlinux.h'
}

# What finds nginx's headers, as the Makefile has it: for userspace/gateway/nginx.
nginx_flags() {
	local folder source=${NGINX_DEV:-/usr/share/nginx/src}

	printf -- '-isystem %s' "${SL_BUILD:-build}/nginx"
	for folder in core event event/modules os/unix http http/modules http/v2; do
		printf -- ' -isystem %s' "$source/src/$folder"
	done
}
