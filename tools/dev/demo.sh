#!/usr/bin/env bash
# ./dev demo: from nothing to a running cluster, on this machine alone. --once checks it and takes all down again.
set -euo pipefail
# shellcheck source=tools/dev/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"

usage() {
	cat <<'EOF'
usage: ./dev demo [--once | --down]
Installs what is missing, builds, starts three simulated nodes, starts `mko web`, makes them one MicroK8s cluster
over real SSH with real Ansible, and says where to look and what to try.
  --once   check that the cluster is active, then take everything down; exit code says whether all went well
  --down   take down what an earlier ./dev demo left running
EOF
}

once=0 down=0
for arg in "$@"; do
	case $arg in
	--once) once=1 ;;
	--down) down=1 ;;
	-h | --help) usage && exit 0 ;;
	*) usage >&2 && exit 2 ;;
	esac
done

demo=$BUILD/demo
# The one that stays is the default lab, so that `./dev lab cut n2` needs no name; the one that goes has its own.
MKO_LAB=lab
if [ $once = 1 ]; then
	demo=$BUILD/demo-once
	MKO_LAB=demo
fi
export MKO_LAB
export MKO_DATA_DIR=$demo/data
unset MKO_CONFIG MKO_SERVER MKO_TOKEN
mko=$BUILD/mko
lab_json=$BUILD/lab/lab.json
[ $MKO_LAB = lab ] || lab_json=$BUILD/lab-$MKO_LAB/lab.json

# The daemon that wrote its number here, if that is still it.
daemon_pid() {
	local pid
	pid=$(cat "$demo/web.pid" 2>/dev/null) || return 1
	[ "$(readlink "/proc/$pid/exe" 2>/dev/null)" = "$mko" ] || return 1
	printf '%s\n' "$pid"
}

take_down() {
	local pid i
	if pid=$(daemon_pid); then
		kill -TERM "$pid" 2>/dev/null || true
		for ((i = 0; i < 100; i++)); do
			daemon_pid >/dev/null || break
			sleep 0.1
		done
		kill -KILL "$pid" 2>/dev/null || true
	fi
	[ ! -e "$lab_json" ] || ./dev lab down >/dev/null || say "the lab did not come down: ./dev lab down --lab $MKO_LAB"
	rm -rf "$demo"
}

# shellcheck disable=SC2317 # called by trap
at_end() {
	local code=$?
	trap - EXIT
	if [ $code != 0 ]; then
		say "the demo failed (exit $code)"
		if [ -s "$demo/web.log" ]; then
			say "end of the server's log:"
			tail -n 20 "$demo/web.log" >&2
		fi
	fi
	if [ $once = 1 ]; then take_down; fi
	exit $code
}

run() {
	printf '\n$ mko %s\n' "$*"
	"$mko" "$@"
}

# The first free port from 5000 on.
free_port() {
	"$PYTHON" - <<'EOF'
import socket
for port in range(5000, 5100):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        print(port)
        break
EOF
}

start_daemon() {
	local i
	port=$(free_port)
	[ "$port" = 5000 ] || say "port 5000 is taken, using $port"
	setsid "$mko" web --listen "127.0.0.1:$port" >"$demo/web.log" 2>&1 </dev/null &
	printf '%s\n' $! >"$demo/web.pid"
	for ((i = 0; i < 100; i++)); do
		if [ -S "$MKO_DATA_DIR/mko.sock" ] && curl -fsS -o /dev/null "http://127.0.0.1:$port/api/health" 2>/dev/null; then
			return 0
		fi
		sleep 0.1
	done
	die "mko web did not come up within 10 s"
}

add_nodes() {
	"$PYTHON" -c '
import json, sys
for n in json.load(open(sys.argv[1]))["nodes"]:
    print(n["hostname"], n["ip"], n["port"], n["user"], n["key_path"], sep="\t")' "$lab_json" >"$demo/nodes"
	while IFS=$'\t' read -r hostname ip node_port user key; do
		run node add --hostname "$hostname" --ip "$ip" --port "$node_port" --user "$user" --key-path "$key" --cluster-id demo --yes </dev/null
	done <"$demo/nodes"
}

check_active() {
	"$mko" cluster status demo -o json >"$demo/status.json"
	"$PYTHON" - "$demo/status.json" <<'EOF'
import json, sys
cluster = json.load(open(sys.argv[1], encoding="utf-8"))
if cluster.get("status") != "active":
    sys.exit(f"the cluster is {cluster.get('status')!r}, not active")
print("checked: the cluster is active")
EOF
}

what_to_try() {
	cat <<EOF

  The server runs at   http://127.0.0.1:$port   (REST API; a web UI is not in this tree yet)
  Log in as            $(sed -n 1p "$demo/login")

  Try, in this shell:
    export MKO_DATA_DIR=$MKO_DATA_DIR PATH=$BUILD:\$PATH
    mko node list                          the nodes
    mko cluster setup demo                 again: nothing changes
    ./dev lab cut n3 && mko node status n3 pull a cable, see what is said (./dev lab heal n3)
    mko operation list                     what was done
    mko cluster kubeconfig demo >kc && kubectl --kubeconfig kc get nodes
  End it with          ./dev demo --down
EOF
}

need build run lab demo
if [ $down = 1 ]; then
	take_down
	say "the demo is down"
	exit 0
fi
if [ $once = 0 ] && [ -e "$lab_json" ] && [ ! -d "$demo" ]; then
	die "a lab is up already: ./dev lab down first"
fi
take_down
trap at_end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

build_user
[ -x "$mko" ] || die "build/mko is not there"
mkdir -p "$demo"
chmod 700 "$demo"
say "starting the lab: three nodes"
ups=()
if ./dev lab up --help 2>/dev/null | grep -q -- --ups; then ups=(--ups); fi
./dev lab up --nodes 3 "${ups[@]}"

printf '\n$ mko init\n'
"$mko" init | tee "$demo/init.txt"
{ sed -n 's/.*[Aa]dministrator[^:]*: *//p; s/.*[Pp]assword: */ password /p' "$demo/init.txt" | tr -d '\n' && echo; } >"$demo/login"
start_daemon
run cluster add --name demo --ha
add_nodes
run cluster setup demo
run cluster status demo
run node list
check_active
if [ $once = 1 ]; then
	say "the demo went well"
else
	what_to_try
fi
