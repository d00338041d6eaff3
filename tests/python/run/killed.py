"""A run that kills its own process where a step ends, as SIGKILL would: `python -m run.killed STEP AS_OF`."""

import os
import signal
import sys
from datetime import datetime

from incident_ledger.runner.job import Job
from incident_ledger.runner.steps import Step
from incident_ledger.settings import load_settings
from incident_ledger.warehouse import connect


def main(name: str, as_of: str) -> None:
    def die(step: Step) -> None:
        if step.name == name:
            os.kill(os.getpid(), signal.SIGKILL)

    Job(connect(load_settings()), datetime.fromisoformat(as_of), command="run", on_end=die).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
