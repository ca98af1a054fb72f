#!/bin/sh
# Trains every run of the study, writes its report into a folder of its name, and verifies that.
# Call it where the folder studies/ lies. Versions of Python and packages: environment.json.
set -eu
harness register deeper-language-model --device cpu --precision fp32 --trials 5 --seeds 1 --points be4e357289cf2d4aa46d2e343726a0ae2c0f78f36a1a1aae3f751383aa505e5c
harness run deeper-language-model --device cpu --precision fp32 --trials 5 --seeds 1 --portable
harness report deeper-language-model --out deeper-language-model
harness verify deeper-language-model
