-- The books in DuckDB, from the tables of PyAirbyte.
-- Empty tables for the streams that are not synced, to be made in the schema of the loader. Tables that are there stay.

create table if not exists ipxo_ecommerce_invoices (
    "uuid" varchar,
    "reference" varchar,
    "status" varchar,
    "placed_at" timestamp,
    "sub_total" json,
    "discount_total" json,
    "tax_total" json,
    "credits_total" json,
    "total" json,
    "total_before_tax" json,
    "invoicable_id" varchar,
    "invoicable_type" varchar,
    "_airbyte_raw_id" varchar,
    "_airbyte_extracted_at" timestamp,
    "_airbyte_meta" json
);

create table if not exists ipxo_invoices (
    "uuid" varchar,
    "tenant_uuid" varchar,
    "invoice_number" varchar,
    "date" bigint,
    "date_due" bigint,
    "date_paid" bigint,
    "subtotal" decimal(38, 9),
    "subtotal_with_taxes" decimal(38, 9),
    "total" decimal(38, 9),
    "total_left_to_pay" decimal(38, 9),
    "total_paid" decimal(38, 9),
    "total_tax" decimal(38, 9),
    "status" varchar,
    "items_count" bigint,
    "items" json,
    "taxes" json,
    "transactions" json,
    "updated_at" timestamp,
    "_airbyte_raw_id" varchar,
    "_airbyte_extracted_at" timestamp,
    "_airbyte_meta" json
);

create table if not exists ipxo_payout_invoices (
    "uuid" varchar,
    "invoice_number" varchar,
    "tenant_uuid" varchar,
    "total" decimal(38, 9),
    "fees" decimal(38, 9),
    "status" varchar,
    "date" bigint,
    "date_paid" bigint,
    "payment_confirmation_uuid" varchar,
    "items" json,
    "updated_at" timestamp,
    "_airbyte_raw_id" varchar,
    "_airbyte_extracted_at" timestamp,
    "_airbyte_meta" json
);

create table if not exists nexudus_payout_invoices (
    "invoiceid" bigint,
    "invoiceinvoicenumber" varchar,
    "invoicereselleramount" decimal(38, 9),
    "invoicecreatedon" timestamp,
    "invoicecurrencycode" varchar,
    "invoicebusinessid" bigint,
    "invoicebusinessname" varchar,
    "resellerpayoutid" bigint,
    "amount" decimal(38, 9),
    "id" bigint,
    "updatedon" timestamp,
    "createdon" timestamp,
    "uniqueid" varchar,
    "updatedby" varchar,
    "isnew" boolean,
    "systemid" varchar,
    "tostringtext" varchar,
    "localizationdetails" varchar,
    "customfields" varchar,
    "_airbyte_raw_id" varchar,
    "_airbyte_extracted_at" timestamp,
    "_airbyte_meta" json
);

create table if not exists payhubix_invoices (
    "link" varchar,
    "status" varchar,
    "transfer_fee_by" varchar,
    "service_fee_by" varchar,
    "currency_amount" decimal(38, 9),
    "remaining_currency_amount" decimal(38, 9),
    "currency_symbol" varchar,
    "currency_sign" varchar,
    "order_id" varchar,
    "shop" json,
    "invoice_url" varchar,
    "created_at" timestamp,
    "_airbyte_raw_id" varchar,
    "_airbyte_extracted_at" timestamp,
    "_airbyte_meta" json
);
