"""`microk8s add-node` (facts 1.2)."""

import json
import secrets
import time

from sim import faults, pki, root
from sim.cli import common
from sim.cli.common import say

MIN_LENGTH = 32
HELP = "Produce a connection string for a node to join the cluster."


def add(token: str, ttl: int) -> None:
    """Append the token to cluster-tokens.txt: `TOKEN` (one use) or `TOKEN|EXPIRY`."""
    file = pki.credential("cluster-tokens.txt")
    before = file.read_text() if file.exists() else ""
    line = token if ttl == -1 else f"{token}|{round(time.time()) + ttl}"
    root.write(file, f"{before}{line}\n")


def check() -> str:
    """The CHECK part of a join URL."""
    found = pki.fingerprint()
    return found if faults.take("fingerprint_mismatch") is None else found[::-1]


def print_pretty(token: str, sum_: str, default_ip: str, ips: list[str], port: int = root.AGENT_PORT) -> None:
    say("From the node you wish to join to this cluster, run the following:", f"microk8s join {default_ip}:{port}/{token}/{sum_}", "",
        "Use the '--worker' flag to join a node as a worker not running the control plane, eg:",
        f"microk8s join {default_ip}:{port}/{token}/{sum_} --worker", "",
        "If the node you are adding is not reachable through the default interface you can use one of the following:",
        *(f"microk8s join {ip}:{port}/{token}/{sum_}" for ip in ips))


def print_short(token: str, sum_: str, default_ip: str, ips: list[str], port: int = root.AGENT_PORT) -> None:
    say(*(f"microk8s join {ip}:{port}/{token}/{sum_}" for ip in [default_ip, *(i for i in ips if i != default_ip)]))


def print_json(token: str, sum_: str, ips: list[str], port: int = root.AGENT_PORT) -> None:
    say(json.dumps({"token": f"{token}/{sum_}", "urls": [f"{ip}:{port}/{token}/{sum_}" for ip in ips]}, indent=2))


def print_yaml(token: str, sum_: str, ips: list[str], port: int = root.AGENT_PORT) -> None:
    say(f"token: {token}/{sum_}", "urls:", *(f"- {ip}:{port}/{token}/{sum_}" for ip in ips), "")


def _parser() -> common.Parser:
    parser = common.Parser("add-node", description=HELP)
    parser.add_argument("--token-ttl", "-l", type=int, default=-1,
                        help='Specify how long the token is valid, before it expires. Value of "-1" indicates that the token is usable '
                             "only once (i.e. after joining a node, the token becomes invalid)")
    parser.add_argument("--token", "-t", help="Specify the bootstrap token to add, must be 32 characters long. Auto generates when empty.")
    parser.add_argument("--format", default="pretty", choices=("pretty", "short", "token", "token-check", "json", "yaml"),
                        help="Format the output of the token in pretty, short, token, or token-check")
    return parser


def run(argv: list[str]) -> int:
    if any("help" in argument for argument in argv):
        _parser().print_help()
        return 0
    common.exit_if_no_permission()
    common.exit_if_stopped()
    common.exit_if_worker(1, f"{common.ACTING_AS_NODE} Please use the microk8s add-node on the master.")
    options = _parser().parse_args(argv)
    token = options.token if options.token is not None else secrets.token_hex(16)
    if len(token) < MIN_LENGTH:
        say("Invalid token size.  It must be 32 characters long.")
        return 1
    add(token, options.token_ttl)
    _print(options.format, token)
    return 0


def _print(form: str, token: str) -> None:
    if form == "token":
        say(token)
        return
    sum_ = check()
    if form == "token-check":
        say(f"{token}/{sum_}")
    elif form == "json":
        print_json(token, sum_, root.all_addresses())
    elif form == "yaml":
        print_yaml(token, sum_, root.all_addresses())
    else:
        {"pretty": print_pretty, "short": print_short}[form](token, sum_, root.default_address(), root.all_addresses())
