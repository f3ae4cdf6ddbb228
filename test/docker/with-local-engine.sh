#!/bin/sh
# Runs a command beside a Docker engine: with-local-engine.sh COMMAND...
# An engine that can be reached is used as it is. Otherwise, as root and with Debian's docker.io installed, one is
# started for the time of the command, with images made by local-images.sh. It has network, mount and process
# namespaces of its own, so it leaves no bridge, no firewall rule, no mount and no process on the machine.
# Where that is not possible either, the command runs without an engine; the tests then say so and skip.
set -eu

here=$(cd "$(dirname "$0")" && pwd)

# Inside of the namespaces: $1 is the directory, the rest is the command.
beside_engine() {
  directory=$1
  shift
  ip link set lo up
  dockerd --data-root "$directory/data" --exec-root "$directory/exec" --pidfile "$directory/dockerd.pid" \
    --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "$(basename "$directory")" \
    -H "unix://$directory/docker.sock" >"$directory/dockerd.log" 2>&1 &
  engine=$!
  export DOCKER_HOST="unix://$directory/docker.sock" TESTCONTAINERS_RYUK_DISABLED=true
  until docker version >/dev/null 2>&1; do
    kill -0 "$engine" 2>/dev/null || exit 1
    sleep 0.1
  done
  "$here/local-images.sh" load "$directory"
  : >"$directory/started"
  export TEST_REDIS_IMAGE=agentpool-test/redis:local BASE_IMAGE=agentpool-test/node:local
  code=0
  "$@" || code=$?
  kill "$engine"
  wait "$engine" || true
  exit "$code"
}

without_engine() {
  echo "with-local-engine: no engine of our own: $1" >&2
  shift
  exec env -u DOCKER_HOST "$@"
}

if [ "${1:-}" = --inside ]; then
  shift
  beside_engine "$@"
fi

docker version >/dev/null 2>&1 && exec "$@"
[ "$(id -u)" = 0 ] || without_engine 'that takes root' "$@"
for program in dockerd docker docker-compose iptables ip unshare redis-server tini; do
  command -v "$program" >/dev/null ||
    without_engine "there is no $program (apt-get install -y docker.io docker-compose iproute2 redis-server tini)" "$@"
done

directory=$(mktemp -d -t agentpool-engine-XXXXXX)
namespaces=

# Whatever way it ends: the namespaces die with their first process, and all that is in them with it.
clean_up() {
  [ -z "$namespaces" ] || kill -KILL "$namespaces" 2>/dev/null || true
  find /sys/fs/cgroup -depth -type d -path "*/$(basename "$directory")*" -exec rmdir {} + 2>/dev/null || true
  rm -rf "$directory"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

give_up() {
  reason=$1
  shift
  trap - EXIT
  clean_up
  without_engine "$reason" "$@"
}

"$here/local-images.sh" collect "$directory" || give_up 'its images cannot be made' "$@"
unshare --net --mount --pid --fork --mount-proc --kill-child "$0" --inside "$directory" "$@" &
namespaces=$!
code=0
wait "$namespaces" || code=$?
namespaces=
if [ ! -e "$directory/started" ]; then
  tail -n 5 "$directory/dockerd.log" >&2 || true
  give_up 'dockerd does not start' "$@"
fi
exit "$code"
