#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Limits that gateways count together in Redis, of gateways under AddressSanitizer and
# UndefinedBehaviorSanitizer: clients that leave and servers that freeze among them.
cd "$(dirname "$0")/../.." || exit 1
SL_SANITIZED=1 exec tests/integration/test_redis_mode.sh
