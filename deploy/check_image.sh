#!/usr/bin/env bash
# Builds the Dockerfile without any container engine, starts the image, and asks it whether it is ready.
#
# Needs Linux, root, and: apt-get install buildah debootstrap. The FROM image is not pulled but made with debootstrap and
# given the same name, with this machine's certificates and package settings in it, so that a mirror or a proxy that this
# machine uses is used by the build too. Everything made is kept in a folder of its own: WORK, default .dev/image.
# Usage: deploy/check_image.sh [PORT]
set -euo pipefail
cd "$(dirname "$0")/.."

port="${1:-8787}"
work="${WORK:-$PWD/.dev/image}"
base="docker.io/library/python:3.11-slim-bookworm"
image="localhost/traceward:check"

say() { printf '[check_image] %s\n' "$*"; }
for tool in buildah debootstrap; do
  command -v "$tool" >/dev/null || { say "'$tool' is missing: apt-get install buildah debootstrap"; exit 2; }
done
[ "$(id -u)" = 0 ] || { say "debootstrap and chroot need root"; exit 2; }

mkdir -p "$work"
storage=(buildah --root "$work/storage" --runroot "$work/run" --storage-driver vfs)

if ! "${storage[@]}" inspect --type image "$base" >/dev/null 2>&1; then
  say "making a stand-in for $base (once)"
  rm -rf "$work/rootfs"
  debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm "$work/rootfs" >"$work/debootstrap.log"
  cp -r /etc/ssl/certs/. "$work/rootfs/etc/ssl/certs/"
  cp -r /etc/apt/sources.list* /etc/apt/apt.conf.d "$work/rootfs/etc/apt/"
  [ ! -f /etc/pip.conf ] || cp /etc/pip.conf "$work/rootfs/etc/pip.conf"
  container=$("${storage[@]}" from scratch)
  "${storage[@]}" add --quiet "$container" "$work/rootfs" / >/dev/null
  for name in PIP_CERT PIP_INDEX_URL PIP_EXTRA_INDEX_URL NODE_EXTRA_CA_CERTS SSL_CERT_FILE npm_config_registry; do
    [ -z "${!name:-}" ] || "${storage[@]}" config --env "$name=${!name}" "$container"
  done
  "${storage[@]}" commit --quiet --rm "$container" "$base" >/dev/null
  rm -rf "$work/rootfs"
fi

say "building the image"
"${storage[@]}" bud --isolation chroot --pull-never --format docker --tag "$image" . >"$work/build.log" 2>&1 \
  || { tail -40 "$work/build.log"; say "the image does not build; the whole log is $work/build.log"; exit 1; }

say "starting it on port $port"
container=$("${storage[@]}" from --pull-never "$image")
stop() {
  # The whole group: buildah does not pass a signal on to what it runs.
  [ -z "${server:-}" ] || kill -TERM -- "-$server" 2>/dev/null || true
  "${storage[@]}" rm "$container" >/dev/null 2>&1 || true
}
trap stop EXIT
# chroot isolation has no published ports: the server listens on this machine's own loopback, as the image's user.
setsid "${storage[@]}" run --isolation chroot "$container" -- \
  traceward serve --host 127.0.0.1 --port "$port" --unattended >"$work/server.log" 2>&1 &
server=$!

for _ in $(seq 1 60); do
  if answer=$(python3 -c "import sys, urllib.request as u; print(u.urlopen(sys.argv[1], timeout=2).read().decode())" \
      "http://127.0.0.1:$port/health/ready" 2>/dev/null); then
    say "ready: $answer"
    exit 0
  fi
  kill -0 "$server" 2>/dev/null || break
  sleep 1
done
cat "$work/server.log"
say "the server in the image did not become ready"
exit 1
