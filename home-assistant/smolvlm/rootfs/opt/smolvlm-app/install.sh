#!/bin/sh
# Installs the package into the image. Usage: install.sh VERSION FOLDER; a packed file in FOLDER is preferred to npm's.
set -eu
version=$1
folder=$2

package="@rk3588/node-red-smolvlm@$version"
for file in "$folder"/*.tgz; do
  if [ -f "$file" ]; then package=$file; fi
done

# Every native part comes prebuilt; onnxruntime's install script only fetches CUDA libraries.
npm install --global --ignore-scripts --omit=dev --no-audit --no-fund "$package"
rm -rf "$folder"
smolvlm serve --help >/dev/null
