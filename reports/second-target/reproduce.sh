#!/bin/sh
# Trains every run of the study, writes its report into a folder of its name, and verifies that.
# Call it where the folder studies/ lies. Versions of Python and packages: environment.json.
set -eu
harness register second-target --device cpu --precision fp32 --trials 12 --seeds 3 --points b35ba09644b7c64a29533d6db997e9d3dea97dac5f7e0df05412f52813c2726d
harness run second-target --device cpu --precision fp32 --trials 12 --seeds 3 --portable
harness report second-target --out second-target
harness verify second-target
