#!/bin/sh
# Trains every run of the study, writes its report into a folder of its name, and verifies that.
# Call it where the folder studies/ lies. Versions of Python and packages: environment.json.
set -eu
harness run split-and-distill --device cpu --precision fp32 --trials 5 --seeds 2
harness report split-and-distill --out split-and-distill
harness verify split-and-distill
