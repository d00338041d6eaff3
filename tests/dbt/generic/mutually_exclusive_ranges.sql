{#
  Fails for a range that is empty, that does not begin where the one before it ends, or that is the last and does not end
  at `ends_at` (null: it must be open). Ranges of one group of `partition_by` belong together. Whether an end belongs to its
  range is a column or a literal: at each seam exactly one side may have it.
#}
{% test mutually_exclusive_ranges(
    model,
    lower_bound_column,
    upper_bound_column,
    partition_by,
    is_lower_inclusive='true',
    is_upper_inclusive='false',
    ends_at='null'
) %}

with

ranges as (
    select
        {{ partition_by }},
        {{ lower_bound_column }} as range_start,
        {{ upper_bound_column }} as range_end,
        {{ is_upper_inclusive }} as has_end,
        lead({{ lower_bound_column }}) over w as next_start,
        lead({{ is_lower_inclusive }}) over w as next_has_start,
        row_number() over w = count(*) over (partition by {{ partition_by }}) as is_last
    from {{ model }}
    window w as (partition by {{ partition_by }} order by {{ lower_bound_column }}, {{ upper_bound_column }})
),

broken as (
    select *
    from ranges
    where
        range_end < range_start
        or (not is_last and (range_end is null or range_end != next_start or has_end = next_has_start))
        or (is_last and {{ 'range_end is not null' if ends_at == 'null' else 'coalesce(range_end != ' ~ ends_at ~ ', true)' }})
)

select * from broken

{% endtest %}
