{%- set stream = 'ipxo_ecommerce_invoices' -%}
{%- set columns = stream_columns(stream) -%}

with source as (

    {{ stream_rows(stream, columns) }}

)

select
    'ipxo' as provider,
    '{{ stream }}' as stream,
    {{ text_of(columns, 'uuid') }} as invoice_id,
    {{ text_of(columns, 'reference') }} as invoice_number,
    cast(null as text) as counterparty_id,
    'IPXO' as counterparty_name,
    {{ json_text_of(columns, 'total', 'currency') }} as provider_currency,
    {{ time_of(columns, 'placed_at') }} as issued_at,
    cast(null as timestamp with time zone) as due_at,
    cast(null as timestamp with time zone) as paid_at,
    {{ text_of(columns, 'status') }} as provider_status,
    {#- `amount` is in major units, such as dollars; `amount_minor` is not used: its unit depends on the currency. #}
    {{ decimal_of_text(json_text_of(columns, 'sub_total', 'amount')) }} as subtotal_amount,
    {{ decimal_of_text(json_text_of(columns, 'discount_total', 'amount')) }} as discount_amount,
    {{ decimal_of_text(json_text_of(columns, 'tax_total', 'amount')) }} as tax_amount,
    cast(null as numeric(38, 9)) as fee_amount,
    {{ decimal_of_text(json_text_of(columns, 'total', 'amount')) }} as total_amount,
    cast(null as numeric(38, 9)) as paid_amount,
    cast(null as numeric(38, 9)) as left_amount,
    cast(null as text) as url,
    {{ is_deleted_by_loader(columns, stream) }} as is_deleted,
    {{ content_hash(columns) }} as content_hash
from source
