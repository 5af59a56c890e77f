{#- The one model that cannot be made anew: it holds what the tables no longer do. Rows are only ever added. -#}
{{ config(materialized='incremental', incremental_strategy='append', full_refresh=false, on_schema_change='fail') }}

{%- set facts = fact_columns() %}

with present as (

    select * from {{ ref('int_invoices__unioned') }}

),

latest as (

    {% if is_incremental() -%}
    select *
    from (
        select *, row_number() over (partition by stream, invoice_id order by version desc) as age
        from {{ this }}
    ) as versions
    where age = 1
    {%- else -%}
    select present.*, 0 as version from present where false
    {%- endif %}

),

changed as (

    select
        {% for fact in facts -%}
        present.{{ fact }},
        {% endfor -%}
        coalesce(latest.version, 0) + 1 as version
    from present
    left join latest
        on latest.stream = present.stream and latest.invoice_id = present.invoice_id
    where latest.version is null
        or latest.content_hash <> present.content_hash
        or latest.is_deleted <> present.is_deleted

),

gone as (

    select
        {% for fact in facts -%}
        {{ 'true as is_deleted' if fact == 'is_deleted' else 'latest.' ~ fact }},
        {% endfor -%}
        latest.version + 1 as version
    from latest
    left join present
        on latest.stream = present.stream and latest.invoice_id = present.invoice_id
    where present.invoice_id is null
        and not latest.is_deleted
        {#- A table that is empty or not there is no proof that its invoices are gone. #}
        and latest.stream in (select stream from present)

)

select *, {{ as_of() }} as seen_at from changed

union all

select *, {{ as_of() }} as seen_at from gone
