{% macro ranked_checks() -%}
    select
        fct_data_quality.*,
        severities.severity_rank,
        date(fct_data_quality.checked_at) as check_date
    from {{ ref('fct_data_quality') }} as fct_data_quality
    left join {{ ref('severities') }} as severities on fct_data_quality.severity_level = severities.severity_level
{%- endmacro %}
