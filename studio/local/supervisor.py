"""Keeps the three applications running together: all of them, or none."""

import os
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Callable

from honcho import manager

from studio.local.health import wait_until_healthy
from studio.local.layout import ROOT, Layout
from studio.local.output import Tee
from studio.local.services import Service

ASKED_TO_STOP = (130, 143)
manager.KILL_WAIT = 20  # seconds: honcho's five are few for MLflow's workers on a busy machine


class Supervisor:
    """
    Starts the services, calls `healthy` once all of them answer, and ends all when one ends or a signal comes.
    """

    def __init__(self, services: tuple[Service, ...], layout: Layout, healthy: Callable[["Supervisor"], None]) -> None:
        self._services = services
        self._layout = layout
        self._healthy = healthy
        self._all_started = threading.Event()
        self._ended = threading.Event()
        self._failure = ""
        self._companion: subprocess.Popen[str] | None = None
        self.output = Tee(layout.logs, tuple(s.name for s in services), self._all_started.set)
        self._manager = manager.Manager(self.output)

    def run(self) -> int:
        """
        Blocks until everything has ended; the exit code is 0 after Ctrl-C or a stop signal, else 1.
        """
        for service in self._services:
            command = "exec " + shlex.join(service.command)  # exec: no shell stays between us and the application
            self._manager.add_process(
                service.name, command, env={**service.environment, "PYTHONUNBUFFERED": "1"}, cwd=str(ROOT)
            )
        signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
        watcher = threading.Thread(target=self._watch, name="health", daemon=True)
        watcher.start()
        try:
            self._manager.loop()
        finally:
            self._ended.set()
            self._end_companion()
        watcher.join(timeout=5)
        return self._verdict()

    def call(self, *command: str) -> int:
        """
        Runs a command of ours beside the services; it ends when they end.
        """
        self._companion = subprocess.Popen([sys.executable, *command], cwd=ROOT, start_new_session=True, text=True)  # noqa: S603 - our own
        if self._ended.is_set():
            self._end_companion()
        return self._companion.wait()

    def _watch(self) -> None:
        """
        Waits with its first look until honcho has forked: a fork beside a busy thread could copy a held lock.
        """
        self._all_started.wait()
        for service in self._services:
            if not wait_until_healthy(service.health_url, self._stopping):
                if not self._stopping():
                    self._fail(f"{service.title} did not answer at {service.health_url} in time")
                return
        self._healthy(self)

    def _stopping(self) -> bool:
        return self._ended.is_set() or self.output.first_ended is not None

    def _fail(self, why: str) -> None:
        self._failure = why
        os.kill(os.getpid(), signal.SIGTERM)

    def _end_companion(self) -> None:
        if self._companion and self._companion.poll() is None:
            os.killpg(self._companion.pid, signal.SIGTERM)

    def _verdict(self) -> int:
        if not self._failure and self._manager.returncode in ASKED_TO_STOP:
            self.output.say("Everything has stopped. Your data is kept; `make run` starts it again.")
            return 0
        if not self._failure and self.output.first_ended:
            name, code = self.output.first_ended
            title = next(s.title for s in self._services if s.name == name)
            self._failure = f"{title} ended by itself with code {code}"
            log = self._layout.logs / f"{name}.log"
        else:
            log = self._layout.logs
        print(f"{self._failure}, so everything was stopped: see {log} for the reason.", file=sys.stderr)
        return 1
