#!/bin/sh
# Boots systemd in namespaces of its own, as the first process of a machine that is made of this one:
#   boot-machine.sh DIRECTORY
# What is in DIRECTORY/files is laid over the root of this machine. Whatever the new one writes is kept in memory and gone with it,
# it has a network of its own with a loopback only, and cannot change the settings of the kernel.
set -eu

directory=$1
groups=/sys/fs/cgroup

# A control group of its own in each hierarchy is the root of those that it sees.
if [ "${2:-}" != inside ]; then
  for hierarchy in "$groups" "$groups"/*; do
    [ -e "$hierarchy/cgroup.procs" ] && [ ! -L "$hierarchy" ] || continue
    own=$hierarchy/$(basename "$directory")
    mkdir "$own"
    for what in cpus mems; do # without them it takes no process
      if [ -e "$own/cpuset.$what" ]; then cat "$hierarchy/cpuset.$what" >"$own/cpuset.$what"; fi
    done
    echo $$ >"$own/cgroup.procs"
  done
  exec unshare --fork --pid --mount --uts --ipc --net --cgroup --kill-child "$0" "$directory" inside
fi

mount --make-rprivate /
mount -t tmpfs tmpfs "$directory/memory"
cd "$directory/memory"
mkdir upper work root
mount -t overlay -o lowerdir=/,upperdir=upper,workdir=work overlay root
cd root
mount -t tmpfs tmpfs etc/systemd/system
cp -a "$directory/files/." .

mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
if [ -e "$groups/cgroup.controllers" ]; then
  mount -t cgroup2 cgroup2 sys/fs/cgroup
else
  mount -t tmpfs -o mode=755 tmpfs sys/fs/cgroup
  mkdir sys/fs/cgroup/systemd
  mount -t cgroup -o none,name=systemd,xattr cgroup sys/fs/cgroup/systemd
fi
mount -t tmpfs -o mode=755 tmpfs dev
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
for number in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/${number%:*}" "dev/${number#*:}"; done
for device in null zero full random urandom tty; do
  : >"dev/$device"
  mount --bind "/dev/$device" "dev/$device"
done
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp

pivot_root . mnt
cd /
umount -l /mnt
ip link set lo up
for unit in timers.target console-getty.service systemd-logind.service; do
  ln -s /dev/null "/etc/systemd/system/$unit"
done
exec env -i container=agentpool-test PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin \
  /lib/systemd/systemd --system --unit=multi-user.target --show-status=no </dev/null
