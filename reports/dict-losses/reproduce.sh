#!/bin/sh
# Trains every run of the study, writes its report into a folder of its name, and verifies that.
# Call it where the folder studies/ lies. Versions of Python and packages: environment.json.
set -eu
harness run dict-losses --device cpu --precision fp32 --trials 12 --seeds 3
harness report dict-losses --out dict-losses
harness verify dict-losses
