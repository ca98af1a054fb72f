#!/bin/sh
# Trains every run of the study, writes its report into a folder of its name, and verifies that.
# Call it where the folder studies/ lies. Versions of Python and packages: environment.json.
set -eu
harness register split-mnist --device cpu --precision fp32 --trials 1 --seeds 10 --points e7af4039d34acac3db6b16eb8fc977ce8a9bb929b77686dae222bae225cc03bd
harness run split-mnist --device cpu --precision fp32 --trials 1 --seeds 10 --portable
harness report split-mnist --out split-mnist
harness verify split-mnist
