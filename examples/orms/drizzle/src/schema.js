// The shop's tables, as they are without paysafe.
import { bigint, index, integer, numeric, pgEnum, pgTable, timestamp, uuid, varchar } from 'drizzle-orm/pg-core'

export const paymentStatus = pgEnum('payment_status', ['authorized', 'captured', 'cancelled'])
export const refundStatus = pgEnum('refund_status', ['requested', 'rejected', 'executing', 'paid', 'failed'])

const id = () => bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity()
const money = (name) => numeric(name, { precision: 12, scale: 2 })
const currency = () => varchar({ length: 3 }).notNull().default('EUR')
const written = {
  updatedAt: timestamp('updated_at', { withTimezone: true }).notNull().defaultNow().$onUpdate(() => new Date()),
  version: integer().notNull().default(1)
}

export const payment = pgTable('payment', {
  id: id(),
  providerId: varchar('provider_id', { length: 100 }).notNull().unique(),
  status: paymentStatus().notNull().default('authorized'),
  currency: currency(),
  amount: money().notNull(),
  captured: money().notNull().default('0'),
  note: varchar({ length: 200 }),
  ...written
})

export const refund = pgTable(
  'refund',
  {
    id: id(),
    paymentId: bigint('payment_id', { mode: 'number' }).notNull().references(() => payment.id),
    status: refundStatus().notNull().default('requested'),
    currency: currency(),
    amount: money().notNull(),
    providerReference: varchar('provider_reference', { length: 100 }).unique(),
    ...written
  },
  (table) => [index('refund_payment').on(table.paymentId)]
)

export const wallet = pgTable('wallet', {
  id: id(),
  owner: varchar({ length: 100 }).notNull(),
  balance: money().notNull().default('0'),
  minimum: money().default('0')
})

export const ledgerEntry = pgTable(
  'ledger_entry',
  {
    id: id(),
    transaction: uuid().notNull(),
    walletId: bigint('wallet_id', { mode: 'number' }).notNull().references(() => wallet.id),
    currency: currency(),
    amount: money().notNull()
  },
  (table) => [index('ledger_entry_transaction').on(table.transaction)]
)

export const giftCard = pgTable('gift_card', {
  id: id(),
  code: varchar({ length: 20 }).notNull().unique(),
  balance: money().notNull(),
  version: integer().notNull().default(1)
})
