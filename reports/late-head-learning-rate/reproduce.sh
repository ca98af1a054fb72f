#!/bin/sh
# Trains every run of the study, writes its report into a folder of its name, and verifies that.
# Call it where the folder studies/ lies. Versions of Python and packages: environment.json.
set -eu
harness register late-head-learning-rate --device cpu --precision fp32 --trials 6 --seeds 2 --points 1c9b67b56461e837bd1cb0911f895bf6b176ab739c4caec5952df17f12a85294
harness run late-head-learning-rate --device cpu --precision fp32 --trials 6 --seeds 2 --portable
harness report late-head-learning-rate --out late-head-learning-rate
harness verify late-head-learning-rate
