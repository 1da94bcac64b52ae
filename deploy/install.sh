#!/bin/sh
# Installs the engine as a service on Debian, Ubuntu, Armbian and the like. Run it again to update.
#
#   sudo deploy/install.sh [--package FILE.tgz] [--model M] [--host ADDRESS] [--port N] [--tls] [--no-announce]
#                           [--no-start] [--dry-run]
#
# --package   the packed package; default: the newest rk3588-node-red-smolvlm-*.tgz in this folder, else npm's
# --model     a model's name, a bundle's folder, or demo; default HuggingFaceTB/SmolVLM-256M-Instruct
# --host      the address to listen on; default 0.0.0.0, every one
# --port      default 8372
# --tls       makes a self-signed certificate, once, and serves with it; its fingerprint is printed
# --no-announce  does not announce the engine on the local network
# --no-start  does not start the service
# --dry-run   prints what it would do
# With DESTDIR set, it writes the files below that folder and changes nothing else.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
destdir=${DESTDIR:-}
package=
model=
host=
port=
tls=no
announce=yes
start=yes
dry=no

fail() {
  echo "install.sh: $*" >&2
  exit 1
}

while [ $# -gt 0 ]; do
  case $1 in
    --package | --model | --host | --port)
      [ $# -ge 2 ] || fail "$1: a value is missing"
      case $1 in
        --package) package=$2 ;;
        --model) model=$2 ;;
        --host) host=$2 ;;
        --port) port=$2 ;;
      esac
      shift 2
      ;;
    --tls)
      tls=yes
      shift
      ;;
    --no-announce)
      announce=no
      shift
      ;;
    --no-start)
      start=no
      shift
      ;;
    --dry-run)
      dry=yes
      shift
      ;;
    -h | --help)
      sed -n '2,/^set -eu/{/^#/s/^# \{0,1\}//p;}' "$0"
      exit 0
      ;;
    *) fail "unknown option $1; see --help" ;;
  esac
done

case $port in
  *[!0-9]*) fail "--port: expected a number, received \"$port\"" ;;
esac
case "$model$host" in
  *[!A-Za-z0-9_./@:-]*) fail "--model and --host: only letters, digits and _ . / @ : - are allowed" ;;
esac

# Runs a command that changes the system, or prints it.
run() {
  if [ "$dry" = yes ] || [ -n "$destdir" ]; then
    echo "+ $*"
  else
    "$@"
  fi
}

# Writes its input to a file: path, mode.
write() {
  if [ "$dry" = yes ]; then
    cat >/dev/null
    echo "+ write $1"
    return
  fi
  mkdir -p "$destdir$(dirname "$1")"
  (umask 077 && cat >"$destdir$1.new")
  chmod "$2" "$destdir$1.new"
  mv "$destdir$1.new" "$destdir$1"
}

as_service_user() {
  run runuser -u smolvlm -- env HOME=/var/lib/smolvlm SMOLVLM_CACHE=/var/lib/smolvlm/models "$@"
}

# 1. What the engine needs.
if [ "$dry" = no ] && [ -z "$destdir" ]; then
  [ "$(id -u)" = 0 ] || fail "run it as root: sudo $0"
  command -v systemctl >/dev/null || fail "this machine has no systemd"
fi
command -v node >/dev/null || fail "Node.js is missing. Install version 20.9 or newer, for example from nodesource.com"
node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 9) ? 0 : 1)' ||
  fail "expected Node.js 20.9 or newer, found $(node --version)"
node -e 'process.exit(process.report.getReport().header.glibcVersionRuntime ? 0 : 1)' ||
  fail "this system has musl; the engine needs glibc (Debian, Ubuntu, Fedora, Arch)"
if [ -z "$package" ]; then
  for file in "$here"/rk3588-node-red-smolvlm-*.tgz; do
    if [ -f "$file" ]; then package=$file; fi
  done
fi
package=${package:-@rk3588/node-red-smolvlm}

# 2. The command. Every native part comes prebuilt, so no install script needs to run.
run npm install --global --ignore-scripts --omit=dev --no-audit --no-fund "$package"

# 3. The user. It may open the NPU where the groups for that exist.
if ! getent passwd smolvlm >/dev/null; then
  run useradd --system --user-group --home-dir /var/lib/smolvlm --shell /usr/sbin/nologin smolvlm
