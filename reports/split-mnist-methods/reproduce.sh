#!/bin/sh
# Trains every run of the study, writes its report into a folder of its name, and verifies that.
# Call it where the folder studies/ lies. Versions of Python and packages: environment.json.
set -eu
harness register split-mnist-methods --device cpu --precision fp32 --trials 1 --seeds 10 --points 7326192992511f221d23135afe6775d4f126fb25f8af705252f6231edf32c244
harness run split-mnist-methods --device cpu --precision fp32 --trials 1 --seeds 10 --portable
harness report split-mnist-methods --out split-mnist-methods
harness verify split-mnist-methods
