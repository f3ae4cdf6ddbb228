#!/bin/sh
# Makes the images that the tests need where no image can be pulled, out of what is installed on this machine: a Redis
# from Debian's redis-server, and a base for the Dockerfile from this machine's node and npm, with the project's
# packages in npm's cache, so that it builds without a network.
#
#   local-images.sh collect DIRECTORY   gathers the files (the network is used for the packages only; no engine needed)
#   local-images.sh load DIRECTORY      imports them as agentpool-test/redis:local and agentpool-test/node:local
set -eu

what=${1:-}
directory=${2:?usage: local-images.sh collect|load DIRECTORY}
project=$(cd "$(dirname "$0")/../.." && pwd)

# Copies programs with the libraries that they are linked to; each keeps its path.
programs() {
  root=$1
  shift
  for name in "$@"; do
    program=$(command -v "$name") || { echo "local-images: there is no $name on this machine" >&2; exit 1; }
    cp --parents --dereference "$program" "$root"
    ldd "$program" 2>/dev/null | sed -n 's|^[^/]*\(/[^ ]*\) (0x.*|\1|p' | while read -r library; do
      cp --parents --dereference --update "$library" "$root"
    done
  done
}

collect_redis() {
  root=$directory/redis
  mkdir -p "$root/data" "$root/tmp"
  programs "$root" redis-server redis-cli
}

collect_node() {
  root=$directory/node
  mkdir -p "$root/etc" "$root/tmp" "$root/usr/bin" "$root/usr/local/bin"
  chmod 1777 "$root/tmp"
  echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
  programs "$root" /bin/sh env mkdir chown chmod ln cat ls sleep node tini
  npm=$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")
  mkdir -p "$root/usr/lib/node_modules"
  cp -R "$npm" "$root/usr/lib/node_modules/npm"
  ln -sf ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/bin/npm"
  mkdir "$directory/packages"
  cp "$project/package.json" "$project/package-lock.json" "$directory/packages"
  (cd "$directory/packages" && npm install --no-save --ignore-scripts --no-audit --no-fund --silent --cache "$root/npm-cache")
  rm -rf "$directory/packages"
}

load() {
  tar -C "$directory/redis" -c . | docker import --change 'WORKDIR /data' --change 'VOLUME /data' \
    --change 'CMD ["redis-server", "--protected-mode", "no"]' - agentpool-test/redis:local >/dev/null
  tar -C "$directory/node" -c . | docker import --change 'ENV npm_config_offline=true npm_config_cache=/npm-cache' \
    --change 'CMD ["node"]' - agentpool-test/node:local >/dev/null
}

case $what in
  collect)
    collect_redis
    collect_node
    ;;
  load) load ;;
  *)
    echo 'usage: local-images.sh collect|load DIRECTORY' >&2
    exit 2
    ;;
esac
