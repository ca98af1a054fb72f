#!/bin/sh
# Trains every run of the study, writes its report into a folder of its name, and verifies that.
# Call it where the folder studies/ lies. Versions of Python and packages: environment.json.
set -eu
harness register wider-head-start --device cpu --precision fp32 --trials 8 --seeds 2 --points 23235ab3ac7936efce2c2be0a5cbddae98b238af5928ae34675170484e7f9000
harness run wider-head-start --device cpu --precision fp32 --trials 8 --seeds 2 --portable
harness report wider-head-start --out wider-head-start
harness verify wider-head-start
