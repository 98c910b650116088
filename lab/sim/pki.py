"""Certificates of one node, made by the real openssl: facts 2.4.

Owns `$D/certs`, the dqlite pair `$B/cluster.crt|key` and the kubeconfigs in `$D/credentials`. Keys are EC P-256: a real MicroK8s makes
RSA keys, which would cost a small shared machine seconds per node and which nobody who reads these files can tell apart by content.
"""

import base64
import hashlib
import re
import secrets
import ssl
import string
import subprocess
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path

from sim import root

CA_DAYS = 3650
SERVER_DAYS = 365
_NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]

CSR_TEMPLATE = """[ req ]
default_bits = 2048
prompt = no
default_md = sha256
req_extensions = req_ext
distinguished_name = dn

[ dn ]
C = GB
ST = Canonical
L = Canonical
O = Canonical
OU = Canonical
CN = 127.0.0.1

[ req_ext ]
subjectAltName = @alt_names

[ alt_names ]
DNS.1 = kubernetes
DNS.2 = kubernetes.default
DNS.3 = kubernetes.default.svc
DNS.4 = kubernetes.default.svc.cluster
DNS.5 = kubernetes.default.svc.cluster.local
IP.1 = 127.0.0.1
IP.2 = 10.152.183.1
#MOREIPS

[ v3_ext ]
authorityKeyIdentifier=keyid,issuer:always
basicConstraints=CA:FALSE
keyUsage=keyEncipherment,dataEncipherment,digitalSignature
extendedKeyUsage=serverAuth,clientAuth
subjectAltName=@alt_names
"""

# file stem -> subject; signed by the node's CA for ten years
CLIENT_CERTS = {
    "client": "/CN=admin/O=system:masters",
    "controller": "/CN=system:kube-controller-manager",
    "scheduler": "/CN=system:kube-scheduler",
    "proxy": "/CN=system:kube-proxy",
    "apiserver-kubelet-client": "/CN=kube-apiserver-kubelet-client/O=system:masters",
}
# kubeconfig stem -> (certificate stem, user name)
KUBECONFIGS = {
    "client": ("client", "admin"),
    "controller": ("controller", "system:kube-controller-manager"),
    "scheduler": ("scheduler", "system:kube-scheduler"),
    "proxy": ("proxy", "system:kube-proxy"),
    "kubelet": ("kubelet", "system:node"),
}
_KUBECONFIG = """apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: {ca}
    server: https://{server}:{port}
  name: microk8s-cluster
contexts:
- context:
    cluster: microk8s-cluster
    user: {user}
  name: microk8s
current-context: microk8s
kind: Config
preferences: {{}}
users:
- name: {user}
  user:
    {cert_key}: {cert}
    {key_key}: {key}
"""


class PkiError(RuntimeError):
    """openssl refused; the text is its stderr."""


