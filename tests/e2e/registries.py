# SPDX-License-Identifier: Apache-2.0
"""Registries for the tests: Debian's docker-registry, plain, by TLS, with passwords, behind a token server."""
import base64
import contextlib
import crypt
import json
import os
import re
import socket
import subprocess
import time
import urllib.parse

import e2e

USER, PASSWORD = "tester", "canary-password"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def openssl(*args, **more):
    return subprocess.run(["openssl", *args], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, **more).stdout


class Authority:
    """A certificate authority of our own, and what it has signed."""

    def __init__(self, folder):
        self.folder = folder
        os.makedirs(folder)
        self.certificate = self.path("ca.crt")
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                "-subj", "/CN=authority of a test", "-keyout", self.path("ca.key"), "-out", self.certificate)

    def path(self, name):
        return os.path.join(self.folder, name)

    def sign(self, name, subject="/CN=localhost", names="DNS:localhost,IP:127.0.0.1"):
        """Returns the files of a certificate and its key."""
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", subject,
                "-keyout", self.path(name + ".key"), "-out", self.path(name + ".csr"))
        e2e.write(self.path(name + ".ext"), "subjectAltName=%s\n" % names)
        openssl("x509", "-req", "-in", self.path(name + ".csr"), "-CA", self.certificate, "-CAkey", self.path("ca.key"),
                "-CAcreateserial", "-days", "2", "-extfile", self.path(name + ".ext"), "-out", self.path(name + ".crt"))
        return self.path(name + ".crt"), self.path(name + ".key")


class TokenServer(e2e.Loopback):
    """Gives tokens that docker-registry believes (distribution's "Token Authentication Specification") to whoever has the
    password; with `public`, to anybody who wants to pull. What it says of a token's life, `lifetime`, may be another thing
    than what the token says itself, `expires_after`."""

    def __init__(self, folder, public=False, lifetime=300, expires_after=None):
        super().__init__()
        self.realm = self.url + "token"
        self.public, self.lifetime, self.asked = public, lifetime, []
        self.expires_after = lifetime if expires_after is None else expires_after
        os.makedirs(folder)
        self.key, self.certificate = os.path.join(folder, "token.key"), os.path.join(folder, "token.crt")
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=tokens",
                "-keyout", self.key, "-out", self.certificate)
        der = openssl("x509", "-in", self.certificate, "-outform", "DER")
        self.x5c = base64.b64encode(der).decode()

    def answer(self, request):
        query = urllib.parse.parse_qs(urllib.parse.urlparse(request.path).query)
        sent = request.headers.get("Authorization", "")
        is_known = sent == "Basic " + base64.b64encode((USER + ":" + PASSWORD).encode()).decode()
        scopes = query.get("scope", [])
        self.asked.append((is_known, scopes))
        if sent and not is_known:
            request.send_error(401)
            return
        access = []
        for scope in scopes:
            kind, name, actions = scope.split(":")
            granted = [a for a in actions.split(",") if is_known or (self.public and a == "pull")]
            access.append({"type": kind, "name": name, "actions": granted})
        body = json.dumps({"token": self.token(access), "expires_in": self.lifetime}).encode()
        request.send_response(200)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def token(self, access):
        def encoded(data):
            return base64.urlsafe_b64encode(data).rstrip(b"=")
        now = int(time.time())
        head = encoded(json.dumps({"typ": "JWT", "alg": "RS256", "x5c": [self.x5c]}).encode())
        claims = encoded(json.dumps({"iss": "test", "sub": "", "aud": "the registry", "exp": now + self.expires_after,
                                     "nbf": now - 100, "iat": now, "jti": str(now), "access": access}).encode())
        signed = head + b"." + claims
        return (signed + b"." + encoded(openssl("dgst", "-sha256", "-sign", self.key, input=signed))).decode()


