#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Shell passes shellcheck; Python compiles.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/lint/files.sh
shell_files | xargs -r shellcheck -x
project_files '*.py' | while read -r path; do
	python3 -c 'import ast, sys; ast.parse(open(sys.argv[1], encoding="utf-8").read(), sys.argv[1])' "$path"
done
