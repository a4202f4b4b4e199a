#!/usr/bin/env bash
# Fits the kernel profiles of hwprofiles/kernels/ to NVIDIA's published kernel timings, below
# $TERRACE_DATA/silicon, and steps with prompts and decodes to LLMServingSim's profiles of layers,
# below $TERRACE_DATA/layer_profiles (see README.md for where they come from). About two CPU minutes
# per GPU.
#
#   TERRACE_DATA=... reports/validation/fit.sh [GPU...]
#   ONLY='decode dtype=fp8' ... fits what matches only
#
# Parameters are held where points do not determine them: FlashAttention-3 splits as FlashAttention-2
# does not (mha_splits); fp8 products of L40S and RTX PRO 6000 never wait for L2 (feed); and so on.
set -euo pipefail
cd "$(dirname "$0")/../.."
terrace=${TERRACE:-build/release/terrace}
source="NVIDIA aiconfigurator, commit 095f58a, Apache-2.0, (c) 2025-2026 NVIDIA CORPORATION"

fit() {  # GPU FOLDER ENGINE FORM FILE WHERE
  local hold=()
  case "$1 $4 $6" in
    "h100-sxm decode dtype=bf16,head_dim=64" | "h100-sxm decode dtype=fp8,head_dim=64" | \
      "h100-sxm decode dtype=fp8,head_dim=128") hold=(--hold mha_splits=128) ;;
    "h100-sxm decode dtype=fp8,head_dim=192") hold=(--hold "mha_splits=128,gather=0.1 us") ;;
    "h100-sxm decode dtype=fp8,head_dim=256") hold=(--hold "mha_splits=128,bandwidth=3.35 TB/s") ;;
    "h200-sxm decode dtype=fp8,head_dim=256") hold=(--hold "mha_splits=128,bandwidth=4.8 TB/s") ;;
    "l40s decode dtype=bf16,head_dim=192" | "l40s decode dtype=fp8,head_dim=128")
      hold=(--hold "cold_start=0.1 us") ;;
    "l40s decode dtype=fp8,head_dim=192")
      hold=(--hold "cold_start=0.1 us,combine=2.5 us,merge=0.15 us,gather=0.1 us") ;;
    "rtx-pro-6000-server decode dtype=fp8,head_dim=64")
      hold=(--hold "mha_splits=1,tile_bandwidth=100 GB/s") ;;
    "rtx-pro-6000-server decode dtype=fp8,head_dim=192")
      hold=(--hold "merge=0.15 us,gather=0.1 us") ;;
    "l40s gemm dtype=fp8" | "rtx-pro-6000-server gemm dtype=fp8") hold=(--hold "feed=60 TB/s") ;;
  esac
  [[ "$4 $6" == *"${ONLY:-}"* ]] || return 0
  echo "== $1 $4 $6"
  "$terrace" calibrate fit --gpu "$1" --form "$4" --points "$TERRACE_DATA/silicon/$2/$5.csv" \
    --where "$6" --engine "$3" --source "$source" --bootstrap 100 "${hold[@]}" \
    --out "hwprofiles/kernels/$1.yaml" || echo "NOT FITTED: $1 $4 $6"
}

one() {  # GPU FOLDER ENGINE MLA_ENGINE NCCL HEAD_DIMS DTYPES
  local gpu=$1 folder=$2 engine=$3 mla=$4 nccl=$5
  for dtype in $7; do
    fit "$gpu" "$folder" "$engine" gemm gemm "dtype=$dtype"
    for head_dim in $6; do
      fit "$gpu" "$folder" "$engine" decode attention_decode "dtype=$dtype,head_dim=$head_dim"
      fit "$gpu" "$folder" "$engine" prefill attention_prefill "dtype=$dtype,head_dim=$head_dim"
    done
  done
  for dtype in bf16 fp8; do
    fit "$gpu" "$folder" "$mla" mla_decode mla_decode "dtype=$dtype"
    fit "$gpu" "$folder" "$mla" mla_prefill mla_prefill "dtype=$dtype"
  done
  for gpus in 2 4 8; do
    fit "$gpu" "$folder" "$engine" all_reduce allreduce "mode=graph,num_gpus=$gpus"
    for op in all_gather reduce_scatter; do
      fit "$gpu" "$folder" "$nccl" "$op" nccl "op=$op,dtype=half,num_gpus=$gpus"
    done
  done
}

# One in 13 of the steps with both; prefill_ns is what their chunk takes without the decodes.
mixed_points() {
  echo "num_heads,num_kv_heads,head_dim,dtype,prefill_chunk,kv_prefill,prefill_ns,n_decode,kv_decode,latency_us"
  local model kv_heads tp
  while read -r model kv_heads; do
    for tp in 1 2; do
      awk -F, -v heads=$((32 / tp)) -v kv_heads=$((kv_heads / tp)) '
        NR == 1 || $1 == 0 { next }
        $3 == 0 { alone[$1, $2] = 1000 * $5 }
        $3 > 0 && ++seen % 13 == 0 { kept[++rows] = $0 }
        END {
          for (i = 1; i <= rows; ++i) {
            split(kept[i], x)
            printf "%d,%d,128,bf16,%d,%d,%.0f,%d,%d,%s\n", heads, kv_heads, x[1], x[2],
                   alone[x[1], x[2]], x[3], x[4], x[5]
          }
        }' "$TERRACE_DATA/layer_profiles/RTXPRO6000_${model}_tp${tp}_attention.csv"
    done
  done <<<"Llama-3.1-8B 8
Qwen3-30B-A3B-Instruct-2507 4"
}

mixed() {  # GPU
  [[ "mixed dtype=bf16" == *"${ONLY:-}"* ]] || return 0
  echo "== $1 mixed"
  local points
  points=$(mktemp --suffix=.csv)
  mixed_points >"$points"
  "$terrace" calibrate fit --gpu "$1" --form mixed --points "$points" --engine "vLLM 0.19.0" \
    --source "LLMServingSim commit 5daddb2, MIT, (c) 2024 CASYS Lab at KAIST" --bootstrap 100 \
    --out "hwprofiles/kernels/$1.yaml" || echo "NOT FITTED: $1 mixed"
  rm "$points"
}

for gpu in "${@:-h200-sxm h100-sxm a100-80-sxm l40s rtx-pro-6000-server}"; do
  for name in $gpu; do
    case $name in
      h200-sxm | h100-sxm)
        one "$name" "${name/-/_}" "vLLM 0.24.0" "TensorRT-LLM 1.3.0rc20" "NCCL 2.29.2" \
          "64 128 192 256" "bf16 fp8" ;;
      a100-80-sxm)
        one "$name" a100_sxm "vLLM 0.14.0" "TensorRT-LLM 1.0.0" "NCCL 2.27.3" 128 bf16 ;;
      l40s)
        one "$name" l40s "vLLM 0.24.0" "TensorRT-LLM 1.0.0" "NCCL 2.27.3" "64 128 192 256" \
          "bf16 fp8" ;;
      rtx-pro-6000-server)
        one "$name" rtx_pro_6000 "vLLM 0.24.0" "TensorRT-LLM 1.3.0rc20" "NCCL 2.29.2" \
          "64 128 192 256" "bf16 fp8"
        mixed "$name" ;;
      *) echo "no published timings of '$name'" >&2; exit 2 ;;
    esac
  done
done
