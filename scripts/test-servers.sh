#!/usr/bin/env bash
# Servers for the tests: what of MongoDB, MySQL and Redis the environment does not name and can be had, from Docker, else
# from Debian's packages. They listen on free ports of 127.0.0.1 and have nothing to do with the system's own services.
#
#   test-servers.sh start            starts them, and prints what to export (for eval)
#   test-servers.sh env              prints it again
#   test-servers.sh stop             ends them and drops their data
#   test-servers.sh run COMMAND...   does the command with servers that are its own and end with it
#   test-servers.sh port             prints a free port
#
# A64_TEST_STATE    the folder with their data, for start, env and stop
# A64_TEST_DOCKER   no: leave Docker alone
set -euo pipefail
self=$(cd "$(dirname "$0")" && pwd)/test-servers.sh
cache=${XDG_CACHE_HOME:-$HOME/.cache}/a64core-test
state=${A64_TEST_STATE:-$cache/servers}

say() { echo "test servers: $*" >&2; }

# program NAME...: the first that there is, also where a user's PATH does not lead.
program() {
  local name
  for name; do PATH=$PATH:/usr/sbin:/usr/local/sbin type -P "$name" && return; done
  return 1
}

has_docker() { [ "${A64_TEST_DOCKER:-}" != no ] && docker info >/dev/null 2>&1; }

