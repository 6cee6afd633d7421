#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A minute of "make soak", always the same faults.
exec "$(dirname "$0")/soak.sh" 1 2450
