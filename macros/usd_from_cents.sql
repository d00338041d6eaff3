{#
  Cents as text (a decimal, such as '123.78912') to US dollars as NUMERIC, exactly to the ninth decimal. Multiplied, not
  divided: a division leaves NUMERIC on the local warehouse.
#}
{% macro usd_from_cents(cents) -%}
    cast(cast({{ cents }} as numeric) * numeric '0.01' as numeric)
{%- endmacro %}
