#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# C is formatted as .clang-format says (`make format` does it).
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/lint/files.sh
c_files | xargs -r clang-format-14 --dry-run -Werror
