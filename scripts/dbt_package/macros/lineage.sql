{#- Where a failure is: of a test the node that it is a test of, else the node itself. Its unique id. -#}
{%- macro failure_place(node, nodes) -%}
    {%- if node.unique_id.split(".")[0] not in ["test", "unit_test"] -%}{%- do return(node.unique_id) -%}{%- endif -%}
    {%- set parents = incident_ledger.node_parents(node) | select("in", nodes) | list -%}
    {%- do return(node.attached_node or (parents[0] if parents else node.unique_id)) -%}
{%- endmacro -%}


{%- macro node_parents(node) -%}
    {%- set depends_on = node.depends_on | default({}, true) -%}
    {%- do return(depends_on.nodes | default([], true) | list) -%}
{%- endmacro -%}


{#- As a person calls it; what the project has not by its id, without dbt's hash. -#}
{%- macro node_label(node, id) -%}
    {%- if node and node.name -%}
        {%- do return(node.source_name ~ "." ~ node.name if node.source_name else node.name) -%}
    {%- endif -%}
    {%- set parts = id.split(".") -%}
    {%- do return(parts[2] if parts[0] in ["test", "unit_test"] or parts | length < 4 else parts[2:] | join(".")) -%}
{%- endmacro -%}


{#- Whom to ask: `meta.owner` of the node or of where the failure is, its group's owner, or an exposure's. -#}
{%- macro node_owner(node, place) -%}
    {%- set groups, found = graph.groups | default({}, true), [] -%}
    {%- for each in [node, place] -%}
        {%- do found.append(incident_ledger.node_meta(each, "owner")) -%}
    {%- endfor -%}
    {%- for each in [node, place] -%}
        {%- set group = groups.get("group." ~ each.unique_id.split(".")[1] ~ "." ~ each.group) -%}
        {%- do found.append(incident_ledger.owner_text(group)) -%}
    {%- endfor -%}
    {%- for id in graph.exposures | sort -%}
        {%- if place.unique_id in incident_ledger.node_parents(graph.exposures[id]) -%}
            {%- do found.append(incident_ledger.owner_text(graph.exposures[id])) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do return(found | select("string") | map("trim") | select | first | default(none)) -%}
{%- endmacro -%}


{#- An address where there is one, so that a message can reach it. -#}
{%- macro owner_text(thing) -%}
    {%- set owner = thing.owner if thing else none -%}
    {%- set email = owner.email if owner else none -%}
    {%- set address = email if email is string else email | default([], true) | first | default("") -%}
    {%- do return(address or (owner.name if owner else none)) -%}
{%- endmacro -%}


{#- A value of `meta`, in either of its two places. -#}
{%- macro node_meta(node, name) -%}
    {%- set config = node.config | default({}, true) -%}
    {%- set value = (config.meta | default({}, true)).get(name) -%}
    {%- do return(value if value is not none else (node.meta | default({}, true)).get(name)) -%}
{%- endmacro -%}


{#-
    What the ledger judges a result by: of the manifest what it depends on and how a test counts, and of the result the
    rows of a table that was made whole. A failed node has what is above it too, as far as no other row has it (`seen`).
-#}
{%- macro manifest_facts(result, place, nodes, seen, place_in_results) -%}
    {%- set node, answer = result.node, result.adapter_response | default({}, true) -%}
    {%- set config, test = node.config | default({}, true), node.test_metadata | default({}, true) -%}
    {%- set is_bad = (result.status | string) not in ["success", "pass", "no-op", "skipped"] -%}
    {%- do return({
        "parents": incident_ledger.node_parents(node),
        "attached_node": node.attached_node or none,
        "test_name": test.name or none,
        "where": (config.where | string) if config.where else none,
        "limit": config.limit if config.limit is number else none,
        "fail_calc": config.fail_calc or none,
        "incident_severity": [
            incident_ledger.node_meta(node, "incident_severity"),
            incident_ledger.node_meta(nodes.get(place, node), "incident_severity")
        ],
        "rows": answer.rows_affected if answer.code == "CREATE TABLE" and answer.rows_affected is number else none,
        "query": (node.compiled_code or none) if is_bad and place_in_results < 200 else none,
        "above": incident_ledger.nodes_above(node, nodes, seen) if is_bad else {},
        "data_nodes": seen["data_nodes"]
    }) -%}
{%- endmacro -%}


{#-
    Parents by id of what is above a node, unless this invocation has a row for it or gave it above another node. The
    list grows while it is gone through; what was visited is not visited again, so that a cycle ends.
-#}
{%- macro nodes_above(node, nodes, seen) -%}
    {%- set above, queue = {}, incident_ledger.node_parents(node) -%}
    {%- for id in queue if id in nodes and seen.get(id) != "visited" -%}
        {%- set parents = incident_ledger.node_parents(nodes[id]) -%}
        {%- do queue.extend(parents) -%}
        {%- do above.update({id: parents} if id not in seen else {}) -%}
        {%- do seen.update({id: "visited"}) -%}
    {%- endfor -%}
    {%- do return(above) -%}
{%- endmacro -%}


{#- How many models, seeds and snapshots the project has. -#}
{%- macro count_of_data() -%}
    {%- set kinds = graph.nodes.values() | map(attribute="resource_type") | map("string") -%}
    {%- do return(kinds | select("in", ["model", "seed", "snapshot"]) | list | length) -%}
{%- endmacro -%}
