{#-
    Called from `on-run-end`: writes what an invocation of dbt found to Incident Ledger's table `dbt_results`, as
    `incident-ledger ingest dbt` does from the artifacts. Returns nothing; what goes wrong is a line of the log.
-#}
{%- macro upload_results(results) -%}
    {%- if execute and incident_ledger.is_upload(results) -%}
        {%- set table = incident_ledger.results_table() -%}
        {%- if table is none -%}
            {%- do log("incident_ledger: no table dbt_results is there to be seen; no result was written", info=true) -%}
        {%- else -%}
            {%- for statement in incident_ledger.merge_statements(table, incident_ledger.result_rows(results)) -%}
                {%- set answer = run_query(statement) -%}
                {%- if answer and answer.columns[0].values()[0] -%}
                    {%- do log("incident_ledger: " ~ answer.columns[0].values()[0], info=true) -%}
                {%- endif -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro -%}


{#- Commands that build or test nothing, and runs without rows, find nothing. -#}
{%- macro is_upload(results) -%}
    {%- set commands = ["build", "run", "test", "seed", "snapshot", "retry", "run-operation", "freshness"] -%}
    {%- do return(results and (flags.WHICH | default("run")) in commands and not (flags.EMPTY | default(false))) -%}
{%- endmacro -%}


{#- The table, or none where it is missing or may not be seen. -#}
{%- macro results_table() -%}
    {%- do return(
        adapter.get_relation(
            var("incident_ledger_project", "") or target.project,
            var("incident_ledger_raw_dataset", "incident_ledger_raw"),
            "dbt_results"
        )
    ) -%}
{%- endmacro -%}
