#!/bin/sh
# Makes results/ anew: some minutes on two cores. TERRACE names the program; by default that of the build.
set -eu
cd "$(dirname "$0")"
terrace=${TERRACE:-../../build/release/terrace}
mkdir -p results
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$terrace" plan plan.yaml --out "$work/plan" > results/plan.txt 2> "$work/progress"
cp "$work/plan/candidates.csv" "$work/plan/offers.csv" results/
"$terrace" run chat-and-agents.yaml --out "$work/run" --quiet
"$terrace" endurance --run "$work/run" --what-if through,selective,back,second_touch \
  > results/endurance.txt
"$terrace" cliff chat-and-agents.yaml --vary load=0.5..4 > results/cliff.txt
