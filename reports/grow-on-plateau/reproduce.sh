#!/bin/sh
# Trains every run of the study, writes its report into a folder of its name, and verifies that.
# Call it where the folder studies/ lies. Versions of Python and packages: environment.json.
set -eu
harness register grow-on-plateau --device cpu --precision fp32 --trials 6 --seeds 2 --points 34c63adbdf638c3f21bc1b8d6cb2602d413e948ba6701a8b051344df21d6d4af
harness run grow-on-plateau --device cpu --precision fp32 --trials 6 --seeds 2 --portable
harness report grow-on-plateau --out grow-on-plateau
harness verify grow-on-plateau
