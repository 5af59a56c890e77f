-- The books in PostgreSQL, from the tables of dlt.
-- Empty tables for the streams that are not synced, to be made in the schema of the loader. Tables that are there stay.

create table if not exists ipxo_ecommerce_invoices (
    "uuid" text,
    "reference" text,
    "status" text,
    "placed_at" timestamptz,
    "sub_total" jsonb,
    "discount_total" jsonb,
    "tax_total" jsonb,
    "credits_total" jsonb,
    "total" jsonb,
    "total_before_tax" jsonb,
    "invoicable_id" text,
    "invoicable_type" text,
    "_dlt_load_id" text,
    "_dlt_id" text
);

create table if not exists ipxo_invoices (
    "uuid" text,
    "tenant_uuid" text,
    "invoice_number" text,
    "date" bigint,
    "date_due" bigint,
    "date_paid" bigint,
    "subtotal" numeric(38, 9),
    "subtotal_with_taxes" numeric(38, 9),
    "total" numeric(38, 9),
    "total_left_to_pay" numeric(38, 9),
    "total_paid" numeric(38, 9),
    "total_tax" numeric(38, 9),
    "status" text,
    "items_count" bigint,
    "items" jsonb,
    "taxes" jsonb,
    "transactions" jsonb,
    "updated_at" timestamptz,
    "_dlt_load_id" text,
    "_dlt_id" text
);

create table if not exists ipxo_payout_invoices (
    "uuid" text,
    "invoice_number" text,
    "tenant_uuid" text,
    "total" numeric(38, 9),
    "fees" numeric(38, 9),
    "status" text,
    "date" bigint,
    "date_paid" bigint,
    "payment_confirmation_uuid" text,
    "items" jsonb,
    "updated_at" timestamptz,
    "_dlt_load_id" text,
    "_dlt_id" text
);

create table if not exists nexudus_payout_invoices (
    "invoice_id" bigint,
    "invoice_invoice_number" text,
    "invoice_reseller_amount" numeric(38, 9),
    "invoice_created_on" timestamptz,
    "invoice_currency_code" text,
    "invoice_business_id" bigint,
    "invoice_business_name" text,
    "reseller_payout_id" bigint,
    "amount" numeric(38, 9),
    "id" bigint,
    "updated_on" timestamptz,
    "created_on" timestamptz,
    "unique_id" text,
    "updated_by" text,
    "is_new" boolean,
    "system_id" text,
    "to_string_text" text,
    "localization_details" text,
    "custom_fields" text,
    "_dlt_load_id" text,
    "_dlt_id" text
);

create table if not exists payhubix_invoices (
    "link" text,
    "status" text,
    "transfer_fee_by" text,
    "service_fee_by" text,
    "currency_amount" numeric(38, 9),
    "remaining_currency_amount" numeric(38, 9),
    "currency_symbol" text,
    "currency_sign" text,
    "order_id" text,
    "shop" jsonb,
    "invoice_url" text,
    "created_at" timestamptz,
    "_dlt_load_id" text,
    "_dlt_id" text
);
