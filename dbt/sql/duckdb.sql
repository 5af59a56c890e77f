-- The books in DuckDB, from the tables of PyAirbyte.
-- Made from the models of the dbt package by `make sql`. Run it after each sync, as one transaction:
--
--     create schema if not exists books; set search_path = 'books,main'; begin; .read dbt/sql/duckdb.sql; commit;
--
-- books is the schema that is made, and main that of the loader. A stream that is not synced has no table there:
-- make an empty one with duckdb_streams.sql. ipxo_currency and as_of are settings of the session, see docs/books.md.

create or replace table stg_ipxo__ecommerce_invoices as
with source as (

    select * from ipxo_ecommerce_invoices

)

select
    'ipxo' as provider,
    'ipxo_ecommerce_invoices' as stream,
    cast("uuid" as text) as invoice_id,
    cast("reference" as text) as invoice_number,
    cast(null as text) as counterparty_id,
    'IPXO' as counterparty_name,
    ("total") ->> '$.currency' as provider_currency,
    cast("placed_at" as timestamp) at time zone 'UTC' as issued_at,
    cast(null as timestamp with time zone) as due_at,
    cast(null as timestamp with time zone) as paid_at,
    cast("status" as text) as provider_status,
    try_cast(("sub_total") ->> '$.amount' as numeric(38, 9)) as subtotal_amount,
    try_cast(("discount_total") ->> '$.amount' as numeric(38, 9)) as discount_amount,
    try_cast(("tax_total") ->> '$.amount' as numeric(38, 9)) as tax_amount,
    cast(null as numeric(38, 9)) as fee_amount,
    try_cast(("total") ->> '$.amount' as numeric(38, 9)) as total_amount,
    cast(null as numeric(38, 9)) as paid_amount,
    cast(null as numeric(38, 9)) as left_amount,
    cast(null as text) as url,
    false as is_deleted,
    md5(concat_ws(chr(31), 'creditstotal=' || cast("credits_total" as text),
        'discounttotal=' || cast("discount_total" as text),
        'invoicableid=' || cast("invoicable_id" as text),
        'invoicabletype=' || cast("invoicable_type" as text),
        'placedat=' || cast(extract(epoch from "placed_at") as text),
        'reference=' || cast("reference" as text),
        'status=' || cast("status" as text),
        'subtotal=' || cast("sub_total" as text),
        'taxtotal=' || cast("tax_total" as text),
        'total=' || cast("total" as text),
        'totalbeforetax=' || cast("total_before_tax" as text),
        'uuid=' || cast("uuid" as text))) as content_hash
from source;

create or replace table stg_ipxo__invoices as
with source as (

    select * from ipxo_invoices

)

select
    'ipxo' as provider,
    'ipxo_invoices' as stream,
    cast("uuid" as text) as invoice_id,
    cast("invoice_number" as text) as invoice_number,
    cast(null as text) as counterparty_id,
    'IPXO' as counterparty_name,
    cast(null as text) as provider_currency,
    case when "date" between 1 and 253402300799
    then to_timestamp(cast("date" as double precision)) end as issued_at,
    case when "date_due" between 1 and 253402300799
    then to_timestamp(cast("date_due" as double precision)) end as due_at,
    case when "date_paid" between 1 and 253402300799
    then to_timestamp(cast("date_paid" as double precision)) end as paid_at,
    cast("status" as text) as provider_status,
    cast("subtotal" as numeric(38, 9)) as subtotal_amount,
    cast(null as numeric(38, 9)) as discount_amount,
    cast("total_tax" as numeric(38, 9)) as tax_amount,
    cast(null as numeric(38, 9)) as fee_amount,
    cast("total" as numeric(38, 9)) as total_amount,
    cast("total_paid" as numeric(38, 9)) as paid_amount,
    cast("total_left_to_pay" as numeric(38, 9)) as left_amount,
    cast(null as text) as url,
    "items" as lines,
    false as is_deleted,
    md5(concat_ws(chr(31), 'date=' || cast("date" as text),
        'datedue=' || cast("date_due" as text),
        'datepaid=' || cast("date_paid" as text),
        'invoicenumber=' || cast("invoice_number" as text),
        'items=' || cast("items" as text),
        'itemscount=' || cast("items_count" as text),
        'status=' || cast("status" as text),
        'subtotal=' || cast(cast("subtotal" as numeric(38, 9)) as text),
        'subtotalwithtaxes=' || cast(cast("subtotal_with_taxes" as numeric(38, 9)) as text),
        'taxes=' || cast("taxes" as text),
        'tenantuuid=' || cast("tenant_uuid" as text),
        'total=' || cast(cast("total" as numeric(38, 9)) as text),
        'totallefttopay=' || cast(cast("total_left_to_pay" as numeric(38, 9)) as text),
        'totalpaid=' || cast(cast("total_paid" as numeric(38, 9)) as text),
        'totaltax=' || cast(cast("total_tax" as numeric(38, 9)) as text),
        'transactions=' || cast("transactions" as text),
        'uuid=' || cast("uuid" as text))) as content_hash
