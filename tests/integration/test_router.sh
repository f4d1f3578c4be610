#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# sluice-router: see router.py.
exec python3 "$(dirname "$0")/router.py"
