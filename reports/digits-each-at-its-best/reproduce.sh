#!/bin/sh
# Trains every run of the study, writes its report into a folder of its name, and verifies that.
# Call it where the folder studies/ lies. Versions of Python and packages: environment.json.
set -eu
harness run digits-each-at-its-best --device cpu --precision fp32 --trials 16 --seeds 1
harness report digits-each-at-its-best --out digits-each-at-its-best
harness verify digits-each-at-its-best
