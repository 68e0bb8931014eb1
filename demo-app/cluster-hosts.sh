# shellcheck shell=sh
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later

# What './run cluster' has around the demo: a server and hosts that come back when they were killed, and networks. It is a
# part of that script, whose variables are top, private, server, keepers and bridge, and which cleans up.

# Runs a program again and again, as a service manager does. $private/processes/NAME.pid has its number.
keep () # name command...
{
  name=$1
  shift
  while :; do
    "$@" >>"$private/$name.log" 2>&1 </dev/null &
    echo $! >"$private/processes/$name.pid"
    wait $! || true
    sleep 2
  done
}

start_keeping () # name command...
{
  keep "$@" &
  keepers="$keepers $!"
}

kill_kept ()
{
  for file in "$private"/processes/*.pid; do
    [ ! -e "$file" ] || kill "$(cat "$file")" 2>/dev/null || true
  done
}

# ---- networks of the hosts' own ----

# Networks ferry-PID-1, ferry-PID-2 and so on, on a bridge ferry-PID that has the server's address. Fails where the
# system allows none.
make_networks () # hosts
{
  [ "$(id -u)" -eq 0 ] && command -v ip >/dev/null 2>&1 && command -v nsenter >/dev/null 2>&1 || return 1
  subnet=$(find_subnet) || return 1
  bridge=ferry-$$
  address=$subnet.1
  if ip link add "$bridge" type bridge && ip addr add "$address/24" dev "$bridge" && ip link set "$bridge" up; then
    number=1
    while [ "$number" -le "$1" ] && make_network "$number"; do
      number=$((number + 1))
    done
    [ "$number" -le "$1" ] || return 0
  fi
  remove_networks
  return 1
} 2>/dev/null

make_network () # number
{
  network=$bridge-$1
  ip netns add "$network" &&
    ip link add "$bridge.$1" type veth peer name eth0 netns "$network" &&
    ip link set "$bridge.$1" master "$bridge" up &&
    ip -n "$network" addr add "$subnet.$(($1 + 1))/24" dev eth0 &&
    ip -n "$network" link set eth0 up &&
    ip -n "$network" link set lo up
}

remove_networks ()
{
  for network in $(ip netns list | grep -o "^$bridge-[0-9]*"); do
    ip link del "$bridge.${network##*-}" 2>/dev/null || true
    ip netns del "$network" || true
  done
  ip link del "$bridge" 2>/dev/null || true
  bridge=
}

# The first part of 256 addresses that this machine has no route to.
find_subnet ()
{
  for number in 213 214 215 216 217 218 219; do
    subnet=10.$number.$(($$ % 256))
    if ! { ip -4 route show table all root "$subnet.0/24" && ip -4 route show table all match "$subnet.0/24"; } |
      grep -qv '^default'; then
      echo "$subnet"
      return
    fi
  done
  return 1
}

# A port that nobody listens at.
find_port () # address
{
  python3 -c 'import socket, sys; s = socket.socket(); s.bind((sys.argv[1], 0)); print(s.getsockname()[1])' "$1"
}

start_hosts () # hosts
{
  number=1
  while [ "$number" -le "$1" ]; do
    start_keeping "host-$number" ${bridge:+nsenter "--net=/run/netns/$bridge-$number"} \
      "$top/build/router/cluster/ferry-host" --server "$server" --application ferry-demo --name "host-$number" \
      --workers 2 --cut-timeout 5 "$top/build/demo-app/ferry-demo-worker"
    number=$((number + 1))
  done
}
