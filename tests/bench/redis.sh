#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a renewal of a quota costs a Redis server of our own on loopback: bench-redis.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck disable=SC1091
. tests/harness/redis.sh

trap redis_end EXIT
redis_begin && start_redis one || exit 1
# shellcheck disable=SC2154
"${SL_BUILD:-build}/bin/bench-redis" "${redis_port[one]}"
