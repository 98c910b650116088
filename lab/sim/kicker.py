"""What watches a node all the time: the apiserver-kicker's certificate work, the launcher, and the faults that change running things.

`tick` is called every `kicker_tick` seconds by simnoded; it must be cheap when nothing happened (a few stat calls).
"""

import contextlib
import time
from collections.abc import Callable

from sim import faults, pki, root, services, worker

BOUNCED = ("daemon-cluster-agent", "daemon-containerd", "daemon-kubelite")
_CERT_MAKERS = {"server": pki.make_server, "front-proxy-client": pki.make_front_proxy, "ca": pki.renew_ca}


class Kicker:
    """The certificate part of daemon-apiserver-kicker (control planes)."""

    def __init__(self, restart: Callable[[str], None], log: Callable[[str], None]):
        self._restart, self._log = restart, log
        self._checked: tuple[float, float] | None = None
        self._address = root.default_address()

    def start(self) -> None:
        self._address = root.default_address()

    def stop(self, graceful: bool = True) -> None:
        """Nothing runs between ticks."""

    def tick(self) -> None:
        if root.locked("join-in-progress"):  # also one that a failed join left behind
            return
        if self._ca_changed():
            self._reissue("server certificate is not signed by the current CA")
        elif root.default_address() != self._address and not root.locked("no-cert-reissue"):
            self._reissue(f"IP address changed to {root.default_address()}")
        self._address = root.default_address()

    def _ca_changed(self) -> bool:
        """True when server.crt is not of this CA; openssl is asked only after one of the files changed."""
        with contextlib.suppress(FileNotFoundError):
            stamp = (pki.cert("ca.crt").stat().st_mtime, pki.cert("server.crt").stat().st_mtime)
            if stamp != self._checked:
                self._checked = stamp
                return not pki.server_signed_by_ca()
        return False

    def _reissue(self, why: str) -> None:
        self._log(f"CSR change detected: {why}. Reconfiguring the kube-apiserver")
        pki.make_server()
        for service in BOUNCED:
            self._restart(service)


class FaultWatcher:
    """Applies the faults that nobody asks for at an action: certificates that run out, an empty server list, out of memory."""

    def __init__(self, restart: Callable[[str], None], kill: Callable[[str, str], None]):
        self._restart, self._kill = restart, kill
        self._cert_days: str | None = None
        self._complain_at = 0.0

    def tick(self) -> None:
        wanted = faults.active("cert_days")
        if wanted != self._cert_days:
            self._cert_days = wanted
            if wanted:
                self._age_certificate(wanted)
        if faults.active("oom") is not None:
            faults.take("oom")
            self._kill("daemon-kubelite", "A process of this unit has been killed by the OOM killer.")
        if faults.active("sandbox_reserved") is not None:
            self._complain_of_sandboxes()
        if root.is_worker():
            worker.empty_provider_if_asked()

    def _complain_of_sandboxes(self) -> None:
        """As a kubelet does at each retry."""
        if time.monotonic() >= self._complain_at:
            self._complain_at = time.monotonic() + 5
            services.log("daemon-kubelite", "E pod_workers.go:1301] \"Error syncing pod, skipping\" err=\"failed to \\\"CreatePodSandbox\\\" for pod: rpc error: "
                         "code = Unknown desc = failed to reserve sandbox name \\\"web-0_default_1\\\": name is reserved\"")

    def _age_certificate(self, wanted: str) -> None:
        name, _, days = wanted.rpartition(":")
        stem = (name or "server").removesuffix(".crt")
        if pki.cert(f"{stem}.crt").exists() and stem in _CERT_MAKERS:
            _CERT_MAKERS[stem](int(days))
            self._restart("daemon-kubelite")
            self._restart("daemon-cluster-agent")
