#!/bin/sh
# Trains every run of the study, writes its report into a folder of its name, and verifies that.
# Call it where the folder studies/ lies. Versions of Python and packages: environment.json.
set -eu
harness run grow-on-plateau --device cpu --precision fp32 --trials 6 --seeds 2
harness report grow-on-plateau --out grow-on-plateau
harness verify grow-on-plateau
