"""Finds one engine on the loopback interface with the zeroconf package, and prints what it announces as JSON."""

import json
import threading

from zeroconf import ServiceBrowser, ServiceListener, Zeroconf

TYPE = "_smolvlm._tcp.local."


class Listener(ServiceListener):
    def __init__(self) -> None:
        self.found = threading.Event()
        self.name = ""

    def add_service(self, zc: Zeroconf, type_: str, name: str) -> None:
        self.name = name
        self.found.set()

    def update_service(self, zc: Zeroconf, type_: str, name: str) -> None: ...

    def remove_service(self, zc: Zeroconf, type_: str, name: str) -> None: ...


with Zeroconf(interfaces=["127.0.0.1"]) as zeroconf:
    listener = Listener()
    ServiceBrowser(zeroconf, TYPE, listener)
    assert listener.found.wait(30), "no engine was found"
    info = zeroconf.get_service_info(TYPE, listener.name)
    assert info is not None
    print(
        json.dumps(
            {
                "port": info.port,
                "server": info.server,
                "addresses": info.parsed_addresses(),
                "txt": {key.decode(): (value or b"").decode() for key, value in info.properties.items()},
            }
        )
    )
