#!/bin/sh
# Trains every run of the study, writes its report into a folder of its name, and verifies that.
# Call it where the folder studies/ lies. Versions of Python and packages: environment.json.
set -eu
harness register digits-each-at-its-best --device cpu --precision fp32 --trials 16 --seeds 1 --points 345b0c753f1fb43f8d655415f8241aa4ddcf28caaf3bfb976e4e3c575d090449
harness run digits-each-at-its-best --device cpu --precision fp32 --trials 16 --seeds 1 --portable
harness report digits-each-at-its-best --out digits-each-at-its-best
harness verify digits-each-at-its-best
