#!/bin/sh
# Trains every run of the study, writes its report into a folder of its name, and verifies that.
# Call it where the folder studies/ lies. Versions of Python and packages: environment.json.
set -eu
harness run split-mnist --device cpu --precision fp32 --trials 1 --seeds 10
harness report split-mnist --out split-mnist
harness verify split-mnist
