#!/usr/bin/env bash
# Runs a target of build.cake: ./build.sh Demo, ./build.sh Test; further words go to cake. What is needed is the .NET 10 SDK.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

target="${1:-Demo}"
shift || true

if ! command -v dotnet > /dev/null; then
    echo "build.sh: the .NET 10 SDK is needed, and there is no 'dotnet' on the PATH" >&2
    exit 2
fi
if ! dotnet --list-sdks | grep -q '^10\.'; then
    echo "build.sh: the .NET 10 SDK is needed; this 'dotnet' has: $(dotnet --list-sdks | cut -d' ' -f1 | tr '\n' ' ')" >&2
    exit 2
fi

export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
# A small Debian has no libicu, and nothing here needs it.
export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT="${DOTNET_SYSTEM_GLOBALIZATION_INVARIANT:-1}"

summary=artifacts/tests/summary.txt
rm -f "$summary"
dotnet tool restore --verbosity quiet
status=0
dotnet cake build.cake --target="$target" "$@" || status=$?
# Behind cake's own report, so that it is the last line.
if [ -f "$summary" ]; then cat "$summary"; fi
exit "$status"
