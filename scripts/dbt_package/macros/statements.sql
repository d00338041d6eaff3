{#-
    The statements that write rows: chunks below BigQuery's 1 MB of a query, at most five for 2,000 nodes. Rows of a run
    whose messages are too long for that have short ones.
-#}
{%- macro merge_statements(table, rows) -%}
    {%- set most = [5 * 900000, rows | length * 2250] | max -%}
    {%- set items = incident_ledger.row_literals(rows, none) -%}
    {%- if items | map("length") | sum > most - 900000 -%}
        {%- set items = incident_ledger.row_literals(rows, 100) -%}
    {%- endif -%}
    {%- set chunks, sizes = [[]], [0] -%}
    {%- for item in items -%}
        {%- if chunks[-1] and sizes[-1] + item | length + 1 > 900000 -%}
            {%- do chunks.append([]) -%}
            {%- do sizes.append(0) -%}
        {%- endif -%}
        {%- do chunks[-1].append(item) -%}
        {%- do sizes.append(sizes.pop() + item | length + 1) -%}
    {%- endfor -%}
    {%- set times = rows | map(attribute="completed_at") | sort -%}
    {%- set statements = [] -%}
    {%- for chunk in chunks if chunk -%}
        {%- do statements.append(incident_ledger.merge_statement(table, chunk | join(","), times[0], times[-1])) -%}
    {%- endfor -%}
    {%- do return(statements) -%}
{%- endmacro -%}


{#-
    Rows as texts of a SQL literal. dbt's JSON has only ASCII characters and no line end. A quote can be written as
    JSON too, and then the backslash alone is left: the adapter's own escape leaves it as it is.
-#}
{%- macro row_literals(rows, message_characters) -%}
    {%- set items = [] -%}
    {%- for row in rows -%}
        {%- set short = {} -%}
        {%- if message_characters -%}
            {%- do short.update(message=incident_ledger.shortened_text(row.message, message_characters)) -%}
            {%- do short.update(manifest_node=dict(row.manifest_node, query=none)) -%}
        {%- endif -%}
        {%- set text = tojson(dict(row, **short)) -%}
        {%- do items.append(text.replace("'", "\\u0027").replace("\\", "\\\\")) -%}
    {%- endfor -%}
    {%- do return(items) -%}
{%- endmacro -%}


{#- One MERGE of rows whose key is new. What BigQuery refuses (no right, no such column) is its answer, no error. -#}
{%- macro merge_statement(table, items, first, last) -%}
    {%- set kinds = incident_ledger.result_columns() -%}
    begin
        merge into {{ table }} as target
        using (
            select
            {%- for name, kind in kinds.items() %}
                {{ incident_ledger.typed_value(name, kind) }} as {{ name }}{{ "," if not loop.last }}
            {%- endfor %}
            from unnest(json_query_array({{ dbt.string_literal("[" ~ items ~ "]") }})) as item
        ) as source
        on target.invocation_id = source.invocation_id
            and target.unique_id = source.unique_id
            and target.completed_at between timestamp '{{ first }}' and timestamp '{{ last }}'
        when not matched then
            insert ({{ kinds | join(", ") }})
            values ({% for name in kinds %}source.{{ name }}{{ ", " if not loop.last }}{% endfor %});
        select cast(null as string) as problem;
    exception when error then
        select 'the results could not be written; the job of this statement has the reason' as problem;
    end
{%- endmacro -%}


{%- macro typed_value(name, kind) -%}
    {%- set value = "json_value(item, '$." ~ name ~ "')" -%}
    {%- if kind == "string" -%}{{ value }}
    {%- elif kind == "timestamp" -%}timestamp({{ value }})
    {%- elif kind == "json" -%}parse_json(json_query(item, '$.{{ name }}'))
    {%- else -%}cast({{ value }} as {{ kind }})
    {%- endif -%}
{%- endmacro -%}


{#- The columns that are written, with their types. The verdict of the policy is given by the next run of the ledger. -#}
{%- macro result_columns() -%}
    {%- do return({
        "invocation_id": "string", "unique_id": "string", "completed_at": "timestamp", "project_name": "string",
        "node_name": "string", "resource_type": "string", "status": "string", "component": "string",
        "owner": "string", "message": "string", "failures": "int64", "relation_name": "string",
        "duration_seconds": "float64", "dbt_version": "string", "ingested_at": "timestamp", "manifest_node": "json"
    }) -%}
{%- endmacro -%}
