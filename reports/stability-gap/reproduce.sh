#!/bin/sh
# Trains every run of the study, writes its report into a folder of its name, and verifies that.
# Call it where the folder studies/ lies. Versions of Python and packages: environment.json.
set -eu
harness register stability-gap --device cpu --precision fp32 --trials 12 --seeds 3 --points 9fb8e88a8c0ce9bcd445fd9878cbfad31003d6c247b00de5a3646b0b8a194eb5
harness run stability-gap --device cpu --precision fp32 --trials 12 --seeds 3 --portable
harness report stability-gap --out stability-gap
harness verify stability-gap
