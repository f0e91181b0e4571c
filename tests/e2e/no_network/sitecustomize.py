"""Python runs this at the start of every process with this folder on PYTHONPATH: nothing gets past this machine.

Every attempt to look up a name or to reach an address that is not loopback is written to the file $NO_NETWORK_RECORD
and fails. An audit hook cannot be removed again, and sees what no patched socket class would.
"""

import os
import sys

RECORD = os.environ.get("NO_NETWORK_RECORD", os.devnull)
LOOKUPS = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo"}
SENDS = {"socket.connect", "socket.sendto", "socket.sendmsg"}


def note(line):
    with open(RECORD, "a", encoding="utf-8") as record:  # noqa: PTH123 - the fewer imports, the less is disturbed
        record.write(f"{line}\n")


def is_local(host):
    return host in ("localhost", "", None) or str(host).startswith("127.") or str(host) in ("::1", "::ffff:127.0.0.1")


def refuse(event, arguments):
    if event in LOOKUPS:
        host = arguments[0][0] if isinstance(arguments[0], tuple) else arguments[0]
    elif event in SENDS:
        address = arguments[1]
        if not isinstance(address, tuple):
            return  # a Unix socket, or one that is connected already
        host = address[0]
    else:
        return
    if not is_local(host):
        note(f"refused {event} {host!r}")
        raise PermissionError(f"{event} to {host!r}: this process must stay on this machine")


note(f"guarded {' '.join(sys.orig_argv[1:])}")
sys.addaudithook(refuse)
