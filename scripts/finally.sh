#!/usr/bin/env bash
# finally.sh LAST COMMAND...: does the command, and LAST (a line of shell) when it has ended, whatever happens: also if this
# script is interrupted or killed. Ends with the command's status.
set -uo pipefail
last=$1
shift

set -m # the two below get process groups of their own: what is sent to ours does not reach them
"$@" </dev/null &
command=$!
(
  # Nothing runs in a script that was killed with -9. This does.
  while kill -0 $$; do sleep 1; done
  kill -TERM -- "-$command"
  bash -c "$last"
) </dev/null >/dev/null 2>&1 &
watch=$!

finish() {
  status=$?
  trap '' HUP INT TERM
  if kill -TERM -- "-$command" 2>/dev/null; then wait "$command"; fi
  bash -c "$last"
  kill -TERM -- "-$watch" 2>/dev/null
  exit "$status"
} 2>/dev/null # the shell would report what it ends
trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
wait "$command"
exit $?
