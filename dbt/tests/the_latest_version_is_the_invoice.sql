{#- What invoice_changes says last of an invoice is what invoices says. -#}
select invoices.stream, invoices.invoice_id
from {{ ref('invoices') }} as invoices
left join {{ ref('invoice_changes') }} as latest
    on latest.stream = invoices.stream and latest.invoice_id = invoices.invoice_id and latest.replaced_at is null
where latest.version is null
    or latest.state <> invoices.state
    or latest.is_deleted <> invoices.is_deleted
    or coalesce(latest.open_amount, 0) <> coalesce(invoices.open_amount, 0)
