#!/bin/sh
# Trains every run of the study, writes its report into a folder of its name, and verifies that.
# Call it where the folder studies/ lies. Versions of Python and packages: environment.json.
set -eu
harness register frozen-or-unfrozen-table --device cpu --precision fp32 --trials 6 --seeds 1 --points 5bd3288a370737c0cac7710dcbe4271e2ca4afaee71c33ca7379226b0a3152a2
harness run frozen-or-unfrozen-table --device cpu --precision fp32 --trials 6 --seeds 1 --portable
harness report frozen-or-unfrozen-table --out frozen-or-unfrozen-table
harness verify frozen-or-unfrozen-table
