#!/usr/bin/env bash
# On a machine with an NVIDIA GPU: lays the CUDA provider beside ONNX Runtime, says what is missing of CUDA, and runs the
# self-check. Run at the root of the repository after `npm ci`:
#   docs/deploy/gpu-check.sh [provider.tgz]
# Without an argument the provider's package is fetched from the npm registry (179 MB); offline, bring the file along.
set -euo pipefail

package=com.github.asus4.onnxruntime.linux-x64-gpu@0.4.9
libraries=node_modules/onnxruntime-node/bin/napi-v6/linux/x64
tarball=$(realpath "${1:-/dev/null}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

test -d "$libraries" || { echo "run 'npm ci' first: $libraries is missing" >&2; exit 1; }
if [ ! -e "$libraries/libonnxruntime_providers_cuda.so" ]; then
  if [ "$tarball" = /dev/null ]; then
    (cd "$work" && npm pack --silent "$package")
    tarball=$(echo "$work"/*.tgz)
  fi
  tar --extract --gzip --file "$tarball" --directory "$work"
  for library in cuda shared; do
    find "$work" -name "libonnxruntime_providers_$library.so" -exec cp {} "$libraries/" ';'
  done
fi

nvidia-smi >&2 || echo "nvidia-smi does not run: is there a driver?" >&2
missing=$(ldd "$libraries/libonnxruntime_providers_cuda.so" | awk '/not found/ { print $1 }')
[ -z "$missing" ] || echo "missing, see docs/gpu.md:" $missing >&2

exec node_modules/.bin/node sluice.ts vision check --provider cuda --max-batch 16 --seconds 3
