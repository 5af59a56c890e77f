{%- set value = {} -%}
{%- for key in ('uuid', 'type', 'description', 'amount', 'service_uuid', 'address', 'cidr', 'taxed') -%}
    {%- do value.update({key: json_text('elements.line', key)}) -%}
{%- endfor -%}
{%- for key in ('period_start', 'period_end') -%}
    {%- do value.update({key: time_of_seconds(decimal_of_text(json_text('elements.line', key)))}) -%}
{%- endfor -%}

with invoice as (

    select stream, invoice_id, lines from {{ ref('stg_ipxo__payout_invoices') }}
    union all
    select stream, invoice_id, lines from {{ ref('stg_ipxo__invoices') }}

)

select
    invoice.stream,
    invoice.invoice_id,
    cast(elements.line_number as integer) as line_number,
    {{ value.uuid }} as line_id,
    {{ value.type }} as type,
    {{ value.description }} as description,
    {{ decimal_of_text(value.amount) }} as amount,
    {{ value.period_start }} as period_start,
    {{ value.period_end }} as period_end,
    {{ value.service_uuid }} as service_id,
    {{ value.address }} as address,
    cast({{ decimal_of_text(value.cidr) }} as integer) as cidr,
    case {{ value.taxed }} when 'true' then true when '1' then true when 'false' then false when '0' then false
        end as is_taxed
from invoice
cross join lateral {{ json_elements(as_json('invoice.lines', 'text')) }}
