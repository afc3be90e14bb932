-- CreateEnum
CREATE TYPE "payment_status" AS ENUM ('authorized', 'captured', 'cancelled');

-- CreateEnum
CREATE TYPE "refund_status" AS ENUM ('requested', 'rejected', 'executing', 'paid', 'failed');

-- CreateTable
CREATE TABLE "payment" (
    "id" BIGSERIAL NOT NULL,
    "provider_id" VARCHAR(100) NOT NULL,
    "status" "payment_status" NOT NULL DEFAULT 'authorized',
    "currency" VARCHAR(3) NOT NULL DEFAULT 'EUR',
    "amount" DECIMAL(12,2) NOT NULL,
    "captured" DECIMAL(12,2) NOT NULL DEFAULT 0,
    "note" VARCHAR(200),
    "updated_at" TIMESTAMPTZ(3) NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,

    CONSTRAINT "payment_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "refund" (
    "id" BIGSERIAL NOT NULL,
    "payment_id" BIGINT NOT NULL,
    "status" "refund_status" NOT NULL DEFAULT 'requested',
    "currency" VARCHAR(3) NOT NULL DEFAULT 'EUR',
    "amount" DECIMAL(12,2) NOT NULL,
    "provider_reference" VARCHAR(100),
    "updated_at" TIMESTAMPTZ(3) NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,

    CONSTRAINT "refund_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "wallet" (
    "id" BIGSERIAL NOT NULL,
    "owner" VARCHAR(100) NOT NULL,
    "balance" DECIMAL(12,2) NOT NULL DEFAULT 0,
    "minimum" DECIMAL(12,2) DEFAULT 0,

    CONSTRAINT "wallet_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "ledger_entry" (
    "id" BIGSERIAL NOT NULL,
    "transaction" UUID NOT NULL,
    "wallet_id" BIGINT NOT NULL,
    "currency" VARCHAR(3) NOT NULL DEFAULT 'EUR',
    "amount" DECIMAL(12,2) NOT NULL,

    CONSTRAINT "ledger_entry_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "gift_card" (
    "id" BIGSERIAL NOT NULL,
    "code" VARCHAR(20) NOT NULL,
    "balance" DECIMAL(12,2) NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,

    CONSTRAINT "gift_card_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "payment_provider_id_key" ON "payment"("provider_id");

-- CreateIndex
CREATE UNIQUE INDEX "refund_provider_reference_key" ON "refund"("provider_reference");

-- CreateIndex
CREATE INDEX "refund_payment_id_idx" ON "refund"("payment_id");

-- CreateIndex
CREATE INDEX "ledger_entry_transaction_idx" ON "ledger_entry"("transaction");

-- CreateIndex
CREATE UNIQUE INDEX "gift_card_code_key" ON "gift_card"("code");

-- AddForeignKey
ALTER TABLE "refund" ADD CONSTRAINT "refund_payment_id_fkey" FOREIGN KEY ("payment_id") REFERENCES "payment"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ledger_entry" ADD CONSTRAINT "ledger_entry_wallet_id_fkey" FOREIGN KEY ("wallet_id") REFERENCES "wallet"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
