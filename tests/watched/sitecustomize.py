"""Put on PYTHONPATH, it writes down whom a program and its children speak to, and lets them reach loopback alone.

WATCHED names the file; a line is `connect HOST PORT` or `look up HOST`.
"""

import ipaddress
import os
import socket
import sys


def watch(event, arguments):
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host, said = str(arguments[1][0]), f"connect {arguments[1][0]} {arguments[1][1]}"
    elif event == "socket.getaddrinfo" and arguments[0]:
        host = arguments[0].decode() if isinstance(arguments[0], bytes) else str(arguments[0])
        said = f"look up {host}"
    else:
        return
    with open(os.environ["WATCHED"], "a") as file:
        file.write(f"{said}\n")
    if not is_here(host):
        raise ConnectionRefusedError(f"not in this test: {said}")


def is_here(host):
    """This machine; to bind to all of its addresses asks nobody."""
    if host in ("localhost", "0.0.0.0", "::", "", socket.gethostname()):
        return True
    try:
        return ipaddress.ip_address(host.split("%")[0]).is_loopback
    except ValueError:
        return False


if os.environ.get("WATCHED"):
    sys.addaudithook(watch)