def openssl(*args: str, stdin: str | None = None) -> str:
    """Run openssl and return its stdout."""
    done = subprocess.run(["openssl", *args], input=stdin, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise PkiError(done.stderr.strip())
    return done.stdout


def cert(name: str) -> Path:
    """A file in `$D/certs`."""
    return root.data("certs", name)


def credential(name: str) -> Path:
    """A file in `$D/credentials`."""
    return root.data("credentials", name)


def _protect(*files: Path) -> None:
    for file in files:
        file.chmod(0o660)
        root.own_by_group(file)


# ---- authorities ----------------------------------------------------------------------------------------------------------------

def _self_signed(stem: Path, subject: str, days: int, *extensions: str) -> None:
    added = [part for extension in extensions for part in ("-addext", extension)]
    crt, key = stem.with_name(stem.name + ".crt"), stem.with_name(stem.name + ".key")
    openssl("req", "-x509", *_NEW_KEY, "-sha256", "-days", str(days), "-subj", subject, *added, "-keyout", str(key), "-out", str(crt))
    _protect(crt, key)


def make_ca() -> None:
    """Make the cluster CA and the front proxy CA, unless they are there."""
    for stem, subject in (("ca", "/CN=10.152.183.1"), ("front-proxy-ca", "/CN=front-proxy-ca")):
        if not cert(f"{stem}.crt").exists():
            _self_signed(cert(stem), subject, CA_DAYS)


def renew_ca(days: int = CA_DAYS) -> None:
    """The same CA (key and name) with another end; what it signed stays valid. 0 or less: it ends now."""
    openssl("req", "-x509", "-new", "-key", str(cert("ca.key")), "-sha256", "-days", str(max(days, 0)), "-subj", "/CN=10.152.183.1",
            "-out", str(cert("ca.crt")))


def make_dqlite_pair(directory: Path) -> None:
    """Make `cluster.crt` and `cluster.key`, the shared certificate of a dqlite cluster."""
    directory.mkdir(parents=True, exist_ok=True)
    _self_signed(directory / "cluster", "/CN=k8s", CA_DAYS, f"subjectAltName=DNS:{root.hostname()},IP:127.0.0.1")


# ---- leaves ---------------------------------------------------------------------------------------------------------------------

def _sign(request: str, ca: str, days: int, extensions: str) -> str:
    """Sign a PEM request with a CA of this node. `days` may be negative: then the certificate is already expired."""
    with tempfile.TemporaryDirectory() as folder:
        ext = Path(folder, "ext")
        ext.write_text(extensions)
        csr = Path(folder, "csr")
        csr.write_text(request)
        if days >= 1:
            return openssl("x509", "-req", "-sha256", "-in", str(csr), "-CA", str(cert(f"{ca}.crt")), "-CAkey", str(cert(f"{ca}.key")),
                           "-set_serial", f"0x{secrets.token_hex(15)}", "-days", str(days), "-extfile", str(ext))
        return _sign_expired(csr, ca, days, extensions, Path(folder))


def _sign_expired(csr: Path, ca: str, days: int, extensions: str, folder: Path) -> str:
    end = datetime.now(timezone.utc) + timedelta(days=days)
    config = folder / "ca.cnf"
    (folder / "index.txt").touch()
    config.write_text(f"[ca]\ndefault_ca=c\n[c]\ndatabase={folder}/index.txt\nnew_certs_dir={folder}\nrand_serial=yes\n"
                      f"default_md=sha256\npolicy=p\nunique_subject=no\n[p]\ncommonName=optional\norganizationName=optional\n"
                      f"countryName=optional\nstateOrProvinceName=optional\nlocalityName=optional\norganizationalUnitName=optional\n")
    ext = folder / "ext"
    ext.write_text(extensions)
    return openssl("ca", "-batch", "-notext", "-config", str(config), "-in", str(csr), "-cert", str(cert(f"{ca}.crt")),
                   "-keyfile", str(cert(f"{ca}.key")), "-extfile", str(ext),
                   "-startdate", f"{end - timedelta(days=SERVER_DAYS):%Y%m%d%H%M%SZ}", "-enddate", f"{end:%Y%m%d%H%M%SZ}")


def request(stem: str, subject: str) -> str:
    """Make a request with the existing or a new key of this stem."""
    key = cert(f"{stem}.key")
    if not key.exists():
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(key))
        _protect(key)
    return openssl("req", "-new", "-sha256", "-key", str(key), "-subj", subject)


def _issue(stem: str, subject: str, ca: str, days: int, extensions: str) -> None:
    root.write(cert(f"{stem}.crt"), _sign(request(stem, subject), ca, days, extensions))


def _san(names: list[str]) -> str:
    return "subjectAltName=" + ",".join(("IP:" if re.fullmatch(r"[0-9.]+", n) else "DNS:") + n for n in dict.fromkeys(names))


def render_csr() -> str:
    """Write csr.conf.rendered and csr.conf from the template and the node's addresses, and return the text."""
    more = "\n".join(f"IP.{i} = {ip}" for i, ip in enumerate(root.all_addresses(), start=3))
    text = cert("csr.conf.template").read_text().replace("#MOREIPS", more)
    root.write(cert("csr.conf.rendered"), text)
    root.write(cert("csr.conf"), text)
    return text


def server_names() -> list[str]:
    """Every name in csr.conf's `alt_names`: extraSANs and users edit the template, so the file is the truth."""
    names = re.findall(r"^\s*(?:DNS|IP)\.\d+\s*=\s*(\S+)\s*$", render_csr(), re.MULTILINE)
    return names + [root.loopback()]


def make_server(days: int = SERVER_DAYS) -> None:
    """(Re-)issue server.crt with a SAN for every address of this node."""
    _issue("server", "/C=GB/ST=Canonical/L=Canonical/O=Canonical/OU=Canonical/CN=127.0.0.1", "ca", days,
           "basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth,clientAuth\n" + _san(server_names()))


