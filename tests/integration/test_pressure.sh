#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Backpressure from workers to a router's answers: see pressure.py.
exec python3 "$(dirname "$0")/pressure.py"
