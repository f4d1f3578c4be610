#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Spelling, YAML and man pages.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/lint/files.sh
bad=0
project_files '*.c' '*.h' '*.sh' '*.py' '*.md' '*.yaml' '*.[1-8]' Makefile | grep -vx vmlinux.h |
	xargs -r codespell -L nd,inflight || bad=1 # .Nd of man pages; a field of the pressure signal
project_files '*.yaml' '*.yml' | grep -v '^tests/fuzz/' | xargs -r yamllint -s -c tests/lint/yamllint.yaml || bad=1
project_files 'docs/man/*.[1-8]' | xargs -r mandoc -T lint -W warning || bad=1
exit $bad
