#!/bin/sh
# Trains every run of the study, writes its report into a folder of its name, and verifies that.
# Call it where the folder studies/ lies. Versions of Python and packages: environment.json.
set -eu
harness run fashion-late-classes --device cpu --precision fp32 --trials 24 --seeds 5
harness report fashion-late-classes --out fashion-late-classes
harness verify fashion-late-classes
