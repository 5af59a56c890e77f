{# What DuckDB and PostgreSQL write differently. A value that cannot be read is null, and stops nothing. #}

{% macro decimal_of_text(value) %}
  {{- return(adapter.dispatch('decimal_of_text', 'source_invoices')(value)) -}}
{% endmacro %}

{% macro duckdb__decimal_of_text(value) -%}
  try_cast({{ value }} as numeric(38, 9))
{%- endmacro %}

{% macro postgres__decimal_of_text(value) -%}
  cast(case when {{ value }} ~ '^ *[-+]?[0-9]{1,20}([.][0-9]*)?([eE][-+]?[0-9])? *$' then {{ value }} end
    as numeric(38, 9))
{%- endmacro %}


{% macro time_of_text(value) %}
  {{- return(adapter.dispatch('time_of_text', 'source_invoices')(value)) -}}
{% endmacro %}

{% macro duckdb__time_of_text(value) -%}
  try_cast({{ value }} as timestamp with time zone)
{%- endmacro %}

{% macro postgres__time_of_text(value) -%}
  case when {{ value }} ~ '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[T ][0-2][0-9]:[0-5][0-9]'
    then cast({{ value }} as timestamp with time zone) end
{%- endmacro %}


{# Seconds since 1970; 0 means never, as null does. #}
{% macro time_of_seconds(value) -%}
  case when {{ value }} between 1 and 253402300799
    then to_timestamp(cast({{ value }} as double precision)) end
{%- endmacro %}


{# A value of any type as JSON, of which PostgreSQL has two kinds. #}
{% macro as_json(value, type) %}
  {{- return(adapter.dispatch('as_json', 'source_invoices')(value, type)) -}}
{% endmacro %}

{% macro duckdb__as_json(value, type) -%}
  {%- if type == 'json' -%} {{ value }} {%- else -%} cast({{ value }} as json) {%- endif -%}
{%- endmacro %}

{% macro postgres__as_json(value, type) -%}
  {%- if type == 'jsonb' -%} {{ value }}
  {%- elif type == 'array' -%} to_jsonb({{ value }})
  {%- else -%} cast({{ value }} as jsonb)
  {%- endif -%}
{%- endmacro %}


{% macro json_text(value, key) %}
  {{- return(adapter.dispatch('json_text', 'source_invoices')(value, key)) -}}
{% endmacro %}

{% macro duckdb__json_text(value, key) -%}
  ({{ value }}) ->> '$.{{ key }}'
{%- endmacro %}

{% macro postgres__json_text(value, key) -%}
  ({{ value }}) ->> '{{ key }}'
{%- endmacro %}


{# The elements of a JSON array as a table with the columns `line` and `line_number`; none where it is no array. #}
{% macro json_elements(value) %}
  {{- return(adapter.dispatch('json_elements', 'source_invoices')(value)) -}}
{% endmacro %}

{% macro duckdb__json_elements(value) -%}
  unnest(case json_type({{ value }}) when 'ARRAY' then cast({{ value }} as json[]) else cast([] as json[]) end)
    with ordinality as elements (line, line_number)
{%- endmacro %}

{% macro postgres__json_elements(value) -%}
  jsonb_array_elements(case jsonb_typeof({{ value }}) when 'array' then {{ value }} else '[]' end)
    with ordinality as elements (line, line_number)
{%- endmacro %}


{# The first day of the month of a time, in UTC, as a date. #}
{% macro month_of(value) -%}
  cast(date_trunc('month', {{ value }} at time zone 'UTC') as date)
{%- endmacro %}

{# The day of a time, in UTC. #}
{% macro day_of(value) -%}
  cast({{ value }} at time zone 'UTC' as date)
{%- endmacro %}


{# A setting: the variable, else that of the session (in plain SQL there are no variables), else null. #}
{% macro setting(name) -%}
  {%- set value = var(name, none) -%}
  {%- if value is not none -%}
    '{{ value | string | replace("'", "''") }}'
  {%- else -%}
    {{ source_invoices.session_setting(name) }}
  {%- endif -%}
{%- endmacro %}

{% macro session_setting(name) %}
  {{- return(adapter.dispatch('session_setting', 'source_invoices')(name)) -}}
{% endmacro %}

{% macro duckdb__session_setting(name) -%}
  cast(getvariable('{{ name }}') as text)
{%- endmacro %}

{% macro postgres__session_setting(name) -%}
  nullif(current_setting('books.{{ name }}', true), '')
{%- endmacro %}


{# The time that the books are made for. #}
{% macro as_of() -%}
  coalesce(cast({{ source_invoices.setting('as_of') }} as timestamp with time zone), current_timestamp)
{%- endmacro %}
