#!/bin/sh
# Trains every run of the study, writes its report into a folder of its name, and verifies that.
# Call it where the folder studies/ lies. Versions of Python and packages: environment.json.
set -eu
harness register more-outputs --device cpu --precision fp32 --trials 12 --seeds 3 --points 48871067e39ac8fbe36bddeb0e7108079cff5011a555aba1fe379ee1de3bacae
harness run more-outputs --device cpu --precision fp32 --trials 12 --seeds 3 --portable
harness report more-outputs --out more-outputs
harness verify more-outputs