answers() { (: <>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Below the ports that the system gives to outgoing connections.
free_port() {
  local port
  while port=$((15000 + RANDOM % 17000)) && answers "$port"; do :; done
  echo "$port"
}

# until_ready SECONDS COMMAND...: repeats the command until it succeeds.
until_ready() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.1
  done
}

# install: packages that are missing, without letting them start services.
install() {
  local missing=()
  # StartMySQL needs the program even if a server runs somewhere.
  program mariadbd mysqld >/dev/null || missing+=(mariadb-server-core mariadb-client-core)
  [ -n "${A64_TEST_REDIS_URL:-}" ] || has_docker || program redis-server >/dev/null || missing+=(redis-server)
  # What deploy/ is tested with.
  program promtool >/dev/null || missing+=(prometheus)
  program nginx >/dev/null || missing+=(nginx-light)
  program haproxy >/dev/null || missing+=(haproxy)
  # What a release brings along is tried with these.
  local name
  for name in zsh fish groff mandoc; do
    program "$name" >/dev/null || missing+=("$name")
  done
  program systemd-analyze >/dev/null || missing+=(systemd)
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    say "${missing[*]}: not installed, and this is not root on Debian. Tests that need it are skipped."
    return 0
  fi
  say "installing ${missing[*]}"
  local policy=/usr/sbin/policy-rc.d made=
  [ -e "$policy" ] || { made=1; printf '#!/bin/sh\nexit 101\n' >"$policy"; chmod +x "$policy"; }
  local status=0
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"; } \
    >"$state/apt.log" 2>&1 || status=$?
  [ -z "$made" ] || rm -f "$policy"
  [ "$status" = 0 ] || { cat "$state/apt.log" >&2; return "$status"; }
}

# names VARIABLE VALUE
names() { printf "export %s='%s'\n" "$1" "$2" >>"$state/env"; }

# born PID: when the process started, by which it is told from a later one of the same number.
born() {
  if [ -r "/proc/$1/stat" ]; then
    sed 's/.*) //' "/proc/$1/stat" | cut -d ' ' -f 20 # a small Debian has no ps
  else
    ps -o lstart= -p "$1" | xargs
  fi
}

# spawn PORT NAME COMMAND...: starts a server in the background and waits until it answers; false if it ends instead.
spawn() {
  local port=$1 name=$2 pid
  shift 2
  nohup "$@" >"$state/$name.log" 2>&1 </dev/null &
  pid=$!
  echo "$pid $(born "$pid")" >>"$state/pids"
  until_ready 60 eval "answers $port || ! kill -0 $pid" && kill -0 "$pid" 2>/dev/null
}

# attempt NAME FUNCTION: starts a server on a free port and leaves it in $port. Another process may be quicker to take one.
attempt() {
  local _
  for _ in 1 2 3; do
    port=$(free_port)
    if "$2" "$port"; then return; fi
  done
  say "$1 does not start:"
  tail -n 20 "$state/$1.log" >&2
  return 1
}

# container IMAGE PORT ARGUMENT... -- CHECK...: starts a container, waits until the check succeeds in it, and leaves its
# port on this machine in $port.
container() {
  local image=$1 inner=$2 id arguments=()
  shift 2
  while [ "$1" != -- ]; do arguments+=("$1"); shift; done
  shift
  id=$(docker run --detach --rm --publish "127.0.0.1::$inner" ${arguments[@]+"${arguments[@]}"} "$image")
  echo "$id" >>"$state/containers"
  until_ready 120 docker exec "$id" "$@" || { say "$image does not answer:"; docker logs --tail 20 "$id" >&2; return 1; }
  port=$(docker port "$id" "$inner/tcp" | head -n 1)
  port=${port##*:}
}

spawn_mysql() {
  spawn "$1" mysql "${mysqld[@]}" --port="$1" --bind-address=127.0.0.1 --socket="$data/s" --pid-file="$data/pid" --tmpdir="$data" \
    --max-connections=500 --innodb-buffer-pool-size=128M --skip-log-bin --loose-mysqlx=OFF --innodb-flush-log-at-trx-commit=0
}

start_mysql() {
  local server user=() data=$state/mysql
  server=$(program mariadbd mysqld) || return 1
  mkdir -p "$data"
  if [ "$(id -u)" = 0 ]; then
    # It does not serve as root, and the one that it serves as need not be able to reach root's folders.
    rm -rf "$data"
    data=$(mktemp -d)
    echo "$data" >>"$state/folders"
    user=(--user="$(id -un mysql 2>/dev/null || echo nobody)")
    chown "${user[0]#*=}" "$data"
  fi
  local mysqld=("$server" --no-defaults --datadir="$data/data" ${user[@]+"${user[@]}"})
  if "$server" --no-defaults --version | grep -q MariaDB; then
    mkdir "$data/data"
    [ ${#user[@]} = 0 ] || chown "${user[0]#*=}" "$data/data"
    mariadb-install-db "${mysqld[@]:1}" --auth-root-authentication-method=normal --skip-test-db >"$state/mysql.log" 2>&1
  else
    "${mysqld[@]}" --initialize-insecure >"$state/mysql.log" 2>&1
  fi || { tail -n 20 "$state/mysql.log" >&2; return 1; }
  attempt mysql spawn_mysql
}

spawn_redis() { spawn "$1" redis "$redis" --port "$1" --bind 127.0.0.1 --save '' --appendonly no --dir "$state"; }

start() {
  if [ -e "$state/env" ]; then
    say "there are some already, or were: stop them first"
    exit 1
  fi
  trap 'status=$?; stop; exit "$status"' EXIT # half a start would leave servers that nobody knows of
  mkdir -p "$state"
  : >"$state/env"
  install
  local docker= port redis
  ! has_docker || docker=1

  if [ -n "${A64_TEST_MONGODB_URL:-}" ]; then
    names A64_TEST_MONGODB_URL "$A64_TEST_MONGODB_URL"
  elif [ -n "$docker" ]; then
    container mongo:7 27017 --tmpfs /data/db -- mongosh --quiet --eval 'db.runCommand({ping: 1})'
    names A64_TEST_MONGODB_URL "mongodb://127.0.0.1:$port/"
  else
    say "no MongoDB: it comes from Docker, which does not run here, or set A64_TEST_MONGODB_URL=mongodb://host:port/"
  fi

  if [ -n "${A64_TEST_MYSQL_DSN:-}" ]; then
    names A64_TEST_MYSQL_DSN "$A64_TEST_MYSQL_DSN"
  elif [ -n "$docker" ]; then
    # While it sets itself up it listens on no port: the check has to come over one.
    container mysql:8.0 3306 --tmpfs /var/lib/mysql --env MYSQL_ALLOW_EMPTY_PASSWORD=yes -- mysqladmin ping -h127.0.0.1 -uroot
    names A64_TEST_MYSQL_DSN "root@tcp(127.0.0.1:$port)/"
  elif program mariadbd mysqld >/dev/null; then
    start_mysql
    names A64_TEST_MYSQL_DSN "root@tcp(127.0.0.1:$port)/"
  fi

  if [ -n "${A64_TEST_REDIS_URL:-}" ]; then
    names A64_TEST_REDIS_URL "$A64_TEST_REDIS_URL"
  elif [ -n "$docker" ]; then
    container redis:7 6379 -- redis-cli ping
    names A64_TEST_REDIS_URL "redis://127.0.0.1:$port"
  elif redis=$(program redis-server); then
    attempt redis spawn_redis
    names A64_TEST_REDIS_URL "redis://127.0.0.1:$port"
  fi
  trap - EXIT
}

stop() {
  local pid since folder id
  if [ -f "$state/pids" ]; then
    while read -r pid since; do
      [ -n "$since" ] && [ "$(born "$pid" 2>/dev/null)" = "$since" ] || continue
      kill "$pid" 2>/dev/null || continue
      until_ready 20 eval "! kill -0 $pid" || kill -9 "$pid" 2>/dev/null || true
    done <"$state/pids"
  fi
  if [ -f "$state/containers" ]; then
    while read -r id; do docker rm --force --volumes "$id" >/dev/null 2>&1 || true; done <"$state/containers"
  fi
  if [ -f "$state/folders" ]; then
    while read -r folder; do rm -rf "$folder"; done <"$state/folders"
  fi
  rm -rf "$state"/{env,pids,containers,folders,apt.log,mysql.log,redis.log,mysql}
  rmdir "$state" 2>/dev/null || true
}

case ${1:-} in
start)
  start
  cat "$state/env"
  ;;
env) cat "$state/env" ;;
stop) stop ;;
port) free_port ;;
run)
  shift
  mkdir -p "$cache"
  A64_TEST_STATE=$(mktemp -d "$cache/run.XXXXXX")
  export A64_TEST_STATE
  exec "$(dirname "$self")/finally.sh" "'$self' stop" "$self" with "$@"
  ;;
with) # what run does with its folder
  shift
  exports=$("$self" start)
  eval "$exports"
  exec "$@"
  ;;
*)
  sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$self" >&2
  exit 2
  ;;
esac
