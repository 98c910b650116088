"""Networks of a lab: one network namespace with a bridge, one namespace per node, one veth to the host.

Owns the names and addresses. Everything is named after the lab's number K (machine-wide unique): namespaces `mkoK-ctl` (bridge br0),
`mkoK-NODE`; host interface `mkolabK` with 10.77.K.1/24; node port on the bridge `v-NODE`. Claiming K is creating `mkoK-ctl`, which
the kernel does for one caller only. Deleting the namespaces and the host interface deletes all of it.
Nodes have a default route to .254, where nobody answers: nothing in the lab can reach the outside.
"""

import pathlib

from .errors import LabError
from .shell import run, tool

NETNS_DIR = pathlib.Path("/run/netns")
UPS_HOST_NUMBER = 5
FIRST_NODE_NUMBER = 11
MAX_NODES = 200


class Network:
    """Names and addresses of the lab with number `k`, and the operations on them."""

    def __init__(self, k):
        self.k = k
        self.subnet = f"10.77.{k}.0/24"
        self.gateway = self.address(254)
        self.host_link = f"mkolab{k}"
        self.ctl = f"mko{k}-ctl"

    def address(self, number):
        return f"10.77.{self.k}.{number}"

    def mac(self, number):
        return f"02:4c:41:42:{self.k:02x}:{number:02x}"

    def netns(self, name):
        return f"mko{self.k}-{name}"

    def netns_path(self, name):
        return NETNS_DIR / self.netns(name)

    def namespaces(self):
        """Names of the network namespaces of this lab that exist now."""
        return sorted(p.name for p in NETNS_DIR.glob(f"mko{self.k}-*"))

    def create(self, members):
        """Make bridge, host link and one namespace per (name, number) of `members`. The ctl namespace is there already (claim)."""
        ctl = ["link set lo up", "link add br0 type bridge", "link set br0 up", "link set uplink master br0 up"]
        host = [f"addr add {self.address(1)}/24 brd + dev {self.host_link}", f"link set {self.host_link} up"]
        for name, number in members:
            ctl.append(f"link add v-{name} type veth peer name eth0 address {self.mac(number)} netns {self.netns(name)}")
            ctl.append(f"link set v-{name} master br0 up")
            host.append(f"neigh replace {self.address(number)} lladdr {self.mac(number)} dev {self.host_link} nud permanent")
        ip_batch([f"netns add {self.netns(name)}" for name, _ in members]
                 + [f"link add {self.host_link} type veth peer name uplink netns {self.ctl}"])
        ip_batch(ctl, self.ctl)
        ip_batch(host)

    def destroy(self):
        """Delete everything that `create` and the claim made; what is not there is fine."""
        if (pathlib.Path("/sys/class/net") / self.host_link).exists():
            run([tool("ip", "iproute2"), "link", "del", self.host_link], check=False)
        ip_batch([f"netns del {name}" for name in self.namespaces()])

    def set_port(self, name, up):
        """Plug (`up`) or pull the cable of a node at the bridge; silent for everybody else."""
        ip_batch([f"link set v-{name} {'up' if up else 'down'}"], self.ctl)

    def port_is_up(self, name):
        shown = run([*inside(self.ctl), tool("ip", "iproute2"), "-o", "link", "show", f"v-{name}"], check=False).stdout
        return ",UP" in shown.partition("<")[2].partition(">")[0]

    def set_node_link(self, name, up):
        """The node's own side of the cable, as a powered-off card is down."""
        ip_batch([f"link set eth0 {'up' if up else 'down'}"], self.netns(name))

    def boot_batch(self, number):
        """What a node runs at boot to configure its network: the text of its /etc/network/lab.batch."""
        return (f"link set lo up\naddr flush dev eth0\naddr add {self.address(number)}/24 brd + dev eth0\n"
                f"link set eth0 up\nroute replace default via {self.gateway}\n")


def claim(taken_by_us):
    """Claim the first free K in 1..250; `taken_by_us(k)` is called before the kernel is asked, to leave a trace for the clean-up."""
    used = {p.name for p in pathlib.Path("/sys/class/net").glob("mkolab*")}
    addresses = run([tool("ip", "iproute2"), "-4", "-o", "addr"]).stdout
    for k in range(1, 251):
        if f"mkolab{k}" in used or f" 10.77.{k}." in addresses or (NETNS_DIR / f"mko{k}-ctl").exists():
            continue
        taken_by_us(k)
        if run([tool("ip", "iproute2"), "netns", "add", f"mko{k}-ctl"], check=False).returncode == 0:
            return Network(k)
    raise LabError("no free subnet for the lab", "10.77.1.0/24 to 10.77.250.0/24 are all in use, or this is not root",
                   "take other labs down ('lab.py --lab NAME down')")


def inside(netns):
    """Prefix of a command that shall run in this namespace. Not `ip -n`: that remounts /, which a chroot does not allow."""
    return [tool("nsenter", "util-linux"), f"--net={NETNS_DIR / netns}"] if netns else []


def ip_batch(lines, netns=None):
    """Run many `ip` commands with one process, in the namespace `netns` or on the host."""
    if lines:
        run([*inside(netns), tool("ip", "iproute2"), "-batch", "-"], stdin="\n".join(lines) + "\n")
