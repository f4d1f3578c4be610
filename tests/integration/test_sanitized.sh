#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The nginx module under AddressSanitizer and UndefinedBehaviorSanitizer: with a real agent,
# through reloads, killed workers, clients that leave and a NATS that dies.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1

export SL_SANITIZED=1
code=0
tests/integration/test_binding.sh || code=1
tests/integration/test_gateway.sh || code=1
exit $code
