"""A loan client for tests, run where clients stand: requests as JSON on stdin, answers as JSON on stdout.

Usage: `<client_command> python client.py CA_FILE ADDRESS SERVER_NAME PORT`; standard library only, because
it must run in the clients' network namespace with nothing of ours in the way.
"""

import http.client
import json
import socket
import ssl
import sys
from typing import Any

TIMEOUT_S = 15.0


class NamedConnection(http.client.HTTPSConnection):
    """HTTPS to an address whose certificate is checked for a name: the lab has no name service."""

    def __init__(self, address: str, port: int, name: str, context: ssl.SSLContext) -> None:
        super().__init__(name, port, timeout=TIMEOUT_S, context=context)
        self._address = address
        self._tls = context

    def connect(self) -> None:
        """Connect to the address and check the certificate for the name."""
        plain = socket.create_connection((self._address, self.port), timeout=TIMEOUT_S)
        self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)


def main(ca_file: str, address: str, name: str, port: str) -> None:
    """Answer every request on stdin, in order, over one connection."""
    context = ssl.create_default_context(cafile=ca_file)
    connection = NamedConnection(address, int(port), name, context)
    answers: list[dict[str, Any]] = []
    for request in json.load(sys.stdin):
        body = request.get("body")
        payload = body if isinstance(body, str) else None if body is None else json.dumps(body)
        headers = {"Content-Type": "application/json", **request.get("headers", {})}
        connection.request(request["method"], request["path"], body=payload, headers=headers)
        response = connection.getresponse()
        text = response.read().decode()
        kind = response.headers.get("Content-Type", "")
        answers.append(
            {
                "status": response.status,
                "type": kind,
                "headers": {key.lower(): value for key, value in response.headers.items()},
                "body": json.loads(text) if "json" in kind else text,
            }
        )
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
