#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The contract, row by row, of a gateway under AddressSanitizer and
# UndefinedBehaviorSanitizer: every kind of malformed request among them.
cd "$(dirname "$0")/../.." || exit 1
SL_SANITIZED=1 exec tests/integration/test_contract.sh
