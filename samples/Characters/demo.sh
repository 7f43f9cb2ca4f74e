#!/usr/bin/env bash
# Builds the sample against the packages in artifacts/packages, runs it, and publishes it with NativeAOT where that can be done.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

out=../../artifacts/demo
model=../model/characters.onnx
rm -rf "$out" bin obj
dotnet restore -v quiet -p:TargetFrameworks=net10.0

# Builds, says what went wrong if it did, and sets $milliseconds.
build() {
    local start
    start=$(date +%s%N)
    dotnet "$@" -c Release -v quiet --nologo > "$out/build.log" 2>&1 || { cat "$out/build.log"; exit 1; }
    milliseconds=$((($(date +%s%N) - start) / 1000000))
    grep 'warning' "$out/build.log" || true
}

mkdir -p "$out"
build build --no-restore -p:TargetFrameworks=net10.0 -o "$out/net10.0"
first=$milliseconds
build build --no-restore -p:TargetFrameworks=net10.0 -o "$out/net10.0"

echo
echo "== on .NET 10 =="
dotnet "$out/net10.0/Characters.dll" "model=characters.onnx, $(($(stat -c %s "$model") / 1000)) kB" \
    "build=$first ms, the model and the program" "build again=$milliseconds ms, nothing changed"

linker=()
if ! command -v clang > /dev/null; then
    if ! command -v gcc > /dev/null; then echo "NativeAOT is skipped: there is neither clang nor gcc to link with."; exit 0; fi
    linker=(-p:CppCompilerAndLinker=gcc -p:LinkerFlavor=bfd)
fi
for framework in net10.0 net9.0 net8.0; do
    options=(-p:TargetFrameworks=$framework -r linux-x64 -p:PublishAot=true "${linker[@]}")
    if ! dotnet restore -v quiet "${options[@]}" > "$out/restore-$framework.log" 2>&1; then
        echo "NativeAOT for $framework is skipped: its packages cannot be restored."
        continue
    fi
    build publish --no-restore -f "$framework" "${options[@]}" -o "$out/aot-$framework"
    echo
    echo "== NativeAOT, $framework =="
    "$out/aot-$framework/Characters" "model=characters.onnx, $(($(stat -c %s "$model") / 1000)) kB" "build=$milliseconds ms"
    exit 0
done
