#!/bin/sh
# Trains every run of the study, writes its report into a folder of its name, and verifies that.
# Call it where the folder studies/ lies. Versions of Python and packages: environment.json.
set -eu
harness register frozen-or-unfrozen-images --device cpu --precision fp32 --trials 6 --seeds 1 --points cb8e761372b71ffe0819c93fe7eebd947e04ee5369fc0787cdf58d7dca3a2af5
harness run frozen-or-unfrozen-images --device cpu --precision fp32 --trials 6 --seeds 1 --portable
harness report frozen-or-unfrozen-images --out frozen-or-unfrozen-images
harness verify frozen-or-unfrozen-images
