{#- The mapping loses no row and adds none: what the staging models have is in the books, once. -#}
with staged as (

    {% for model in [
        ref('stg_ipxo__payout_invoices'),
        ref('stg_ipxo__invoices'),
        ref('stg_ipxo__ecommerce_invoices'),
        ref('stg_nexudus__payout_invoices'),
        ref('stg_payhubix__invoices'),
    ] -%}
    select stream, invoice_id from {{ model }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

counted as (

    select stream, invoice_id, 1 as in_staging, 0 as in_books from staged
    {%- if not var('include_ecommerce', true) %} where stream <> 'ipxo_ecommerce_invoices' {%- endif %}
    union all
    select stream, invoice_id, 0, 1 from {{ ref('invoices') }}

)

select stream, invoice_id, sum(in_staging) as in_staging, sum(in_books) as in_books
from counted
group by stream, invoice_id
having sum(in_staging) > sum(in_books) or sum(in_books) > 1
