#!/bin/sh
# Makes results/ anew, of this machine: about seven minutes, in which nothing else should run. DISK is the
# folder whose disk is measured; SEEDS are those of the conversations that are served.
set -eu
cd "$(dirname "$0")"
terrace=${TERRACE:-../../build/release/terrace}
disk=${DISK:-${TMPDIR:-/tmp}}
name=results/${NAME:-two-vcpus}
mkdir -p results
"$terrace" calibrate --fresh --disk "$disk" --out "$name"
"$terrace" calibrate report "$name" > results/report.txt
for seed in ${SEEDS:-13 14}; do
  "$terrace" validate --here --disk "$disk" --seed "$seed" --out "results/loop-$seed" \
    > "results/loop-$seed.txt"
done
