{#
  Finds the columns of a stream's table, whatever its loader calls them. PyAirbyte writes `invoicecurrencycode`, dlt and
  Singer targets `invoice_currency_code`, others the provider's `InvoiceCurrencyCode`.

  Returns {name in lower case without underscores: {name, type}}. The loader's own columns begin with an underscore and
  keep their names. A table that is not there has no columns.
#}
{% macro stream_columns(stream) %}
  {% set columns = {} %}
  {% set named = source('invoices', stream) %}
  {% if execute %}
    {% set relation = adapter.get_relation(named.database, named.schema, named.identifier) %}
    {% if relation is not none %}
      {% for column in adapter.get_columns_in_relation(relation) %}
        {% set plain = column.name | lower %}
        {% set key = plain if plain.startswith('_') else plain | replace('_', '') %}
        {% do columns.setdefault(key, {'name': column.name, 'type': column.data_type | lower}) %}
      {% endfor %}
    {% endif %}
  {% endif %}
  {{ return(columns) }}
{% endmacro %}


{# The rows of a stream; none where its table is not there. #}
{% macro stream_rows(stream, columns) %}
  {%- set named = source('invoices', stream) -%}
  {%- if columns -%}
    select * from {{ named }}
  {%- else -%}
    select cast(null as text) as missing where false
  {%- endif -%}
{% endmacro %}


{# The column that the provider calls `name`; none where the table has none. #}
{% macro find_column(columns, name) %}
  {{ return(columns.get(name if name.startswith('_') else name | lower | replace('_', ''))) }}
{% endmacro %}


{% macro text_of(columns, name) %}
  {%- set column = source_invoices.find_column(columns, name) -%}
  {%- if column -%} cast({{ adapter.quote(column.name) }} as text) {%- else -%} cast(null as text) {%- endif -%}
{% endmacro %}


{# An amount. A text or a binary float passes through the text, which has the digits that the provider sent. #}
{% macro amount_of(columns, name) %}
  {%- set column = source_invoices.find_column(columns, name) -%}
  {%- if not column -%}
    cast(null as numeric(38, 9))
  {%- elif column.type.startswith(('numeric(', 'decimal(')) or column.type in ('integer', 'bigint') -%}
    cast({{ adapter.quote(column.name) }} as numeric(38, 9))
  {%- else -%}
    {{ source_invoices.decimal_of_text('cast(' ~ adapter.quote(column.name) ~ ' as text)') }}
  {%- endif -%}
{% endmacro %}


{# A time, from a timestamp with a zone or without one (then it is in UTC), a text, or seconds since 1970. #}
{% macro time_of(columns, name) %}
  {%- set column = source_invoices.find_column(columns, name) -%}
  {%- if not column -%}
    cast(null as timestamp with time zone)
  {%- elif column.type in ('timestamp with time zone', 'timestamptz') -%}
    {{ adapter.quote(column.name) }}
  {%- elif column.type.startswith('timestamp') or column.type in ('datetime', 'date') -%}
    cast({{ adapter.quote(column.name) }} as timestamp) at time zone 'UTC'
  {%- elif column.type.startswith(('text', 'varchar', 'character varying')) -%}
    {{ source_invoices.time_of_text(adapter.quote(column.name)) }}
  {%- else -%}
    {{ source_invoices.time_of_seconds(adapter.quote(column.name)) }}
  {%- endif -%}
{% endmacro %}


{# One value inside an object, as text. Some loaders give it a column of its own, such as total__amount. #}
{% macro json_text_of(columns, name, key) %}
  {%- set column = source_invoices.find_column(columns, name) -%}
  {%- if column -%}
    {{ source_invoices.json_text(source_invoices.json_of(columns, name), key) }}
  {%- else -%}
    {{ source_invoices.text_of(columns, name ~ key) }}
  {%- endif -%}
{% endmacro %}


{# A column as JSON: it may be json, jsonb, an array of jsonb, a struct, or JSON as text. #}
{% macro json_of(columns, name) -%}
  {%- set column = source_invoices.find_column(columns, name) -%}
  {%- if column -%}
    {{ source_invoices.as_json(adapter.quote(column.name), column.type) }}
  {%- else -%}
    {{ source_invoices.as_json('null', 'null') }}
  {%- endif -%}
{%- endmacro %}


{#
  A hash of what the provider sent, without the columns of the loader and without `volatile` ones, which change although
  the invoice does not. Nulls count like columns that are not there, so a new column changes only rows that have a value.
#}
{% macro content_hash(columns, volatile=[]) %}
  {%- set parts = [] -%}
  {%- for key in columns | sort if not key.startswith('_') and key not in volatile -%}
    {%- set column = adapter.quote(columns[key].name) -%}
    {%- set type = columns[key].type -%}
    {#- The text of a time depends on the zone of the session, that of a number or of JSON on the loader's type. -#}
    {%- if type.startswith('timestamp') -%}
      {%- set value = 'extract(epoch from ' ~ column ~ ')' -%}
    {%- elif type.startswith(('numeric', 'decimal', 'double')) -%}
      {%- set value = 'cast(' ~ column ~ ' as numeric(38, 9))' -%}
    {%- elif type in ('array', 'json', 'jsonb') -%}
      {%- set value = source_invoices.as_json(column, type) -%}
    {%- else -%}
      {%- set value = column -%}
    {%- endif -%}
    {%- do parts.append("'" ~ key ~ "=' || cast(" ~ value ~ " as text)") -%}
  {%- endfor -%}
  md5(concat_ws(chr(31), {{ parts | join(',\n        ') if parts else "''" }}))
{%- endmacro %}


{#
  Whether the loader knows that the provider no longer has the row: it says so itself (Singer targets that delete softly),
  or the row is older than the last full refresh, whose id the variable full_refresh_ids gives.
#}
{% macro is_deleted_by_loader(columns, stream) %}
  {%- set conditions = [] -%}
  {%- if '_sdc_deleted_at' in columns -%}
    {%- do conditions.append(adapter.quote(columns['_sdc_deleted_at'].name) ~ ' is not null') -%}
  {%- endif -%}
  {%- set refresh = var('full_refresh_ids', {}).get(stream) -%}
  {%- for name in ('_dlt_load_id', '_airbyte_generation_id') if refresh and name in columns -%}
    {%- set id = source_invoices.decimal_of_text('cast(' ~ adapter.quote(columns[name].name) ~ ' as text)') -%}
    {%- do conditions.append('coalesce(' ~ id ~ ' < ' ~ refresh ~ ', true)') -%}
  {%- endfor -%}
  {{ conditions | join(' or ') if conditions else 'false' }}
{%- endmacro %}
