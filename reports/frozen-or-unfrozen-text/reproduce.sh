#!/bin/sh
# Trains every run of the study, writes its report into a folder of its name, and verifies that.
# Call it where the folder studies/ lies. Versions of Python and packages: environment.json.
set -eu
harness register frozen-or-unfrozen-text --device cpu --precision fp32 --trials 6 --seeds 1 --points fe86dd690e7f7685c106371d0a5aca05dac0113ee869e16e2f58313466d2cde6
harness run frozen-or-unfrozen-text --device cpu --precision fp32 --trials 6 --seeds 1 --portable
harness report frozen-or-unfrozen-text --out frozen-or-unfrozen-text
harness verify frozen-or-unfrozen-text