fi
for group in video render; do
  if getent group "$group" >/dev/null; then run usermod --append --groups "$group" smolvlm; fi
done
run install -d -o smolvlm -g smolvlm -m 0700 /var/lib/smolvlm

# 4. The token, once.
token_file=/var/lib/smolvlm/token
if [ ! -s "$destdir$token_file" ]; then
  od -An -N24 -tx1 /dev/urandom | tr -d ' \n' | write "$token_file" 600
  run chown smolvlm:smolvlm "$token_file"
fi

# 5. The certificate, once: clients have pinned its fingerprint.
options=
scheme=http
cert=/var/lib/smolvlm/tls/smolvlm-cert.pem
if [ "$tls" = yes ]; then
  scheme=https
  options="--tls-cert $cert --tls-key /var/lib/smolvlm/tls/smolvlm-key.pem"
  if [ ! -e "$destdir$cert" ]; then as_service_user smolvlm certificate --out /var/lib/smolvlm/tls; fi
fi
if [ "$announce" = no ]; then options="$options${options:+ }--no-announce"; fi

# 6. Settings, kept when they exist, and the service.
settings=/etc/default/smolvlm
# The value of a setting that is kept; or else of the second argument.
kept() {
  value=$(sed -n "s/^$1=//p" "$destdir$settings" | tail -n 1)
  echo "${value:-$2}"
}
# Says that a given value is not used: name, given, kept.
differs() {
  if [ -n "$2" ] && [ "$2" != "$3" ]; then echo "$settings is kept: there $1=$3"; fi
}
if [ ! -e "$destdir$settings" ]; then
  model=${model:-HuggingFaceTB/SmolVLM-256M-Instruct}
  host=${host:-0.0.0.0}
  port=${port:-8372}
  write "$settings" 644 <<SETTINGS
# Settings of smolvlm.service. After a change: systemctl restart smolvlm
SMOLVLM_SERVE_MODEL=$model
SMOLVLM_SERVE_HOST=$host
SMOLVLM_SERVE_PORT=$port
# More options of "smolvlm serve", for example --alias gpt-4o-mini
SMOLVLM_SERVE_OPTIONS=$options
SETTINGS
else
  kept_model=$(kept SMOLVLM_SERVE_MODEL demo)
  kept_port=$(kept SMOLVLM_SERVE_PORT 8372)
  differs SMOLVLM_SERVE_MODEL "$model" "$kept_model"
  differs SMOLVLM_SERVE_HOST "$host" "$(kept SMOLVLM_SERVE_HOST 0.0.0.0)"
  differs SMOLVLM_SERVE_PORT "$port" "$kept_port"
  model=$kept_model
  port=$kept_port
  kept_options=$(kept SMOLVLM_SERVE_OPTIONS '')
  case " $kept_options " in
    *" $options "*) ;;
    *) if [ -n "$options" ]; then echo "$settings is kept: add to its SMOLVLM_SERVE_OPTIONS: $options"; fi ;;
  esac
  case $kept_options in
    *--tls-cert*) scheme=https ;;
    *) scheme=http ;;
  esac
fi
write /etc/systemd/system/smolvlm.service 644 <"$here/smolvlm.service"

# 7. The model, if it is on the hub.
case $model in
  /* | demo) ;;
  */*) as_service_user smolvlm pull "$model" ;;
esac

# 8. Start, or restart with the new version.
run systemctl daemon-reload
run systemctl enable smolvlm.service
if [ "$start" = yes ]; then run systemctl restart smolvlm.service; fi

echo "The engine's address: $scheme://$(hostname):$port"
if [ $scheme = https ] && [ -r "$destdir$cert" ]; then
  fingerprint='new crypto.X509Certificate(fs.readFileSync(process.argv[1])).fingerprint256.replaceAll(":", "")'
  echo "Add to it, to accept only its certificate: /#sha256=$(node -p "$fingerprint" "$destdir$cert")"
fi
if [ -r "$destdir$token_file" ]; then
  echo "Its token: $(cat "$destdir$token_file")"
else
  echo "Its token: sudo cat $token_file"
fi
echo "Its log: journalctl -u smolvlm -f"