def make_front_proxy(days: int = SERVER_DAYS) -> None:
    _issue("front-proxy-client", "/CN=front-proxy-client", "front-proxy-ca", days, "extendedKeyUsage=clientAuth")


def make_kubelet() -> None:
    """Issue kubelet.crt: client of the API and server of :10250."""
    _issue("kubelet", f"/CN=system:node:{root.node_name()}/O=system:nodes", "ca", CA_DAYS,
           "extendedKeyUsage=serverAuth,clientAuth\n" + _san([root.node_name(), *root.all_addresses(), root.loopback()]))


def make_clients() -> None:
    for stem, subject in CLIENT_CERTS.items():
        _issue(stem, subject, "ca", CA_DAYS, "extendedKeyUsage=clientAuth")
    make_kubelet()


def make_all() -> None:
    """What the install hook's `produce_certs` makes."""
    cert("").mkdir(parents=True, exist_ok=True)
    if not cert("csr.conf.template").exists():
        root.write(cert("csr.conf.template"), CSR_TEMPLATE)
    make_ca()
    if not cert("serviceaccount.key").exists():
        openssl("genrsa", "-out", str(cert("serviceaccount.key")), "2048")
        _protect(cert("serviceaccount.key"))
    make_server()
    make_front_proxy()
    make_clients()


def sign_request(request: str) -> str:
    """Sign a joiner's CSR as the agent's sign-cert does: the subject is kept, SANs of the request too."""
    text = openssl("req", "-noout", "-text", stdin=request)
    names = re.findall(r"(?:DNS|IP Address):([^,\s]+)", text)
    return _sign(request, "ca", CA_DAYS, "extendedKeyUsage=serverAuth,clientAuth\n" + (_san(names) if names else ""))


# ---- questions ------------------------------------------------------------------------------------------------------------------

def fingerprint() -> str:
    """The CHECK part of a join URL: first 12 hex digits of the SHA-256 of server.crt."""
    der = ssl.PEM_cert_to_DER_cert(cert("server.crt").read_text())
    return hashlib.sha256(der).hexdigest()[:12]


def server_context() -> ssl.SSLContext:
    """TLS with server.crt, without client certificates: the cluster agent's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(cert("server.crt"), cert("server.key"))
    return context


def days_left(file: Path) -> int:
    """Whole days until a certificate expires; negative when it has."""
    end = openssl("x509", "-enddate", "-noout", "-in", str(file)).strip().split("=", 1)[1]
    return (datetime.strptime(end, "%b %d %H:%M:%S %Y %Z").replace(tzinfo=timezone.utc) - datetime.now(timezone.utc)).days


def server_signed_by_ca() -> bool:
    """The kicker's `ensure_server_ca` test."""
    try:
        openssl("verify", "-no_check_time", "-CAfile", str(cert("ca.crt")), str(cert("server.crt")))
        return True
    except PkiError:
        return False


# ---- kubeconfigs and tokens -----------------------------------------------------------------------------------------------------

def kubeconfig(stem: str, server: str | None = None, ca: Path | None = None) -> str:
    """The text of a kubeconfig. The admin's carries its certificate in the file; the services' name their files."""
    cert_stem, user = KUBECONFIGS[stem]
    crt, key = cert(f"{cert_stem}.crt"), cert(f"{cert_stem}.key")
    inline = stem == "client"
    return _KUBECONFIG.format(
        ca=_b64(ca or cert("ca.crt")), server=server or root.loopback(), port=root.API_PORT, user=user,
        cert_key="client-certificate-data" if inline else "client-certificate",
        key_key="client-key-data" if inline else "client-key",
        cert=_b64(crt) if inline else crt, key=_b64(key) if inline else key)


def write_kubeconfigs(*stems: str) -> None:
    """Write the named kubeconfigs (default: all) from the certificates that are there now."""
    for stem in stems or KUBECONFIGS:
        root.write(credential(f"{stem}.config"), kubeconfig(stem))


def make_callback_token() -> None:
    letters = string.ascii_uppercase + string.digits
    root.write(credential("callback-token.txt"), "".join(secrets.choice(letters) for _ in range(64)) + "\n")


def _b64(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()