from source;

create or replace table stg_ipxo__payout_invoices as
with source as (

    select * from ipxo_payout_invoices

)

select
    'ipxo' as provider,
    'ipxo_payout_invoices' as stream,
    cast("uuid" as text) as invoice_id,
    cast("invoice_number" as text) as invoice_number,
    cast(null as text) as counterparty_id,
    'IPXO' as counterparty_name,
    cast(null as text) as provider_currency,
    case when "date" between 1 and 253402300799
    then to_timestamp(cast("date" as double precision)) end as issued_at,
    cast(null as timestamp with time zone) as due_at,
    case when "date_paid" between 1 and 253402300799
    then to_timestamp(cast("date_paid" as double precision)) end as paid_at,
    cast("status" as text) as provider_status,
    cast(null as numeric(38, 9)) as subtotal_amount,
    cast(null as numeric(38, 9)) as discount_amount,
    cast(null as numeric(38, 9)) as tax_amount,
    cast("fees" as numeric(38, 9)) as fee_amount,
    cast("total" as numeric(38, 9)) as total_amount,
    cast(null as numeric(38, 9)) as paid_amount,
    cast(null as numeric(38, 9)) as left_amount,
    cast(null as text) as url,
    "items" as lines,
    false as is_deleted,
    md5(concat_ws(chr(31), 'date=' || cast("date" as text),
        'datepaid=' || cast("date_paid" as text),
        'fees=' || cast(cast("fees" as numeric(38, 9)) as text),
        'invoicenumber=' || cast("invoice_number" as text),
        'items=' || cast("items" as text),
        'paymentconfirmationuuid=' || cast("payment_confirmation_uuid" as text),
        'status=' || cast("status" as text),
        'tenantuuid=' || cast("tenant_uuid" as text),
        'total=' || cast(cast("total" as numeric(38, 9)) as text),
        'uuid=' || cast("uuid" as text))) as content_hash
from source;

create or replace table stg_nexudus__payout_invoices as
with source as (

    select * from nexudus_payout_invoices

)

select
    'nexudus' as provider,
    'nexudus_payout_invoices' as stream,
    cast("id" as text) as invoice_id,
    cast("invoiceinvoicenumber" as text) as invoice_number,
    cast("invoicebusinessid" as text) as counterparty_id,
    cast("invoicebusinessname" as text) as counterparty_name,
    cast("invoicecurrencycode" as text) as provider_currency,
    coalesce(cast("invoicecreatedon" as timestamp) at time zone 'UTC', cast("createdon" as timestamp) at time zone 'UTC') as issued_at,
    cast(null as timestamp with time zone) as due_at,
    cast(null as timestamp with time zone) as paid_at,
    cast(null as text) as provider_status,
    cast(null as numeric(38, 9)) as subtotal_amount,
    cast(null as numeric(38, 9)) as discount_amount,
    cast(null as numeric(38, 9)) as tax_amount,
    cast(null as numeric(38, 9)) as fee_amount,
    cast("amount" as numeric(38, 9)) as total_amount,
    cast(null as numeric(38, 9)) as paid_amount,
    cast(null as numeric(38, 9)) as left_amount,
    cast(null as text) as url,
    false as is_deleted,
    md5(concat_ws(chr(31), 'amount=' || cast(cast("amount" as numeric(38, 9)) as text),
        'createdon=' || cast(extract(epoch from "createdon") as text),
        'customfields=' || cast("customfields" as text),
        'id=' || cast("id" as text),
        'invoicebusinessid=' || cast("invoicebusinessid" as text),
        'invoicebusinessname=' || cast("invoicebusinessname" as text),
        'invoicecreatedon=' || cast(extract(epoch from "invoicecreatedon") as text),
        'invoicecurrencycode=' || cast("invoicecurrencycode" as text),
        'invoiceid=' || cast("invoiceid" as text),
        'invoiceinvoicenumber=' || cast("invoiceinvoicenumber" as text),
        'invoicereselleramount=' || cast(cast("invoicereselleramount" as numeric(38, 9)) as text),
        'localizationdetails=' || cast("localizationdetails" as text),
        'resellerpayoutid=' || cast("resellerpayoutid" as text),
        'systemid=' || cast("systemid" as text),
        'tostringtext=' || cast("tostringtext" as text),
        'uniqueid=' || cast("uniqueid" as text))) as content_hash
