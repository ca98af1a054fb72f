#!/bin/sh
# Trains every run of the study, writes its report into a folder of its name, and verifies that.
# Call it where the folder studies/ lies. Versions of Python and packages: environment.json.
set -eu
harness register new-domain --device cpu --precision fp32 --trials 5 --seeds 1 --points 0451021b888b8f3422f323a24676a51ce1bf9f459119ec4a97a987c1bb4bfc2f
harness run new-domain --device cpu --precision fp32 --trials 5 --seeds 1 --portable
harness report new-domain --out new-domain
harness verify new-domain
