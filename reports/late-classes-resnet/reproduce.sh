#!/bin/sh
# Trains every run of the study, writes its report into a folder of its name, and verifies that.
# Call it where the folder studies/ lies. Versions of Python and packages: environment.json.
set -eu
harness register late-classes-resnet --device cpu --precision fp32 --trials 6 --seeds 1 --points e6200865d2f566726e8e73e70bdc134dda1a85d3ec70190c29b717fd127d3db6
harness run late-classes-resnet --device cpu --precision fp32 --trials 6 --seeds 1 --portable
harness report late-classes-resnet --out late-classes-resnet
harness verify late-classes-resnet