from source;

create or replace table stg_payhubix__invoices as
with source as (

    select * from payhubix_invoices

)

select
    'payhubix' as provider,
    'payhubix_invoices' as stream,
    cast("link" as text) as invoice_id,
    cast("link" as text) as invoice_number,
    cast(null as text) as counterparty_id,
    cast(null as text) as counterparty_name,
    cast("currency_symbol" as text) as provider_currency,
    cast("created_at" as timestamp) at time zone 'UTC' as issued_at,
    cast(null as timestamp with time zone) as due_at,
    cast(null as timestamp with time zone) as paid_at,
    cast("status" as text) as provider_status,
    cast(null as numeric(38, 9)) as subtotal_amount,
    cast(null as numeric(38, 9)) as discount_amount,
    cast(null as numeric(38, 9)) as tax_amount,
    cast(null as numeric(38, 9)) as fee_amount,
    cast("currency_amount" as numeric(38, 9)) as total_amount,
    cast(
        case when cast("status" as text) in ('Canceled', 'Expired')
            and cast("remaining_currency_amount" as numeric(38, 9)) <> cast("currency_amount" as numeric(38, 9))
            then null
            else cast("currency_amount" as numeric(38, 9)) - cast("remaining_currency_amount" as numeric(38, 9))
        end as numeric(38, 9)
    ) as paid_amount,
    cast("remaining_currency_amount" as numeric(38, 9)) as left_amount,
    cast("invoice_url" as text) as url,
    false as is_deleted,
    md5(concat_ws(chr(31), 'createdat=' || cast(extract(epoch from "created_at") as text),
        'currencyamount=' || cast(cast("currency_amount" as numeric(38, 9)) as text),
        'currencysign=' || cast("currency_sign" as text),
        'currencysymbol=' || cast("currency_symbol" as text),
        'invoiceurl=' || cast("invoice_url" as text),
        'link=' || cast("link" as text),
        'orderid=' || cast("order_id" as text),
        'remainingcurrencyamount=' || cast(cast("remaining_currency_amount" as numeric(38, 9)) as text),
        'servicefeeby=' || cast("service_fee_by" as text),
        'shop=' || cast("shop" as text),
        'status=' || cast("status" as text),
        'transferfeeby=' || cast("transfer_fee_by" as text))) as content_hash
from source;

create or replace table int_invoices__unioned as
select
    provider,
    stream,
    invoice_id,
    invoice_number,
    counterparty_id,
    counterparty_name,
    provider_currency,
    issued_at,
    due_at,
    paid_at,
    provider_status,
    subtotal_amount,
    discount_amount,
    tax_amount,
    fee_amount,
    total_amount,
    paid_amount,
    left_amount,
    url,
    is_deleted,
    content_hash
from stg_ipxo__payout_invoices

union all

select
    provider,
    stream,
    invoice_id,
    invoice_number,
    counterparty_id,
    counterparty_name,
    provider_currency,
    issued_at,
    due_at,
    paid_at,
    provider_status,
    subtotal_amount,
    discount_amount,
    tax_amount,
    fee_amount,
    total_amount,
    paid_amount,
    left_amount,
    url,
    is_deleted,
    content_hash
from stg_ipxo__invoices

union all

