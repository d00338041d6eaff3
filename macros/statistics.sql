{# Rows of `number` from 0 to the largest value of a column, with ln(number!): in another form thousands overflow. #}
{% macro log_factorials(relation, column) -%}
    select
        number,
        sum(ln(greatest(number, 1))) over (order by number) as log_factorial
    from unnest(generate_array(0, (select max({{ column }}) from {{ relation }}))) as number
{%- endmacro %}

{# ln of the binomial coefficient, of ln(n!), ln(k!) and ln((n - k)!). #}
{% macro log_binomial(log_factorial, log_factorial_chosen, log_factorial_left) -%}
    {{ log_factorial }} - {{ log_factorial_chosen }} - {{ log_factorial_left }}
{%- endmacro %}

{#
  How probable it is that a standard normal variable is at least so far from 0: erfc(|score| / sqrt(2)), which BigQuery does not
  have. The Chebyshev fit `erfcc` of Press et al., Numerical Recipes in C, 2nd edition, 6.2: relative error below 1.2e-7.
#}
{% macro two_sided_p_value(score) -%}
    {%- set coefficients = [
        -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806,
        0.27886807, -1.13520398, 1.48851587, -0.82215223, 0.17087277,
    ] -%}
    {%- set distance = 'abs(' ~ score ~ ') / sqrt(2)' -%}
    {%- set t = '(1 / (1 + 0.5 * ' ~ distance ~ '))' -%}
    {%- set terms = [] -%}
    {%- for coefficient in coefficients -%}
        {%- do terms.append('(' ~ coefficient ~ ') * pow(' ~ t ~ ', ' ~ loop.index0 ~ ')') -%}
    {%- endfor -%}
    {{ t }} * exp(-pow({{ distance }}, 2) + {{ terms | join(' + ') }})
{%- endmacro %}
