#!/bin/sh
# Trains every run of the study, writes its report into a folder of its name, and verifies that.
# Call it where the folder studies/ lies. Versions of Python and packages: environment.json.
set -eu
harness run late-head-learning-rate --device cpu --precision fp32 --trials 6 --seeds 2
harness report late-head-learning-rate --out late-head-learning-rate
harness verify late-head-learning-rate
