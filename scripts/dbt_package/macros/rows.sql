{#- A row a result, as `incident-ledger ingest dbt` makes it of the artifacts. -#}
{%- macro result_rows(results) -%}
    {%- set now = modules.datetime.datetime.now(modules.pytz.utc) -%}
    {%- set nodes = dict(graph.nodes, **graph.sources) -%}
    {%- set seen, rows = {"data_nodes": incident_ledger.count_of_data()}, [] -%}
    {%- for result in results -%}{%- do seen.update({result.node.unique_id: true}) -%}{%- endfor -%}
    {%- for result in results -%}
        {%- do rows.append(incident_ledger.result_row(result, nodes, seen, now, loop.index0)) -%}
    {%- endfor -%}
    {%- do return(rows) -%}
{%- endmacro -%}


{%- macro result_row(result, nodes, seen, now, place_in_results) -%}
    {%- set node, id = result.node, result.node.unique_id -%}
    {%- set kind = id.split(".")[0] -%}
    {%- set place = incident_ledger.failure_place(node, nodes) -%}
    {%- set place_node = node if place == id else nodes.get(place) -%}
    {%- do return({
        "invocation_id": invocation_id,
        "unique_id": id,
        "completed_at": incident_ledger.utc_text(incident_ledger.completed_time(result) or now),
        "project_name": project_name,
        "node_name": incident_ledger.node_label(node, id),
        "resource_type": kind,
        "status": result.status | string,
        "component": "dbt:" ~ project_name ~ "." ~ incident_ledger.node_label(place_node, place),
        "owner": incident_ledger.node_owner(node, nodes.get(place, node)),
        "message": incident_ledger.result_message(result),
        "failures": result.failures if result.failures is number else none,
        "relation_name": incident_ledger.result_relation(node, kind),
        "duration_seconds": result.execution_time,
        "dbt_version": dbt_version,
        "ingested_at": incident_ledger.utc_text(now),
        "manifest_node": incident_ledger.manifest_facts(result, place, nodes, seen, place_in_results)
    }) -%}
{%- endmacro -%}


{#- When a node was done: a source when its freshness was asked. None of one that was skipped. -#}
{%- macro completed_time(result) -%}
    {%- if result.snapshotted_at -%}{%- do return(result.snapshotted_at) -%}{%- endif -%}
    {%- set times = result.timing | default([], true) | map(attribute="completed_at") | select | list -%}
    {%- do return(times | max if times else none) -%}
{%- endmacro -%}


{#- A time, of which dbt says no zone where it means UTC. -#}
{%- macro utc_text(time) -%}
    {%- set utc = time.astimezone(modules.pytz.utc) if time.tzinfo else time -%}
    {%- do return(utc.strftime("%Y-%m-%dT%H:%M:%S.%f") ~ "Z") -%}
{%- endmacro -%}


{#- What dbt says of a result, without control characters; of a source how old it is. -#}
{%- macro result_message(result) -%}
    {%- set text = result.message -%}
    {%- if not text and result.max_loaded_at -%}
        {%- set text = "its newest row is of " ~ incident_ledger.utc_text(result.max_loaded_at) -%}
    {%- endif -%}
    {%- set text = (text | default("", true) | string).replace("\r\n", "\n").replace("\r", "\n") -%}
    {%- set text = modules.re.sub("[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\ud800-\\udfff]", "", text).strip() -%}
    {%- do return(incident_ledger.shortened_text(text, 2000) if text else none) -%}
{%- endmacro -%}


{%- macro shortened_text(text, characters) -%}
    {%- set is_long = text and text | length > characters -%}
    {%- do return(text[:characters - 1].rstrip() ~ "…" if is_long else text) -%}
{%- endmacro -%}


{#- As in `run_results.json`, which names the relation of compiled nodes alone. -#}
{%- macro result_relation(node, kind) -%}
    {%- do return((node.relation_name or none) if kind in ["model", "test", "snapshot"] else none) -%}
{%- endmacro -%}
