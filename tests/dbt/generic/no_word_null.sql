{# Fails for a text that is the word "null": an empty cell that a tool wrote out. #}
{% test no_word_null(model, column_name) %}

select {{ column_name }}
from {{ model }}
where lower({{ column_name }}) = 'null'

{% endtest %}
