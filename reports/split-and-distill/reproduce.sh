#!/bin/sh
# Trains every run of the study, writes its report into a folder of its name, and verifies that.
# Call it where the folder studies/ lies. Versions of Python and packages: environment.json.
set -eu
harness register split-and-distill --device cpu --precision fp32 --trials 5 --seeds 2 --points 5c75de11ca9e8c1f890fee4a03696122ef27095735b1bc6538f24cb601f84e78
harness run split-and-distill --device cpu --precision fp32 --trials 5 --seeds 2 --portable
harness report split-and-distill --out split-and-distill
harness verify split-and-distill
