{#
  One key over all parts, in which null is a value like any other: each part is written with its length, so that
  ('a', 'bc') and ('ab', 'c') differ, and null differs from ''.
#}
{% macro surrogate_key(parts) -%}
    to_hex(md5(concat(
        {%- for part in parts %}
        coalesce(concat(cast(char_length(cast({{ part }} as string)) as string), ':', cast({{ part }} as string)), '-')
        {%- if not loop.last %}, '|',{% endif %}
        {%- endfor %}
    )))
{%- endmacro %}
