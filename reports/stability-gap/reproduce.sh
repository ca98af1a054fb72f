#!/bin/sh
# Trains every run of the study, writes its report into a folder of its name, and verifies that.
# Call it where the folder studies/ lies. Versions of Python and packages: environment.json.
set -eu
harness run stability-gap --device cpu --precision fp32 --trials 12 --seeds 3
harness report stability-gap --out stability-gap
harness verify stability-gap
