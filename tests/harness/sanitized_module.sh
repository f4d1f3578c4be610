# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2034 # variables of netns.sh, and for who sources this
# Sourced after netns.sh by what starts nginx for a test. With SL_SANITIZED=1 the module is
# the one that was built under ASan and UBSan:
#
#   gateway_module   the file
#   gateway_with     what to start nginx with, an array: nginx itself is built without, so
#                    it has to load the sanitizers' libraries first

gateway_module=$sl_bin/ngx_http_sluice_module.so
gateway_with=()

# gateway_sanitized: when $sl_dir is there, which others may enter
gateway_sanitized() {
	local name libraries=

	[ "${SL_SANITIZED:-0}" != 0 ] || return 0
	gateway_module=$sl_build/sanitized/bin/ngx_http_sluice_module.so
	for name in libasan libubsan; do
		libraries+=${libraries:+:}$(ldd "$gateway_module" | awk -v name="$name" 'index($1, name) == 1 { print $3 }')
	done
	# Workers may be nobody. nginx does not free all it has when it ends: leaks are its own.
	mkdir -p "$sl_dir/sanitizer" && chmod 1777 "$sl_dir/sanitizer"
	gateway_with=(env "LD_PRELOAD=$libraries"
		"ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0:log_path=$sl_dir/sanitizer/asan"
		"UBSAN_OPTIONS=${UBSAN_OPTIONS:+$UBSAN_OPTIONS:}log_path=$sl_dir/sanitizer/ubsan")
}

# check_sanitized PID: of nginx. Its workers have the libraries, and these found nothing.
check_sanitized() {
	[ "${SL_SANITIZED:-0}" != 0 ] || return 0
	check "the sanitizers are in nginx" grep -q libasan "/proc/$1/maps"
	check "and found nothing" sanitizers_found_nothing
}

sanitizers_found_nothing() {
	[ -z "$(find "$sl_dir/sanitizer" -type f)" ] || {
		head -n 60 -q "$sl_dir"/sanitizer/* | sed 's/^/# /'
		return 1
	}
}
