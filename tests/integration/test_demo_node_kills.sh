#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Any one process of the demo's two nodes is killed: a suite of its own, for its time.
exec "$(dirname "$0")/test_demo_kills.sh" nodes
