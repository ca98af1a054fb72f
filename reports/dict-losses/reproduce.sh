#!/bin/sh
# Trains every run of the study, writes its report into a folder of its name, and verifies that.
# Call it where the folder studies/ lies. Versions of Python and packages: environment.json.
set -eu
harness register dict-losses --device cpu --precision fp32 --trials 12 --seeds 3 --points e9a7540c4a1d32eae0f7f9e33dbdd92d65edb89562cd3c2c783a7cb882f75715
harness run dict-losses --device cpu --precision fp32 --trials 12 --seeds 3 --portable
harness report dict-losses --out dict-losses
harness verify dict-losses
