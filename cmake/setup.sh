#!/bin/sh
# Installs the Debian packages named in the given lists that are not there yet.
set -eu
missing=""
for list in "$@"; do
  for package in $(grep -v '^#' "$list"); do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
      missing="$missing $package"
  done
done
[ -n "$missing" ] || exit 0

echo "Installing missing Debian packages:$missing"
as_root=""
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || {
    echo "error: run as root, or install sudo, or have somebody run: apt-get install$missing" >&2
    exit 1
  }
  as_root="sudo"
fi
$as_root apt-get update -q
# shellcheck disable=SC2086
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing
