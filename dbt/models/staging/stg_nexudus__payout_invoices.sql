{%- set stream = 'nexudus_payout_invoices' -%}
{%- set columns = stream_columns(stream) -%}

with source as (

    {{ stream_rows(stream, columns) }}

)

select
    'nexudus' as provider,
    '{{ stream }}' as stream,
    {{ text_of(columns, 'Id') }} as invoice_id,
    {{ text_of(columns, 'InvoiceInvoiceNumber') }} as invoice_number,
    {{ text_of(columns, 'InvoiceBusinessId') }} as counterparty_id,
    {{ text_of(columns, 'InvoiceBusinessName') }} as counterparty_name,
    {{ text_of(columns, 'InvoiceCurrencyCode') }} as provider_currency,
    coalesce({{ time_of(columns, 'InvoiceCreatedOn') }}, {{ time_of(columns, 'CreatedOn') }}) as issued_at,
    cast(null as timestamp with time zone) as due_at,
    cast(null as timestamp with time zone) as paid_at,
    cast(null as text) as provider_status,
    cast(null as numeric(38, 9)) as subtotal_amount,
    cast(null as numeric(38, 9)) as discount_amount,
    cast(null as numeric(38, 9)) as tax_amount,
    cast(null as numeric(38, 9)) as fee_amount,
    {{ amount_of(columns, 'Amount') }} as total_amount,
    cast(null as numeric(38, 9)) as paid_amount,
    cast(null as numeric(38, 9)) as left_amount,
    cast(null as text) as url,
    {{ is_deleted_by_loader(columns, stream) }} as is_deleted,
    {{ content_hash(columns, volatile=['updatedon', 'updatedby', 'isnew']) }} as content_hash
from source
