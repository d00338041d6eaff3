"""Airflow: the job every quarter of an hour, its end and the probes every minute, as three DAGs of one task each.

Put it into the DAGs' folder of an Airflow 2.9 or later whose workers have the project at `PROJECT`, with its settings
(`INCIDENT_LEDGER_…`) in the workers' environment. Exit code 4 (another run is at work, and does it) skips the task; a
retry is for 3 alone, which passes, and does no harm for the others: a run that is repeated writes nothing twice.
"""

from datetime import datetime, timedelta, timezone

from airflow import DAG
from airflow.operators.bash import BashOperator

PROJECT = "/srv/incident-ledger"

for command, schedule in (("run", "*/15 * * * *"), ("tick", "* * * * *"), ("probe", "* * * * *")):
    with DAG(
        f"incident_ledger_{command}",
        schedule=schedule,
        start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),  # noqa: UP017 - Airflow may run on Python 3.10
        catchup=False,
        max_active_runs=1,
        dagrun_timeout=timedelta(hours=1),
    ) as dag:
        BashOperator(
            task_id=command,
            bash_command=f".venv/bin/incident-ledger {command}",
            cwd=PROJECT,
            append_env=True,
            skip_on_exit_code=4,
            retries=1 if command == "run" else 0,
            retry_delay=timedelta(minutes=1),
        )
    globals()[dag.dag_id] = dag
