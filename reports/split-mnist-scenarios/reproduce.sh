#!/bin/sh
# Trains every run of the study, writes its report into a folder of its name, and verifies that.
# Call it where the folder studies/ lies. Versions of Python and packages: environment.json.
set -eu
harness register split-mnist-scenarios --device cpu --precision fp32 --trials 5 --seeds 1 --points ff2a8cb144eb7c9c611732f81754978aedb466290af3fc165142e55d1dfd3cc5
harness run split-mnist-scenarios --device cpu --precision fp32 --trials 5 --seeds 1 --portable
harness report split-mnist-scenarios --out split-mnist-scenarios
harness verify split-mnist-scenarios
