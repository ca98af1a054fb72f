#!/bin/sh
# Trains every run of the study, writes its report into a folder of its name, and verifies that.
# Call it where the folder studies/ lies. Versions of Python and packages: environment.json.
set -eu
harness register students-grow --device cpu --precision fp32 --trials 8 --seeds 3 --points ee9aee8acbb3abd690d65e8bd55fc6ebed38ddc2dce63f07f1c270e40e582244
harness run students-grow --device cpu --precision fp32 --trials 8 --seeds 3 --portable
harness report students-grow --out students-grow
harness verify students-grow
