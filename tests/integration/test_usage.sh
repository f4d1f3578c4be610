#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# sluice-usage: see usage.py.
exec python3 "$(dirname "$0")/usage.py"
