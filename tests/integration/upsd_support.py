"""A upsd of our own on loopback for the black-box tests of power: says what it is told to, at once, and counts who asks."""
import socket
import threading


class Upsd:
    """Serves UPSes by name: `ups[name]` holds variables; `manner` is "good", "stale" or "silent" (as if it were stopped)."""

    def __init__(self, **ups):
        self.ups = {name: {"ups.status": status, "battery.charge": "90", "battery.runtime": "1800"} for name, status in ups.items()}
        self.manner = "good"
        self.users = {}
        self.logins = []
        self.polls = 0
        self.open = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def set(self, name, status, **values):
        self.ups[name] = {**self.ups[name], **{key.replace("_", "."): str(value) for key, value in values.items()}, "ups.status": status}

    def kill(self):
        """As SIGKILL does: every connection ends, nobody listens."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for client in self.open:
            try:
                client.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def again(self):
        self.open = []
        self.listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def _accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self.open.append(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        state = {}
        with client, client.makefile("rw", encoding="utf-8", newline="\n") as stream:
            try:
                for line in stream:
                    if self.manner == "silent":
                        continue
                    stream.write(self._answer(line.split(), state) + "\n")
                    stream.flush()
            except (OSError, ValueError):
                return

    def _answer(self, words, state):
        if words[0] in ("USERNAME", "PASSWORD"):
            state[words[0]] = words[1].strip('"')
            return "OK"
        if words[0] == "LOGIN":
            good = self.users.get(state.get("USERNAME")) == state.get("PASSWORD")
            self.logins.append((words[1], good))
            return "OK" if good else "ERR ACCESS-DENIED"
        name, variable = words[2], words[3]
        if name not in self.ups:
            return "ERR UNKNOWN-UPS"
        if self.manner == "stale":
            return "ERR DATA-STALE"
        self.polls += variable == "ups.status"
        value = self.ups[name].get(variable)
        return "ERR VAR-NOT-SUPPORTED" if value is None else f'VAR {name} {variable} "{value}"'