select
    provider,
    stream,
    invoice_id,
    invoice_number,
    counterparty_id,
    counterparty_name,
    provider_currency,
    issued_at,
    due_at,
    paid_at,
    provider_status,
    subtotal_amount,
    discount_amount,
    tax_amount,
    fee_amount,
    total_amount,
    paid_amount,
    left_amount,
    url,
    is_deleted,
    content_hash
from stg_ipxo__ecommerce_invoices

union all

select
    provider,
    stream,
    invoice_id,
    invoice_number,
    counterparty_id,
    counterparty_name,
    provider_currency,
    issued_at,
    due_at,
    paid_at,
    provider_status,
    subtotal_amount,
    discount_amount,
    tax_amount,
    fee_amount,
    total_amount,
    paid_amount,
    left_amount,
    url,
    is_deleted,
    content_hash
from stg_nexudus__payout_invoices

union all

select
    provider,
    stream,
    invoice_id,
    invoice_number,
    counterparty_id,
    counterparty_name,
    provider_currency,
    issued_at,
    due_at,
    paid_at,
    provider_status,
    subtotal_amount,
    discount_amount,
    tax_amount,
    fee_amount,
    total_amount,
    paid_amount,
    left_amount,
    url,
    is_deleted,
    content_hash
from stg_payhubix__invoices;

create or replace table invoice_lines as
with invoice as (

    select stream, invoice_id, lines from stg_ipxo__payout_invoices
    union all
    select stream, invoice_id, lines from stg_ipxo__invoices

)

select
    invoice.stream,
    invoice.invoice_id,
    cast(elements.line_number as integer) as line_number,
    (elements.line) ->> '$.uuid' as line_id,
    (elements.line) ->> '$.type' as type,
    (elements.line) ->> '$.description' as description,
    try_cast((elements.line) ->> '$.amount' as numeric(38, 9)) as amount,
    case when try_cast((elements.line) ->> '$.period_start' as numeric(38, 9)) between 1 and 253402300799
    then to_timestamp(cast(try_cast((elements.line) ->> '$.period_start' as numeric(38, 9)) as double precision)) end as period_start,
    case when try_cast((elements.line) ->> '$.period_end' as numeric(38, 9)) between 1 and 253402300799
    then to_timestamp(cast(try_cast((elements.line) ->> '$.period_end' as numeric(38, 9)) as double precision)) end as period_end,
    (elements.line) ->> '$.service_uuid' as service_id,
    (elements.line) ->> '$.address' as address,
    cast(try_cast((elements.line) ->> '$.cidr' as numeric(38, 9)) as integer) as cidr,
    case (elements.line) ->> '$.taxed' when 'true' then true when '1' then true when 'false' then false when '0' then false
        end as is_taxed
from invoice
cross join lateral unnest(case json_type(cast(invoice.lines as json)) when 'ARRAY' then cast(cast(invoice.lines as json) as json[]) else cast([] as json[]) end)
    with ordinality as elements (line, line_number);

create table if not exists invoice_history (
    provider varchar,
    stream varchar,
    invoice_id varchar,
    invoice_number varchar,
    counterparty_id varchar,
    counterparty_name varchar,
    provider_currency varchar,
    issued_at timestamp with time zone,
    due_at timestamp with time zone,
    paid_at timestamp with time zone,
    provider_status varchar,
    subtotal_amount decimal(38,9),
    discount_amount decimal(38,9),
    tax_amount decimal(38,9),
    fee_amount decimal(38,9),
    total_amount decimal(38,9),
    paid_amount decimal(38,9),
    left_amount decimal(38,9),
    url varchar,
    is_deleted boolean,
    content_hash varchar,
    version integer,
    seen_at timestamp with time zone
);

insert into invoice_history
with present as (

    select * from int_invoices__unioned

),

latest as (

    select *
    from (
        select *, row_number() over (partition by stream, invoice_id order by version desc) as age
        from invoice_history
    ) as versions
    where age = 1

),

changed as (

    select
        present.provider,
        present.stream,
        present.invoice_id,
        present.invoice_number,
        present.counterparty_id,
        present.counterparty_name,
        present.provider_currency,
        present.issued_at,
        present.due_at,
        present.paid_at,
        present.provider_status,
        present.subtotal_amount,
        present.discount_amount,
        present.tax_amount,
        present.fee_amount,
        present.total_amount,
        present.paid_amount,
        present.left_amount,
        present.url,
        present.is_deleted,
        present.content_hash,
        coalesce(latest.version, 0) + 1 as version
    from present
    left join latest
        on latest.stream = present.stream and latest.invoice_id = present.invoice_id
    where latest.version is null
        or latest.content_hash <> present.content_hash
        or latest.is_deleted <> present.is_deleted

),

