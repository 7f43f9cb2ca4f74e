#!/usr/bin/env bash
# For each model and instruction set: `lathe verify` at the default tolerances with 1 and 2 threads, and the outputs of 1 and 2 threads compared
# byte by byte. AVX-512 runs in software where the machine lacks it, which is slow for large models.
#
#   tests/verify-models.sh [--isa "avx512 avx2 vector128"] FOLDER...       a folder holds model.onnx and test_data_set_*
#
# Needs the Release build of compiler/Lathe.Cli, or LATHE with another command. Prints a table; ends with 1 if anything fails.
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
read -ra lathe <<< "${LATHE:-dotnet $root/compiler/Lathe.Cli/bin/Release/net10.0/lathe.dll}"
isas="avx512 avx2 vector128"
if [ "${1:-}" = --isa ]; then isas=$2; shift 2; fi
if [ $# -eq 0 ]; then sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2; fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
printf '| %-26s | %-18s | %-8s | %-9s | %-14s | %7s |\n' model isa '1 thread' '2 threads' 'bytes of 1 = 2' seconds
echo '| --- | --- | --- | --- | --- | ---: |'
for model in "$@"; do
    for isa in $isas; do
        options=(--isa "$isa") name=$isa
        if [ "$isa" = avx512 ] && ! grep -qs avx512bw /proc/cpuinfo; then options+=(--emulate) name="avx512 in software"; fi
        start=$SECONDS
        for threads in 1 2; do
            verified[threads]=FAILED
            "${lathe[@]}" verify "$model" --data "$model" "${options[@]}" --threads $threads > /dev/null 2> "$work/verify$threads.log" && verified[threads]=passes
            rm -rf "$work/dump$threads"
            "${lathe[@]}" run "$model" "${options[@]}" --threads $threads --dump "$work/dump$threads" > /dev/null 2> "$work/run$threads.log"
        done

        equal=DIFFER
        # Two inferences that failed left nothing, which would be equal.
        [ -s "$work/dump1/manifest.json" ] && diff -r "$work/dump1" "$work/dump2" > /dev/null && equal=equal
        printf '| %-26s | %-18s | %-8s | %-9s | %-14s | %7d |\n' "$(basename "$model")" "$name" "${verified[1]}" "${verified[2]}" $equal $((SECONDS - start))
        if [ "${verified[1]}${verified[2]}$equal" != passespassesequal ]; then
            failed=1
            cat "$work"/*.log >&2
        fi
    done
done
exit $failed
