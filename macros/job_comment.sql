{# The comment of each statement, which dbt makes the labels of its job: never what differs between two runs, or BigQuery
   would not find a data test's answer in its cache. A test of a model is of that model. #}
{% macro job_comment(node) %}
    {%- set labels = {"app": "incident-ledger", "dbt_version": dbt_version} -%}
    {%- if node is not none -%}
        {%- set tested = node.attached_node -%}
        {%- do labels.update(node_id=node.unique_id, model=tested.split(".")[-1] if tested else node.name) -%}
    {%- endif -%}
    {{ return(tojson(labels)) }}
{% endmacro %}