gone as (

    select
        latest.provider,
        latest.stream,
        latest.invoice_id,
        latest.invoice_number,
        latest.counterparty_id,
        latest.counterparty_name,
        latest.provider_currency,
        latest.issued_at,
        latest.due_at,
        latest.paid_at,
        latest.provider_status,
        latest.subtotal_amount,
        latest.discount_amount,
        latest.tax_amount,
        latest.fee_amount,
        latest.total_amount,
        latest.paid_amount,
        latest.left_amount,
        latest.url,
        true as is_deleted,
        latest.content_hash,
        latest.version + 1 as version
    from latest
    left join present
        on latest.stream = present.stream and latest.invoice_id = present.invoice_id
    where present.invoice_id is null
        and not latest.is_deleted
        and latest.stream in (select stream from present)

)

select *, coalesce(cast(cast(getvariable('as_of') as text) as timestamp with time zone), current_timestamp) as seen_at from changed

union all

select *, coalesce(cast(cast(getvariable('as_of') as text) as timestamp with time zone), current_timestamp) as seen_at from gone;

create or replace table invoice_changes as
with versions as (

    
select
    told.provider,
    told.stream,
    told.invoice_id,
    told.invoice_number,
    told.direction,
    told.counterparty_id,
    told.counterparty_name,
    told.currency,
    told.issued_at,
    told.due_at,
    told.paid_at,
    case when told.state = 'open' and told.paid_amount <> 0 and told.left_amount <> 0 then 'partially_paid'
        else told.state end as state,
    told.provider_status,
    told.subtotal_amount,
    told.discount_amount,
    told.tax_amount,
    told.fee_amount,
    told.total_amount,
    cast(
        case
            when told.paid_amount is not null then told.paid_amount
            when told.state = 'paid' then told.total_amount
            when told.state in ('open', 'draft') then 0
        end as numeric(38, 9)
    ) as paid_amount,
    cast(
        case
            when told.is_deleted or told.state = 'draft' or told.state in ('paid', 'void', 'refunded') then 0
            when told.left_amount is not null then told.left_amount
            when told.provider_status is not null then told.total_amount
        end as numeric(38, 9)
    ) as open_amount,
    told.url,
    told.is_deleted,
    told.stream = 'ipxo_ecommerce_invoices' as may_repeat_in_billing,
    told.version,
    told.seen_at
from (
    select
        facts.*,
        case stream
      when 'ipxo_payout_invoices' then 'receivable'
      when 'ipxo_invoices' then 'payable'
      when 'ipxo_ecommerce_invoices' then 'payable'
      when 'nexudus_payout_invoices' then 'receivable'
      when 'payhubix_invoices' then 'receivable'
    end as direction,
        coalesce(case stream
      when 'ipxo_payout_invoices' then case provider_status when 'unpaid' then 'open' when 'paid' then 'paid' end
      when 'ipxo_invoices' then case provider_status when 'draft' then 'draft' when 'unpaid' then 'open' when 'disputed' then 'disputed' when 'paid' then 'paid' when 'cancelled' then 'void' when 'refunded' then 'refunded' end
      when 'ipxo_ecommerce_invoices' then case provider_status when 'draft' then 'draft' when 'sent' then 'open' when 'unpaid' then 'open' when 'paid' then 'paid' when 'written_off' then 'void' when 'refunded' then 'refunded' end
      when 'payhubix_invoices' then case provider_status when 'Created' then 'open' when 'Pending' then 'open' when 'Partially' then 'partially_paid' when 'Paid' then 'paid' when 'Canceled' then 'void' when 'Expired' then 'void' when 'PartiallyExpired' then 'void' end
    end, 'unknown') as state,
        coalesce(provider_currency,
            case when provider = 'ipxo' then cast(getvariable('ipxo_currency') as text) end) as currency
    from invoice_history as facts
) as told


),

