#!/usr/bin/env bash
# Makes a Python for arm64 with two clients of librknnrt that others wrote, to run with qemu-aarch64 -L; nothing is installed.
# usage: arm64-python.sh FOLDER, where it makes root/ (from Debian's packages) and site/ (from wheels), once.
set -euo pipefail
folder=$1
[ ! -d "$folder" ] || exit 0
partial=$folder.$$
trap 'rm -rf "$partial"' EXIT
mkdir -p "$partial"/{root,site,wheels,debs,apt/lists/partial,apt/cache/archives/partial}
: >"$partial/apt/status"
cat >"$partial/apt.conf" <<CONF
APT::Architecture "arm64";
APT::Architectures { "arm64"; };
APT::Sandbox::User "root";
Dir::State "$partial/apt";
Dir::State::status "$partial/apt/status";
Dir::Cache "$partial/apt/cache";
CONF
export APT_CONFIG=$partial/apt.conf
apt-get update -qq
(cd "$partial/debs" && apt-get download -qq python3.11-minimal libpython3.11-{minimal,stdlib} zlib1g libexpat1 libffi8 libssl3 \
  libc6 libstdc++6 libgcc-s1 libbz2-1.0 liblzma5 libuuid1)
for package in "$partial"/debs/*.deb; do dpkg-deb -x "$package" "$partial/root"; done
python3 -m pip download -q --no-deps --only-binary=:all: -d "$partial/wheels" --python-version 3.11 --implementation cp \
  --abi cp311 --abi abi3 --abi none --platform manylinux2014_aarch64 --platform manylinux_2_17_aarch64 \
  rknn-toolkit-lite2==2.5.0 ztu-somemodelruntime-ez-rknn-async==0.11.0 numpy==1.26.4 psutil==7.2.2 ruamel.yaml==0.19.1
for wheel in "$partial"/wheels/*.whl; do python3 -m zipfile -e "$wheel" "$partial/site"; done
# rknn-toolkit-lite2 looks for the chip and for the NPU's nodes. QEMU finds these files below its root.
mkdir -p "$partial/root/proc/device-tree" "$partial/root/dev/dri"
printf 'radxa,rock-5b\0rockchip,rk3588\0' >"$partial/root/proc/device-tree/compatible"
touch "$partial/root/dev/dri/"{card1,renderD129}
rm -rf "$partial"/{wheels,debs,apt,apt.conf}
mv "$partial" "$folder"
