"""The protocol: HTTP/1.1 and nothing else, whatever a client offers to go on with."""

import sys

from httptools import HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class OneProtocolConnection(HttpToolsProtocol):
    """uvicorn's connection, on which an offer of another protocol changes nothing (RFC 9110, 7.8).

    The first request of Java's `HttpClient` has one. The parser takes what follows its head for the
    other protocol's, a body too.
    """

    _piece = b""

    @property
    def would_upgrade(self) -> bool:
        """Does the request at hand offer one? Then it comes a second time, and does not."""
        return self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT"

    def data_received(self, data: bytes) -> None:
        """As asyncio calls it."""
        self._parse(data)

    def _parse(self, piece: bytes) -> None:
        self._piece = piece
        super().data_received(piece)

    def _unsupported_upgrade_warning(self) -> None:
        """Give another parser the head without the offer, and what follows; uvicorn calls this."""
        found = sys.exception()
        if not self.would_upgrade or not isinstance(found, HttpParserUpgrade):
            return
        (end,) = found.args
        version = self.parser.get_http_version().encode("ascii")
        lines = [b"%s %s HTTP/%s" % (self.parser.get_method(), self.url, version)]
        lines += [b"%s: %s" % header for header in self.headers if header[0] != b"upgrade"]
        self.parser = HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
        self._parse(b"\r\n".join([*lines, b"", b""]) + self._piece[end:])