class Registry:
    """docker-registry on a port of this machine. `tls`: (certificate, key), `client_ca`: whose certificates clients must have."""

    def __init__(self, folder, tls=None, client_ca=None, password=False, tokens=None, address="127.0.0.1"):
        e2e.need_tools("docker-registry", "openssl")
        self.folder, self.port = folder, free_port()
        self.host = "127.0.0.1:%d" % self.port
        self.tls = tls
        os.makedirs(folder)
        config = {"version": "0.1", "log": {"level": "warn", "accesslog": {"disabled": False}},
                  "storage": {"filesystem": {"rootdirectory": os.path.join(folder, "data")}, "delete": {"enabled": True}},
                  "http": {"addr": "%s:%d" % (address, self.port), "secret": "not much of one"}}
        if tls:
            config["http"]["tls"] = {"certificate": tls[0], "key": tls[1]}
        if client_ca:
            config["http"]["tls"]["clientcas"] = [client_ca]
        if password:
            salt = crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16)
            entry = e2e.write(os.path.join(folder, "htpasswd"), "%s:%s\n" % (USER, crypt.crypt(PASSWORD, salt)))
            config["auth"] = {"htpasswd": {"realm": "a test", "path": entry}}
        if tokens:
            config["auth"] = {"token": {"realm": tokens.realm, "service": "the registry", "issuer": "test",
                                        "rootcertbundle": tokens.certificate}}
        # JSON is YAML.
        self.config = e2e.write(os.path.join(folder, "config.yml"), json.dumps(config))
        self.log_file = os.path.join(folder, "log")

    def __enter__(self):
        with open(self.log_file, "wb") as log:
            self.process = subprocess.Popen(["docker-registry", "serve", self.config], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, env=dict(os.environ, OTEL_TRACES_EXPORTER="none"))
        for _ in range(600):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return self
            assert self.process.poll() is None, e2e.read(self.log_file).decode()
            time.sleep(0.05)
        raise AssertionError("docker-registry does not start")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def name(self, repository):
        return "docker://%s/%s" % (self.host, repository)

    def requests(self):
        """"GET /v2/..." for each request so far, those of the test's own looking left out."""
        found = re.findall(r'"([A-Z]+ /\S*) HTTP', e2e.read(self.log_file).decode("utf-8", "replace"))
        return [one for one in found]

    def refused(self):
        """Of these, those that were answered with 401."""
        return re.findall(r'"([A-Z]+ /\S*) HTTP[^"]*" 401 ', e2e.read(self.log_file).decode("utf-8", "replace"))

    def forget(self):
        with open(self.log_file, "r+b") as log:
            log.truncate(0)


def blob_digests(folder):
    """Of all blobs that a registry has stored."""
    blobs = os.path.join(folder, "data", "docker", "registry", "v2", "blobs", "sha256")
    return sorted(name for _, folders, _ in os.walk(blobs) for name in folders if len(name) == 64)


def insecure_conf(path, *hosts):
    """A registries.conf by which these may be asked by plain HTTP."""
    return e2e.write(path, "".join('[[registry]]\nlocation = "%s"\ninsecure = true\n' % host for host in hosts))


class Home:
    """An environment in which nobody has logged in anywhere."""

    def __init__(self, folder):
        self.folder = folder
        os.makedirs(folder)
        self.env = {"HOME": folder, "XDG_RUNTIME_DIR": os.path.join(folder, "run"), "XDG_CONFIG_HOME": "",
                    "DOCKER_CONFIG": "", "REGISTRY_AUTH_FILE": "", "CONTAINERS_REGISTRIES_CONF": "",
                    "XDG_CACHE_HOME": os.path.join(folder, "cache")}

    def trust(self, host, certificate, client=None):
        folder = os.path.join(self.folder, ".config", "containers", "certs.d", host)
        e2e.write(os.path.join(folder, "ca.crt"), e2e.read(certificate).decode())
        if client:
            e2e.write(os.path.join(folder, "client.cert"), e2e.read(client[0]).decode())
            e2e.write(os.path.join(folder, "client.key"), e2e.read(client[1]).decode())

    def insecure(self, *hosts):
        self.env["CONTAINERS_REGISTRIES_CONF"] = insecure_conf(os.path.join(self.folder, "registries.conf"), *hosts)
