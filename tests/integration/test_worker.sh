#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# sluice-worker: see worker.py.
exec python3 "$(dirname "$0")/worker.py"
