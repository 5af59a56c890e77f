{%- set stream = 'ipxo_invoices' -%}
{%- set columns = stream_columns(stream) -%}

with source as (

    {{ stream_rows(stream, columns) }}

)

select
    'ipxo' as provider,
    '{{ stream }}' as stream,
    {{ text_of(columns, 'uuid') }} as invoice_id,
    {{ text_of(columns, 'invoice_number') }} as invoice_number,
    cast(null as text) as counterparty_id,
    'IPXO' as counterparty_name,
    cast(null as text) as provider_currency,
    {{ time_of(columns, 'date') }} as issued_at,
    {{ time_of(columns, 'date_due') }} as due_at,
    {{ time_of(columns, 'date_paid') }} as paid_at,
    {{ text_of(columns, 'status') }} as provider_status,
    {{ amount_of(columns, 'subtotal') }} as subtotal_amount,
    cast(null as numeric(38, 9)) as discount_amount,
    {{ amount_of(columns, 'total_tax') }} as tax_amount,
    cast(null as numeric(38, 9)) as fee_amount,
    {{ amount_of(columns, 'total') }} as total_amount,
    {{ amount_of(columns, 'total_paid') }} as paid_amount,
    {{ amount_of(columns, 'total_left_to_pay') }} as left_amount,
    cast(null as text) as url,
    {{ json_of(columns, 'items') }} as lines,
    {{ is_deleted_by_loader(columns, stream) }} as is_deleted,
    {{ content_hash(columns, volatile=['updatedat']) }} as content_hash
from source
