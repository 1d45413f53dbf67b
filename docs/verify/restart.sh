#!/bin/bash
# kill -9 the hub and start it again on the same port and file.
cd "$(dirname "$0")"
[ -f hub.pid ] && kill -9 "$(cat hub.pid)" 2>/dev/null
while [ -f hub.pid ] && kill -0 "$(cat hub.pid)" 2>/dev/null; do sleep 0.01; done
setsid ./sse-serve hub --listen 127.0.0.1:${PORT:-0} --store sqlite:hub.db > hub.out 2>> hub.err < /dev/null &
echo $! > hub.pid
for i in $(seq 200); do grep -q listening hub.out && exit 0; sleep 0.02; done
exit 1