compared as (

    select
        versions.*,
        lag(state) over invoice as previous_state,
        lag(provider_status) over invoice as previous_provider_status,
        cast(lag(total_amount) over invoice as numeric(38, 9)) as previous_total_amount,
        cast(lag(paid_amount) over invoice as numeric(38, 9)) as previous_paid_amount,
        cast(lag(open_amount) over invoice as numeric(38, 9)) as previous_open_amount,
        lag(is_deleted) over invoice as was_deleted,
        lead(seen_at) over invoice as replaced_at,
        min(seen_at) over (partition by stream) as stream_seen_at
    from versions
    window invoice as (partition by stream, invoice_id order by version)

)

select
    provider,
    stream,
    invoice_id,
    version,
    case
        when is_deleted then 'deleted'
        when was_deleted then 'restored'
        when version > 1 then 'changed'
        when seen_at > stream_seen_at then 'new'
        else 'initial'
    end as change,
    seen_at,
    replaced_at,
    invoice_number,
    direction,
    counterparty_id,
    counterparty_name,
    currency,
    issued_at,
    due_at,
    paid_at,
    previous_state,
    state,
    previous_provider_status,
    provider_status,
    subtotal_amount,
    discount_amount,
    tax_amount,
    fee_amount,
    previous_total_amount,
    total_amount,
    previous_paid_amount,
    paid_amount,
    previous_open_amount,
    open_amount,
    url,
    is_deleted,
    may_repeat_in_billing
from compared;

create or replace table invoices as
with facts as (

    select * from int_invoices__unioned

    union all
    select
        provider,
        stream,
        invoice_id,
        invoice_number,
        counterparty_id,
        counterparty_name,
        provider_currency,
        issued_at,
        due_at,
        paid_at,
        provider_status,
        subtotal_amount,
        discount_amount,
        tax_amount,
        fee_amount,
        total_amount,
        paid_amount,
        left_amount,
        url,
        is_deleted,
        content_hash
    from invoice_history as history
    where is_deleted
        and not exists (
            select 1 from int_invoices__unioned as present
            where present.stream = history.stream and present.invoice_id = history.invoice_id
        )
        and not exists (
            select 1 from invoice_history as later
            where later.stream = history.stream and later.invoice_id = history.invoice_id
                and later.version > history.version
        )

),

known as (

    
select
    told.provider,
    told.stream,
    told.invoice_id,
    told.invoice_number,
    told.direction,
    told.counterparty_id,
    told.counterparty_name,
    told.currency,
    told.issued_at,
    told.due_at,
    told.paid_at,
    case when told.state = 'open' and told.paid_amount <> 0 and told.left_amount <> 0 then 'partially_paid'
        else told.state end as state,
    told.provider_status,
    told.subtotal_amount,
    told.discount_amount,
    told.tax_amount,
    told.fee_amount,
    told.total_amount,
    cast(
        case
            when told.paid_amount is not null then told.paid_amount
            when told.state = 'paid' then told.total_amount
            when told.state in ('open', 'draft') then 0
        end as numeric(38, 9)
    ) as paid_amount,
    cast(
        case
            when told.is_deleted or told.state = 'draft' or told.state in ('paid', 'void', 'refunded') then 0
            when told.left_amount is not null then told.left_amount
            when told.provider_status is not null then told.total_amount
        end as numeric(38, 9)
    ) as open_amount,
    told.url,
    told.is_deleted,
    told.stream = 'ipxo_ecommerce_invoices' as may_repeat_in_billing
from (
    select
        facts.*,
        case stream
      when 'ipxo_payout_invoices' then 'receivable'
      when 'ipxo_invoices' then 'payable'
      when 'ipxo_ecommerce_invoices' then 'payable'
      when 'nexudus_payout_invoices' then 'receivable'
      when 'payhubix_invoices' then 'receivable'
    end as direction,
        coalesce(case stream
      when 'ipxo_payout_invoices' then case provider_status when 'unpaid' then 'open' when 'paid' then 'paid' end
      when 'ipxo_invoices' then case provider_status when 'draft' then 'draft' when 'unpaid' then 'open' when 'disputed' then 'disputed' when 'paid' then 'paid' when 'cancelled' then 'void' when 'refunded' then 'refunded' end
      when 'ipxo_ecommerce_invoices' then case provider_status when 'draft' then 'draft' when 'sent' then 'open' when 'unpaid' then 'open' when 'paid' then 'paid' when 'written_off' then 'void' when 'refunded' then 'refunded' end
      when 'payhubix_invoices' then case provider_status when 'Created' then 'open' when 'Pending' then 'open' when 'Partially' then 'partially_paid' when 'Paid' then 'paid' when 'Canceled' then 'void' when 'Expired' then 'void' when 'PartiallyExpired' then 'void' end
    end, 'unknown') as state,
        coalesce(provider_currency,
            case when provider = 'ipxo' then cast(getvariable('ipxo_currency') as text) end) as currency
    from facts as facts
) as told


),

