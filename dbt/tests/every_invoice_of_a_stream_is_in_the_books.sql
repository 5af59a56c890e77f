{#- The mapping loses no row and adds none. -#}
select stream, count(*) as difference
from (
    select stream, invoice_id from {{ ref('int_invoices__unioned') }}
    {%- if not var('include_ecommerce', true) %} where stream <> 'ipxo_ecommerce_invoices' {%- endif %}
    except
    select stream, invoice_id from {{ ref('invoices') }}
) as missing
group by stream
union all
select stream, count(*) - count(distinct invoice_id) as difference
from {{ ref('invoices') }}
group by stream
having count(*) <> count(distinct invoice_id)
