{#-
  The lines of a payout add up to its total, those of a billing invoice to its subtotal, to the cent: some loaders pass
  numbers through binary floats. IPXO does not document it, so an invoice for which it does not hold is worth a look, and
  stops nothing.
-#}
{{ config(severity='warn') }}

with compared as (

    select
        invoices.stream,
        invoices.invoice_id,
        case invoices.stream when 'ipxo_invoices' then invoices.subtotal_amount else invoices.total_amount end
            as expected_amount,
        invoice_lines.amount
    from {{ ref('invoices') }} as invoices
    inner join {{ ref('invoice_lines') }} as invoice_lines
        on invoice_lines.stream = invoices.stream and invoice_lines.invoice_id = invoices.invoice_id

)

select stream, invoice_id, expected_amount, sum(amount) as lines_amount
from compared
group by stream, invoice_id, expected_amount
having abs(sum(amount) - expected_amount) >= 0.005
