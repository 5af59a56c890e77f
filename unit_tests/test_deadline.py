"""The deadline of a request holds over TLS and through a proxy as well."""

import datetime
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from source_invoices.components.http.body import whole_body
from source_invoices.components.http.deadline import DeadlineAdapter, NoWholeAnswer, deadline

HEADER, BODY = b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A key and a certificate of 127.0.0.1, signed by itself, in one file."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.timezone.utc)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path = tmp_path / "certificate.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, *form) + signed.public_bytes(serialization.Encoding.PEM)
    )
    return path


@contextmanager
def dribbling(start: bytes, certificate: Path | None) -> Iterator[int]:
    """The port of a server that answers with these bytes, and then with one more now and then, for ever."""
    stopped = threading.Event()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if certificate:
        context.load_cert_chain(certificate)

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        try:
            connection = context.wrap_socket(connection, server_side=True) if certificate else connection
            connection.recv(65536)
            connection.sendall(start)
            while not stopped.wait(0.02):
                connection.sendall(b"x")
        except OSError:
            pass  # the client has gone
        finally:
            connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        yield listener.getsockname()[1]
        stopped.set()
        thread.join()


def ask(url: str, verify: str | bool = True, proxies: dict[str, str] | None = None) -> None:
    request = requests.Request("GET", url).prepare()
    with deadline(0.4):
        whole_body(DeadlineAdapter().send(request, timeout=(10, 60), verify=verify, proxies=proxies))


@pytest.mark.parametrize("start", [HEADER, BODY])
def test_a_request_over_tls_ends_at_its_deadline(certificate: Path, start: bytes) -> None:
    with dribbling(start, certificate) as port, pytest.raises(NoWholeAnswer):
        ask(f"https://localhost:{port}/", verify=str(certificate))


@pytest.mark.parametrize(("scheme", "start"), [("http", HEADER), ("http", BODY), ("https", HEADER)])
def test_a_request_through_a_proxy_ends_at_its_deadline(scheme: str, start: bytes) -> None:
    # For https, what comes is the proxy's answer to CONNECT.
    with dribbling(start, None) as port, pytest.raises(NoWholeAnswer):
        ask(f"{scheme}://provider.example/", proxies={scheme: f"http://127.0.0.1:{port}"})


def test_a_failure_before_the_deadline_stays_as_it_is() -> None:
    with pytest.raises(ValueError, match="before"), deadline(60):
        raise ValueError("before")


def test_a_deadline_ends_with_its_request() -> None:
    with pytest.raises(NoWholeAnswer), deadline(0):
        time.sleep(0)
        raise TimeoutError
    with dribbling(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", None) as port:
        request = requests.Request("GET", f"http://127.0.0.1:{port}/").prepare()
        assert whole_body(DeadlineAdapter().send(request, timeout=(10, 60))) == b"xxx"


def test_connections_are_looked_up_once_for_each_host() -> None:
    adapter = DeadlineAdapter()
    urls = ["http://one.example/a", "http://one.example/b?c=//d", "http://one.example:81/a", "https://one.example/a"]
    pools = [
        adapter.get_connection_with_tls_context(requests.Request("GET", url).prepare(), True) for url in (*urls, *urls)
    ]
    assert [(pool.scheme, pool.host, pool.port) for pool in pools[:4]] == [
        ("http", "one.example", 80),
        ("http", "one.example", 80),
        ("http", "one.example", 81),
        ("https", "one.example", 443),
    ]
    assert pools[4:] == pools[:4]
    adapter.poolmanager.clear()
    again = adapter.get_connection_with_tls_context(requests.Request("GET", urls[0]).prepare(), True)
    assert again is pools[0]
