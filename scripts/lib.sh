# Shared by the scripts here; sourced, not run. Bash.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$top"

# What shim and command are built with.
build_packages=(g++ cmake ninja-build pkg-config libsqlite3-dev libcli11-dev nlohmann-json3-dev libspdlog-dev
  libfmt-dev libsystemd-dev liblz4-dev)
build_packages+=(prometheus-cpp-dev libmicrohttpd-dev)
build_packages+=(libcapstone-dev)

colour() { # NUMBER TEXT: coloured on a terminal only
  if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then printf '\033[%sm%s\033[0m' "$1" "$2"; else printf '%s' "$2"; fi
}

# step TEXT COMMAND...: says what is done, how long it took, and shows the output only if it failed.
step() {
  local text=$1 log start
  shift
  log=$(mktemp)
  start=$SECONDS
  printf '%-58s ' "$text"
  if "$@" >"$log" 2>&1; then
    printf '%s %3d s\n' "$(colour 32 ok)" $((SECONDS - start))
    rm -f "$log"
  else
    printf '%s %3d s\n' "$(colour 31 failed)" $((SECONDS - start))
    cat "$log"
    rm -f "$log"
    return 1
  fi
}

# need_packages NAME...: installs what is missing (apt, as root or by sudo); elsewhere names the
# packages and stops.
need_packages() {
  local missing=() name
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "This script installs packages by apt. Elsewhere, install the counterparts of: $*" >&2
    echo "then run: cmake --preset release && cmake --build --preset release" >&2
    exit 1
  fi
  for name in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || missing+=("$name")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
      echo "Neither root nor sudo: install these, then run this again: ${missing[*]}" >&2
      exit 1
    fi
    as_root=(sudo)
  fi
  # A new machine has no package lists yet.
  step "Fetching package lists" "${as_root[@]}" apt-get update -q
  step "Installing ${#missing[@]} packages: ${missing[*]}" \
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
}

build_preset() { # PRESET [CMAKE OPTION...] [-- BUILD OPTION...]
  local preset=$1 configure=()
  shift
  while [ $# -gt 0 ] && [ "$1" != -- ]; do
    configure+=("$1")
    shift
  done
  step "Configuring ($preset)" cmake --preset "$preset" "${configure[@]}"
  step "Building ($preset)" cmake --build --preset "$preset" "${@:2}"
}
