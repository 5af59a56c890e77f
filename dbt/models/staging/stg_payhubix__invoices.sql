{%- set stream = 'payhubix_invoices' -%}
{%- set columns = stream_columns(stream) -%}

with source as (

    {{ stream_rows(stream, columns) }}

)

select
    'payhubix' as provider,
    '{{ stream }}' as stream,
    {{ text_of(columns, 'link') }} as invoice_id,
    {{ text_of(columns, 'link') }} as invoice_number,
    {#- The shop is ours; who pays is not told. #}
    cast(null as text) as counterparty_id,
    cast(null as text) as counterparty_name,
    {{ text_of(columns, 'currency_symbol') }} as provider_currency,
    {{ time_of(columns, 'created_at') }} as issued_at,
    cast(null as timestamp with time zone) as due_at,
    cast(null as timestamp with time zone) as paid_at,
    {{ text_of(columns, 'status') }} as provider_status,
    cast(null as numeric(38, 9)) as subtotal_amount,
    cast(null as numeric(38, 9)) as discount_amount,
    cast(null as numeric(38, 9)) as tax_amount,
    cast(null as numeric(38, 9)) as fee_amount,
    {{ amount_of(columns, 'currency_amount') }} as total_amount,
    {#- Nothing left of an invoice that was called off does not say that it was paid. #}
    cast(
        case when {{ text_of(columns, 'status') }} in ('Canceled', 'Expired')
            and {{ amount_of(columns, 'remaining_currency_amount') }} <> {{ amount_of(columns, 'currency_amount') }}
            then null
            else {{ amount_of(columns, 'currency_amount') }} - {{ amount_of(columns, 'remaining_currency_amount') }}
        end as numeric(38, 9)
    ) as paid_amount,
    {{ amount_of(columns, 'remaining_currency_amount') }} as left_amount,
    {{ text_of(columns, 'invoice_url') }} as url,
    {{ is_deleted_by_loader(columns, stream) }} as is_deleted,
    {{ content_hash(columns) }} as content_hash
from source
