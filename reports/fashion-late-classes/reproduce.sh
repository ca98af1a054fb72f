#!/bin/sh
# Trains every run of the study, writes its report into a folder of its name, and verifies that.
# Call it where the folder studies/ lies. Versions of Python and packages: environment.json.
set -eu
harness register fashion-late-classes --device cpu --precision fp32 --trials 24 --seeds 5 --points 29025accfae36c7a5df15c5370a78636b3ce349863a3a59fb6802629f1d24528
harness run fashion-late-classes --device cpu --precision fp32 --trials 24 --seeds 5 --portable
harness report fashion-late-classes --out fashion-late-classes
harness verify fashion-late-classes
