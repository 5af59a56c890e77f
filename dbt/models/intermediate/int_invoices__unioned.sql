{%- set models = [
    ref('stg_ipxo__payout_invoices'),
    ref('stg_ipxo__invoices'),
    ref('stg_ipxo__ecommerce_invoices'),
    ref('stg_nexudus__payout_invoices'),
    ref('stg_payhubix__invoices'),
] -%}

{% for model in models -%}
select
    {{ fact_columns() | join(',\n    ') }}
from {{ model }}
{%- if not loop.last %}

union all

{% endif -%}
{%- endfor %}
