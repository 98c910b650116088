"""HTTPS: the certificate is renewed while connections stay open, and one that cannot be used is told of and ignored."""
import http.client
import json
import os
import signal
import ssl
import subprocess
import unittest
import warnings

from api_support import ServerCase, wait_until
from support import MKO


def make_pair(folder, name):
    """A self-signed certificate for 127.0.0.1 and its key."""
    cert, key = (os.path.join(folder, f"{name}.{kind}.pem") for kind in ("cert", "key"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                    f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert], capture_output=True, check=True)
    return cert, key


class Tls(ServerCase):
    def setUp(self):
        super().setUp()
        self.cert, self.key = (os.path.join(self.mko.folder, name) for name in ("cert.pem", "key.pem"))
        self.install(*make_pair(self.mko.folder, "first"))

    def install(self, cert, key):
        """As a renewal does it: each file is replaced at once, one after the other."""
        for source, target in ((cert, self.cert), (key, self.key)):
            with open(source, "rb") as text, open(target + ".new", "wb") as copy:
                copy.write(text.read())
            os.rename(target + ".new", target)

    def refused(self, *args):
        env = {**self.mko.env, "MKO_DATA_DIR": os.path.join(self.mko.folder, "tls")}
        done = subprocess.run([MKO, "web", "--listen", "127.0.0.1:0", *args], env=env, capture_output=True, text=True, timeout=20)
        self.assertRegex(done.stderr, r"(?m)^mko: ")
        return done

    def start(self):
        self.mko.kill_daemon(signal.SIGTERM)
        self.mko.start_daemon("--tls-cert", self.cert, "--tls-key", self.key)

    def log(self):
        with open(os.path.join(self.mko.folder, "web.log"), encoding="utf-8") as text:
            return text.read()

    def port(self):
        return int(self.log().split("https://127.0.0.1:")[-1].split()[0])

    def connect(self):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection("127.0.0.1", self.port(), timeout=20, context=context)
        connection.connect()
        return connection

    def shown(self):
        """The certificate that a new connection gets."""
        connection = self.connect()
        try:
            return ssl.DER_cert_to_PEM_cert(connection.sock.getpeercert(binary_form=True))
        finally:
            connection.close()

    def pem(self, path):
        with open(path, encoding="utf-8") as text:
            return text.read()

    def ask(self, connection, path="/api/nodes"):
        connection.request("GET", path, headers={"Authorization": f"Bearer {self.token['admin']}"})
        answer = connection.getresponse()
        self.assertEqual(answer.status, 200)
        return json.loads(answer.read())

    def test_a_renewed_certificate_is_used_and_nothing_is_cut(self):
        self.start()
        self.assertEqual(self.shown(), self.pem(self.cert))
        kept, stream = self.connect(), self.connect()
        self.ask(kept)
        stream.request("GET", "/api/events", headers={"Authorization": f"Bearer {self.token['admin']}"})
        events = stream.getresponse()
        self.assertEqual(events.readline(), b"retry: 2000\n")

        self.install(*make_pair(self.mko.folder, "second"))  # found without being told
        wait_until(lambda: self.shown() == self.pem(self.cert), 30, "the new certificate is shown")
        self.ask(kept)
        self.local("POST", "/api/nodes", {"hostname": "n1", "ip_address": "10.1.0.1"})
        while not (line := events.readline()).startswith(b"data:"):
            self.assertNotEqual(line, b"")
        self.assertIn(b"node.create", line)

        third = make_pair(self.mko.folder, "third")
        self.install(*third)
        self.mko.daemon.send_signal(signal.SIGHUP)  # and at once when told
        wait_until(lambda: self.shown() == self.pem(third[0]), 30, "the third certificate is shown")
        for connection in (kept, stream):
            connection.close()

    def test_a_broken_renewal_keeps_the_old_certificate_and_says_so(self):
        self.start()
        good = self.pem(self.cert)
        other = make_pair(self.mko.folder, "other")
        self.install(other[0], self.key)
        wait_until(lambda: "does not belong to the certificate" in self.log(), 30, "the wrong pair is told of")
        with open(self.cert, "w", encoding="utf-8") as text:
            text.write("-----BEGIN CERTIFICATE-----\nnot one\n")
        wait_until(lambda: "no certificate in PEM" in self.log(), 30, "the broken file is told of")
        os.unlink(self.cert)
        wait_until(lambda: "cert.pem: No such file" in self.log(), 30, "the missing file is told of")
        self.assertIn("keeping the old one", self.log())
        self.assertEqual(self.shown(), good)
        self.install(*other)
        wait_until(lambda: self.shown() == self.pem(other[0]), 30, "the repaired pair is used")

    def test_a_pair_that_cannot_be_used_is_refused_with_the_reason(self):
        other = make_pair(self.mko.folder, "other")
        done = self.refused("--tls-cert", self.cert, "--tls-key", other[1])
        self.assertEqual(done.returncode, 2)
        self.assertIn(f"TLS key {other[1]} does not belong to the certificate {self.cert}", done.stderr)
        done = self.refused("--tls-cert", self.cert, "--tls-key", "/nowhere/key.pem")
        self.assertEqual(done.returncode, 3)
        self.assertIn("TLS key: open /nowhere/key.pem", done.stderr)
        done = self.refused("--tls-cert", self.key, "--tls-key", self.key)
        self.assertEqual(done.returncode, 2)
        self.assertIn("no certificate in PEM", done.stderr)
        locked = os.path.join(self.mko.folder, "locked.pem")
        subprocess.run(["openssl", "pkey", "-in", self.key, "-aes256", "-passout", "pass:secret", "-out", locked], check=True, capture_output=True)
        done = self.refused("--tls-cert", self.cert, "--tls-key", locked)
        self.assertIn("is encrypted", done.stderr)
        self.assertEqual(self.refused("--tls-cert", self.cert).returncode, 2)

    def test_old_versions_of_the_protocol_are_refused(self):
        self.start()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")
        old = http.client.HTTPSConnection("127.0.0.1", self.port(), timeout=20, context=context)
        self.assertRaises((ssl.SSLError, ConnectionError), old.connect)


if __name__ == "__main__":
    unittest.main()
