#!/bin/sh
# Trains every run of the study, writes its report into a folder of its name, and verifies that.
# Call it where the folder studies/ lies. Versions of Python and packages: environment.json.
set -eu
harness register digits-late-classes --device cpu --precision fp32 --trials 12 --seeds 3 --points abb918db318835ba6c823cd864cddb98355099198b76bd3655617ec0ebaac124
harness run digits-late-classes --device cpu --precision fp32 --trials 12 --seeds 3 --portable
harness report digits-late-classes --out digits-late-classes
harness verify digits-late-classes
