#!/usr/bin/env bash
# Builds the newest nats-server that is tested, beside Debian's older one.
# usage: newest-nats-server.sh FOLDER, where it makes nats-server, once. Needs Go; does nothing without it.
set -euo pipefail
folder=$1
version=v2.15.3
command -v go >/dev/null || exit 0
if [ "$(cat "$folder/version" 2>/dev/null)" = "$version" ] && [ -x "$folder/nats-server" ]; then exit 0; fi
mkdir -p "$folder"
GOBIN=$folder go install "github.com/nats-io/nats-server/v2@$version"
echo "$version" >"$folder/version"
