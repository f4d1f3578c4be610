#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Finds private keys and tokens. Arguments: the files to look at (default: all).
# A line with "not-a-secret" is excused.
set -euo pipefail
lint=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/lint/files.sh
. "$lint/files.sh"
if [ $# -eq 0 ]; then
	cd "$lint/../.."
	mapfile -t files < <(project_files '*')
else
	files=("$@")
fi

patterns=(
	'-----BEGIN ([A-Z]+ )*PRIVATE KEY'
	'\b(AKIA|ASIA)[0-9A-Z]{16}\b'
	'\bgh[pousr]_[A-Za-z0-9]{30,}'
	'\bgithub_pat_[A-Za-z0-9_]{30,}'
	'\bglpat-[A-Za-z0-9_-]{20,}'
	'\bxox[abprs]-[A-Za-z0-9-]{10,}'
	'\bsk-[A-Za-z0-9_-]{24,}'
	'\bAIza[A-Za-z0-9_-]{35}'
	'\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.'
	'(password|passwd|secret|api_?key|auth_?token)["'\'']?[[:space:]]*[:=][[:space:]]*["'\''][^"'\'' ]{8,}["'\'']'
	'://[^/ :@]+:[^/ :@]{6,}@'
)
joined=$(IFS='|' && echo "${patterns[*]}")

bad=0
for path in "${files[@]}"; do
	case $path in
	*.pem | *.key | *.p12 | *.pfx | *id_rsa | *id_ed25519 | *.env)
		echo "$path: a file of this kind holds keys"
		bad=1
		;;
	esac
	if grep -InEi -e "$joined" -- "$path" /dev/null | grep -v not-a-secret; then
		bad=1
	fi
done
exit $bad