versions as (

    select
        stream,
        invoice_id,
        version,
        seen_at,
        change,
        max(case when state not in ('paid', 'void', 'refunded') then version else 0 end)
            over (partition by stream, invoice_id) as last_unsettled_version
    from invoice_changes

),

seen as (

    select
        stream,
        invoice_id,
        min(seen_at) as first_seen_at,
        max(seen_at) as changed_at,
        min(case when version > last_unsettled_version and change <> 'initial' then seen_at end) as settled_seen_at,
        max(case when version > last_unsettled_version and change = 'initial' then 1 else 0 end) as was_settled_before
    from versions
    group by stream, invoice_id

),

books as (

    select
        known.*,
        seen.first_seen_at,
        seen.changed_at,
        case when seen.was_settled_before = 0 then seen.settled_seen_at end as settled_seen_at,
        coalesce(cast(cast(getvariable('as_of') as text) as timestamp with time zone), current_timestamp) as as_of
    from known
    left join seen
        on seen.stream = known.stream and seen.invoice_id = known.invoice_id

),

dated as (

    select
        books.*,
        case
            when open_amount = 0 then 0
            when due_at is not null
                then cast(greatest(cast(as_of at time zone 'UTC' as date) - cast(due_at at time zone 'UTC' as date), 0) as integer)
        end as days_overdue
    from books

)

select
    provider,
    stream,
    invoice_id,
    invoice_number,
    direction,
    counterparty_id,
    counterparty_name,
    currency,
    issued_at,
    due_at,
    paid_at,
    state,
    provider_status,
    subtotal_amount,
    discount_amount,
    tax_amount,
    fee_amount,
    total_amount,
    paid_amount,
    open_amount,
    days_overdue > 0 as is_overdue,
    days_overdue,
    first_seen_at,
    changed_at,
    settled_seen_at,
    url,
    is_deleted,
    may_repeat_in_billing,
    cast(date_trunc('month', issued_at at time zone 'UTC') as date) as issued_month,
    case when paid_amount <> 0 and state <> 'refunded'
        then cast(date_trunc('month', coalesce(paid_at, settled_seen_at) at time zone 'UTC') as date) end as paid_month,
    as_of
from dated;

create or replace table invoice_months as
select
    issued_month as month,
    direction,
    currency,
    state,
    count(*) as invoice_count,
    cast(sum(total_amount) as numeric(38, 9)) as total_amount,
    cast(sum(paid_amount) as numeric(38, 9)) as paid_amount,
    cast(sum(open_amount) as numeric(38, 9)) as open_amount,
    count(*) - count(total_amount) as unknown_total_count,
    count(*) - count(open_amount) as unknown_open_count
from invoices
where not is_deleted
group by issued_month, direction, currency, state;

create or replace table open_invoices as
with aged as (

    select
        invoices.*,
        case when due_at is not null then 'due' when issued_at is not null then 'issued' end as ageing_basis,
        cast(as_of at time zone 'UTC' as date) - cast(coalesce(due_at, issued_at) at time zone 'UTC' as date) as ageing_days
    from invoices as invoices
    where open_amount <> 0
        or (open_amount is null and state in ('open', 'partially_paid', 'disputed'))

)

select
    aged.*,
    case
        when ageing_days is null then 'no date'
        when ageing_basis = 'due' and ageing_days <= 0 then 'not due'
        when ageing_days <= 30 then '0 to 30 days'
        when ageing_days <= 60 then '31 to 60 days'
        when ageing_days <= 90 then '61 to 90 days'
        else 'over 90 days'
    end as ageing_bucket
from aged;
