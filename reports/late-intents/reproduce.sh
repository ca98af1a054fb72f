#!/bin/sh
# Trains every run of the study, writes its report into a folder of its name, and verifies that.
# Call it where the folder studies/ lies. Versions of Python and packages: environment.json.
set -eu
harness register late-intents --device cpu --precision fp32 --trials 5 --seeds 1 --points 3118a3d4f966f864d823b118fadbe8cbd78f38188f3f3c87118d525478e1e4a2
harness run late-intents --device cpu --precision fp32 --trials 5 --seeds 1 --portable
harness report late-intents --out late-intents
harness verify late-intents
