#!/bin/sh
# Makes results/ anew: about a minute on two cores. TERRACE names the program; by default that of the build.
set -eu
cd "$(dirname "$0")"
terrace=${TERRACE:-../../build/release/terrace}
kinds="mha gqa mla mqa"
mkdir -p results
"$terrace" footprint --models mha.yaml,gqa.yaml,mla.yaml,mqa.yaml --context '4k..128k x2' \
  --hw h100-sxm --max-num-seqs 1024 --csv results/footprint.csv --plot results/footprint.svg \
  > results/footprint.txt
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for kind in $kinds; do
  "$terrace" capacity scenario.yaml --set "model=$kind.yaml" > "results/capacity-$kind.txt"
  "$terrace" plan plan.yaml --set "set.model=$kind.yaml" --out "$work/$kind" \
    > "results/plan-$kind.txt" 2> "$work/progress"
done
